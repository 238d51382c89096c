"""Who may do what: every view and every action, for every sort of user."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from typing import Any, NamedTuple

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import transaction
from django.http import HttpRequest
from django.test import TestCase, override_settings

from agent_sessions import Message, Session
from tests.admin.tenant_urls import addresses, of_the_list
from tests.admin.test_access import PICTURE, PIXEL

User = get_user_model()
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

# What the columns of the table are: users, with their permissions.
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
    """What each sort of user gets: a status, and what is in the answer or has happened.

    "found" says that the session is named on a list, "secret" that something of its content is in
    the answer, "done" that something was changed. Customers get what nobody gets.
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
    """Return what is expected of a page that is opened with the permission to view sessions."""
    return Expected(LOGIN, NO, viewer, reader, NO, viewer, viewer, reader)


def to_readers(reader: str) -> Expected:
    return Expected(LOGIN, NO, NO, reader, NO, NO, NO, reader)


def to_forkers(forker: str, root: str) -> Expected:
    return Expected(LOGIN, NO, NO, NO, NO, forker, NO, root)


def to_deleters(deleter: str, root: str) -> Expected:
    return Expected(LOGIN, NO, NO, NO, NO, NO, deleter, root)


def action(**expected: str) -> Expected:
    """Return what is expected of an action: the list as it was, where the action is not offered."""
    without = {"nobody": LOGIN, "staff": NO, "content": NO}
    # Who has no action at all sees the list again, who has others is led back to it.
    none = {"viewer": "200 found", "reader": "302", "forker": "302", "deleter": "302"}
    return Expected(**{**without, **none, **expected})


# What the rows of the table are: requests, as (method, name of the address, data).
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
    "fork by a link": (get("fork"), to_forkers("405", "405")),
    "fork": (post("fork"), to_forkers("302 done", "302 done")),
    "purge?": (get("purge"), to_deleters("200", "200 secret")),
    "purge": (post("purge"), to_deleters("302 done", "302 done")),
    "delete?": (get("delete"), to_deleters("200", "200 secret")),
    "delete": (post("delete", post="yes"), to_deleters("302 done", "302 done")),
    "export several": (act("export_selected"), action(reader="200 secret", root="200 secret")),
    "fork several": (act("fork_selected"), action(forker="302 done", root="302 done")),
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


@override_settings(ROOT_URLCONF="tests.admin.tenant_urls", AGENT_SESSIONS_ADMIN_LOG_VIEWS=True)
class PermissionTests(TestCase):
    """The table, row by row."""

    @classmethod
    def setUpTestData(cls) -> None:
        User.objects.create_user("customer")
        User.objects.create_superuser("root")
        for name, codenames in USERS.items():
            if codenames is not None:
                user = User.objects.create_user(name, is_staff=True)
                user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        Session.objects.append("one", ITEMS)
        Session.objects.update(title=f"A {SECRET} title", metadata={"door": SECRET})
        Message.objects.create(session_id="one", message_data=f"unreadable {SECRET}")
        pk = Message.objects.earliest("pk").pk
        cls.addresses = addresses("one", pk) | of_the_list()

    def log_in(self, name: str) -> None:
        self.client.logout()
        if name != "nobody":
            self.client.force_login(User.objects.get(username=name))

    def test_table(self) -> None:
        """Every user gets of every view and action what the table says."""
        for row, (request, expected) in TABLE.items():
            wanted = {**expected._asdict(), "customer": expected.nobody}
            for user, cell in wanted.items():
                with self.subTest(row=row, user=user):
                    self.assertEqual(self.undone(lambda u=user, r=request: self.cell(u, *r)), cell)

    def undone(self, find: Callable[[], str]) -> str:
        """Return what was found, and undo what was done for it."""
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

    def test_every_address(self) -> None:
        """There is no view that the table does not know."""
        prefix = "agent_sessions_session_"
        views = {url.name for url in admin.site.get_model_admin(Session).get_urls() if url.name}

        asked = {name.split()[0] for (_, name, _), _ in TABLE.values()}

        self.assertEqual({name.removeprefix(prefix) for name in views}, asked)

    def test_every_action(self) -> None:
        """Nor is there an action."""
        request = HttpRequest()
        request.user = User.objects.get(username="root")
        actions = admin.site.get_model_admin(Session).get_actions(request)

        asked = {data.get("action") for (_, _, data), _ in TABLE.values()}
        self.assertEqual({*actions, None}, asked)
