"""Permissions: every view and every action, for every sort of user."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.http import HttpRequest
from django.test import TestCase, override_settings
from django.urls import reverse

from agent_sessions import Message, Session
from tests.admin.picture_session import PICTURE, PIXEL
from tests.admin.tenant_urls import addresses, of_the_list

User = get_user_model()
URLS = "tests.admin.tenant_urls"
SECRET = "sesame"
SECRETS = (SECRET.encode(), PIXEL.encode(), b64decode(PIXEL))
ITEMS = [
    PICTURE,
    {"role": "user", "content": f"open {SECRET}"},
    {
        "type": "function_call",
        "call_id": "c",
        "name": "open",
        "arguments": f'{{"door": "{SECRET}"}}',
    },
]

# The columns of the table: users, with their permissions.
USERS = {
    "nobody": None,
    "customer": None,
    "staff": (),
    "viewer": ("view_session",),
    "reader": ("view_session", "view_content"),
    "content": ("view_content",),
    "forker": ("view_session", "add_session"),
    "deleter": ("view_session", "delete_session"),
    "root": None,
}

LOGIN = "login"
NO = "403"


class Expected(NamedTuple):
    """The expected result for each sort of user: a status, and words for its content.

    "found": the list names the session. "secret": the response contains some of its content.
    "done": something was changed. Customers get the same results as nobody.
    """

    nobody: str
    staff: str
    viewer: str
    reader: str
    content: str
    forker: str
    deleter: str
    root: str


def to_viewers(viewer: str, reader: str) -> Expected:
    """Return the expected results of a page that needs the permission to view sessions."""
    return Expected(LOGIN, NO, viewer, reader, NO, viewer, viewer, reader)


def to_readers(reader: str) -> Expected:
    return Expected(LOGIN, NO, NO, reader, NO, NO, NO, reader)


def to_forkers(forker: str, root: str) -> Expected:
    return Expected(LOGIN, NO, NO, NO, NO, forker, NO, root)


def to_deleters(deleter: str, root: str) -> Expected:
    return Expected(LOGIN, NO, NO, NO, NO, NO, deleter, root)


def action(**expected: str) -> Expected:
    """Return the expected results of an action: the unchanged list if it is not offered."""
    without = {"nobody": LOGIN, "staff": NO, "content": NO}
    # Users without any action see the list again; those with other actions are redirected to it.
    none = {"viewer": "200 found", "reader": "302", "forker": "302", "deleter": "302"}
    return Expected(**{**without, **none, **expected})


# The rows of the table: requests, as (method, name of the address, data).
Row = tuple[str, str, dict[str, Any]]


def post(name: str, **data: Any) -> Row:
    return "post", name, data


def get(name: str, **data: Any) -> Row:
    return "get", name, data


def act(name: str, **data: Any) -> Row:
    return "post", "changelist", {"action": name, "_selected_action": ["one"], **data}


TABLE: dict[str, tuple[Row, Expected]] = {
    "list": (get("changelist"), to_viewers("200 found", "200 found secret")),
    "search by id": (get("changelist", q="one"), to_viewers("200 found", "200 found secret")),
    "search by title": (get("changelist", q=SECRET[:4]), to_viewers("200", "200 found secret")),
    "filter by text": (
        get("changelist", says=SECRET[:4]),
        to_viewers("200 found", "200 found secret"),
    ),
    "filter by other text": (get("changelist", says="xyz"), to_viewers("200 found", "200")),
    "title in the address": (
        get("changelist", title__contains=SECRET[:4]),
        to_viewers("400", "400"),
    ),
    "metadata in the address": (
        get("changelist", metadata__door__startswith=SECRET[:4]),
        to_viewers("400", "400"),
    ),
    "items in the address": (
        get("changelist", messages__message_data__contains=SECRET[:4]),
        to_viewers("400", "400"),
    ),
    "usage": (get("usage"), to_viewers("200", "200")),
    "usage as CSV": (get("usage", format="csv"), to_viewers("200", "200")),
    "add": (get("add"), to_viewers(NO, NO)),
    "page": (get("change"), to_viewers("200", "200 secret")),
    "search inside": (get("change", find=SECRET[:4]), to_viewers("200", "200 secret")),
    "changing": (post("change", title="x"), to_viewers(NO, NO)),
    "history": (get("history"), to_viewers("200", "200")),
    "item": (get("item"), to_readers("200 secret")),
    "media": (get("media"), to_readers("200 secret")),
    "export as HTML": (get("export html"), to_readers("200 secret")),
    "export as JSON": (get("export json"), to_readers("200 secret")),
    "export as JSONL": (get("export jsonl"), to_readers("200 secret")),
    "export as Markdown": (get("export markdown"), to_readers("200 secret")),
    "fork?": (get("fork"), to_forkers("200", "200 secret")),
    "fork": (post("fork", owner="same"), to_forkers("302 done", "302 done")),
    "fork for oneself": (post("fork", owner="mine"), to_forkers(NO, "302 done")),
    "purge?": (get("purge"), to_deleters("200", "200 secret")),
    "purge": (post("purge"), to_deleters("302 done", "302 done")),
    "delete?": (get("delete"), to_deleters("200", "200 secret")),
    "delete": (post("delete", post="yes"), to_deleters("302 done", "302 done")),
    "export several": (act("export_selected"), action(reader="200 secret", root="200 secret")),
    "fork several?": (act("fork_selected"), action(forker="200", root="200 secret")),
    "fork several": (
        act("fork_selected", owner="same"),
        action(forker="302 done", root="302 done"),
    ),
    "fork several for oneself": (
        act("fork_selected", owner="mine"),
        action(forker=NO, root="302 done"),
    ),
    "purge several?": (act("purge_selected"), action(deleter="200", root="200 secret")),
    "purge several": (
        act("purge_selected", post="yes"),
        action(deleter="302 done", root="302 done"),
    ),
    "delete several?": (act("delete_selected"), action(deleter="200", root="200 secret")),
    "delete several": (
        act("delete_selected", post="yes"),
        action(deleter="302 done", root="302 done"),
    ),
}


def _names(urls: Iterable[Any]) -> set[str]:
    """Return the names of all URL patterns, nested ones included."""
    names: set[str] = set()
    for url in urls:
        names |= _names(url.url_patterns) if hasattr(url, "url_patterns") else {url.name}
    return names - {None}


@override_settings(ROOT_URLCONF=URLS, AGENT_SESSIONS_ADMIN_LOG_VIEWS=True)
class PermissionTests(TestCase):
    """The table, row by row."""

    addresses: dict[str, str]

    @classmethod
    def setUpTestData(cls) -> None:
        customer = User.objects.create_user("customer")
        User.objects.create_superuser("root")
        for name, codenames in USERS.items():
            if codenames is not None:
                user = User.objects.create_user(name, is_staff=True)
                user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        manager = User.objects.create_user("manager", is_staff=True)
        theirs = Permission.objects.filter(content_type__app_label="auth")
        deletes = Permission.objects.filter(codename="delete_session")
        manager.user_permissions.set([*theirs, *deletes])
        Session.objects.append("one", ITEMS, user=customer)
        Session.objects.update(title=f"A {SECRET} title", metadata={"door": SECRET})
        Message.objects.create(session_id="one", message_data=f"unreadable {SECRET}")
        pk = Message.objects.earliest("pk").pk
        cls.addresses = addresses("one", pk) | of_the_list()

    def log_in(self, name: str) -> None:
        self.client.logout()
        if name != "nobody":
            self.client.force_login(User.objects.get(username=name))

    def test_table(self) -> None:
        """Every user gets the expected result from every view and action."""
        for row, (request, expected) in TABLE.items():
            wanted = {**expected._asdict(), "customer": expected.nobody}
            for user, cell in wanted.items():
                with self.subTest(row=row, user=user):
                    self.assertEqual(self.undone(partial(self.cell, user, *request)), cell)

    def undone(self, find: Callable[[], str]) -> str:
        """Call a function, roll its changes back, and return its result."""
        with transaction.atomic():
            found = find()
            transaction.set_rollback(True)
        return found

    def cell(self, user: str, method: str, name: str, data: dict[str, Any]) -> str:
        self.log_in(user)
        before = self.state()
        response = getattr(self.client, method)(self.addresses[name], data)
        if response.status_code == 302 and "/login/" in response["Location"]:
            self.assertEqual(self.state(), before)
            return LOGIN
        body = response.getvalue()
        facts = {
            "found": name == "changelist" and self.addresses["change"].encode() in body,
            "secret": any(secret in body for secret in SECRETS),
            "done": self.state() != before,
        }
        return " ".join([str(response.status_code), *(fact for fact in facts if facts[fact])])

    def state(self) -> tuple[Any, ...]:
        sessions = Session.objects.order_by("pk").values_list("title", "metadata")
        messages = Message.objects.order_by("pk").values_list("message_data", flat=True)
        return list(sessions), list(messages)

    def test_site(self) -> None:
        """No other page of the admin's site contains content of a session."""
        self.read_everything()
        for user in ("nobody", "customer", *USERS, "manager"):
            self.log_in(user)
            for name, address in self.of_the_site().items():
                with self.subTest(user=user, name=name):
                    response = self.client.get(address)
                    body = response.getvalue()
                    self.assertFalse([secret for secret in SECRETS if secret in body])
                    self.assertNotEqual(response.status_code, 500)

    def test_deleting_users(self) -> None:
        """Deleting users needs the permission to delete their sessions, and shows no content."""
        customer = User.objects.get(username="customer")
        self.log_in("manager")
        data = {"action": "delete_selected", "_selected_action": [customer.pk]}
        page = self.client.post(reverse("admin:auth_user_changelist", urlconf=URLS), data)
        self.assertIn(b">one<", page.content)
        self.assertNotIn(SECRET.encode(), page.content)
        manager = User.objects.get(username="manager")
        manager.user_permissions.remove(*Permission.objects.filter(codename="delete_session"))

        data["post"] = "yes"
        answer = self.client.post(reverse("admin:auth_user_changelist", urlconf=URLS), data)

        self.assertEqual(answer.status_code, 403)
        self.assertTrue(Session.objects.exists())

    def test_autocomplete(self) -> None:
        """Autocomplete names sessions by id, and searches titles only for readers."""
        field = {"app_label": "agent_sessions", "model_name": "message", "field_name": "session"}
        address = reverse("admin:autocomplete", urlconf=URLS)
        for user, found in (("viewer", []), ("reader", ["one"]), ("root", ["one"])):
            self.log_in(user)
            for term, expected in (("", ["one"]), ("on", ["one"]), (SECRET[:4], found)):
                results = self.client.get(address, {**field, "term": term}).json()["results"]
                self.assertEqual([result["text"] for result in results], expected, (user, term))
        for user, status in (("staff", 403), ("content", 403), ("customer", 302), ("nobody", 302)):
            self.log_in(user)
            self.assertEqual(self.client.get(address, field).status_code, status, user)

    def test_messages(self) -> None:
        """The message after a deletion and the recent actions name the session by id."""
        self.log_in("deleter")
        self.client.post(self.addresses["purge"])
        Session.objects.update(title=f"A {SECRET} title")
        page = self.client.post(self.addresses["delete"], {"post": "yes"}, follow=True)
        index = self.client.get(reverse("admin:index", urlconf=URLS))

        for body in (page.content, index.content):
            self.assertIn(b"one", body)
            self.assertNotIn(SECRET.encode(), body)

    def read_everything(self) -> None:
        """Fill the log with entries of a superuser's actions on a session."""
        self.log_in("root")
        for name in ("change", "delete", "purge", "item", "export json"):
            self.client.get(self.addresses[name])
        self.client.post(self.addresses["fork"])

    def of_the_site(self) -> dict[str, str]:
        """Return the addresses of the site that are not in the table."""
        customer = User.objects.get(username="customer").pk
        types = ContentType.objects.get_for_model(Session).pk
        arguments: dict[str, list[object]] = {
            "view_on_site": [types, "one"],
            "app_list": ["agent_sessions"],
            "auth_user_password_change": [customer],
            **{f"auth_user_{page}": [customer] for page in ("change", "delete", "history")},
        }
        known = {f"agent_sessions_session_{name.split()[0]}" for (_, name, _), _ in TABLE.values()}
        found = {}
        for name in _names(admin.site.get_urls()) - known - {"logout"}:
            page = name.rpartition("_")[2]
            is_of_one = name.count("_") > 1 and page in ("change", "delete", "history")
            given = ["1"] if is_of_one else []
            found[name] = reverse(f"admin:{name}", args=arguments.get(name, given), urlconf=URLS)
        return found

    def test_every_address(self) -> None:
        """The table contains every view."""
        prefix = "agent_sessions_session_"
        views = {url.name for url in admin.site.get_model_admin(Session).get_urls() if url.name}

        asked = {name.split()[0] for (_, name, _), _ in TABLE.values()}

        self.assertEqual({name.removeprefix(prefix) for name in views}, asked)

    def test_every_action(self) -> None:
        """The table contains every action."""
        request = HttpRequest()
        request.user = User.objects.get(username="root")
        actions = admin.site.get_model_admin(Session).get_actions(request)

        asked = {data.get("action") for (_, _, data), _ in TABLE.values()}
        self.assertEqual({*actions, None}, asked)
