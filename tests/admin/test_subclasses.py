"""Subclasses of SessionAdmin that decide which sessions a request may see and read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.test import RequestFactory, TestCase, override_settings
from django.urls import reverse

from agent_sessions import Message, Session
from agent_sessions.admin.access import opened
from agent_sessions.usage.steps import Step, Tokens
from tests.admin.picture_session import PICTURE, PictureTestCase
from tests.admin.tenant_urls import PickyAdmin, addresses, of_the_list, picky
from tests.contract import TURN

EXPORT = "export_selected"


ACTIONS = ("delete_selected", "purge_selected", EXPORT, "fork_selected")


STEP = Step("Their agent", tokens=Tokens(1, 10, 0, 5, 0, 123_456))


class TenantTests(PictureTestCase):
    """A subclass with get_queryset(), on another site."""

    tenant: User

    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.tenant = User.objects.create_superuser("tenant")
        Session.objects.append("ours", TURN, user=cls.tenant)

    def setUp(self) -> None:
        super().setUp()
        self.client.force_login(self.tenant)
        self.pages = addresses("one", self.message.pk, site="support")
        self.lists = of_the_list(site="support")

    def test_own_pages(self) -> None:
        """The pages of a tenant's session open, with the site's own addresses."""
        message = Message.objects.filter(session="ours").earliest("pk")
        pages = addresses("ours", message.pk, site="support")

        for name in ("change", "delete", "history", "item", "purge", "export json", "export html"):
            response = self.client.get(pages[name])
            self.assertEqual(response.status_code, 200, name)
            self.assertNotIn("/admin/agent_sessions/", _body(response), name)

        fork = self.client.post(pages["fork"], {"owner": "mine"})
        new = Session.objects.get(parent="ours")
        self.assertRedirects(fork, addresses(new.pk, 1, site="support")["change"])

    def test_pages_of_others(self) -> None:
        """The pages of other tenants' sessions show and change nothing."""
        for name, address in self.pages.items():
            for method in (self.client.get, self.client.post):
                response = method(address, {"post": "yes"})
                if response.status_code == 302:
                    self.assertRedirects(response, reverse("support:index"))
                else:
                    self.assertIn(response.status_code, (403, 404), name)
                self.assertNotIn("secret", _body(response), name)

        self.assertEqual(Session.objects.count(), 2)
        self.assertEqual(Session.objects.items("one"), [PICTURE, *TURN])

    def test_lists(self) -> None:
        """Neither the list nor a search finds sessions of others."""
        for query in ({}, {"q": "titl"}, {"q": "one"}, {"q": "root"}):
            self.assertNotIn("secret", _body(self.client.get(self.lists["changelist"], query)))

    def test_usage(self) -> None:
        """The usage page leaves out other tenants' usage."""
        Session.objects.append("one", TURN, step=STEP)
        Session.objects.append("ours", TURN, step=STEP._replace(agent_name="Own agent"))

        body = _body(self.client.get(self.lists["usage"]))

        self.assertIn("Own agent", body)
        self.assertNotIn("Their agent", body)

    def test_actions(self) -> None:
        """An action on a session of others does nothing."""
        for action in ("delete_selected", "purge_selected", "export_selected", "fork_selected"):
            data = {"action": action, "_selected_action": ["one"], "post": "yes"}
            response = self.client.post(self.lists["changelist"], data)
            self.assertNotIn("secret", _body(response), action)
        self.assertEqual(Session.objects.items("one"), [PICTURE, *TURN])

        export = {"action": "export_selected", "select_across": "1", "_selected_action": ["one"]}
        body = _body(self.client.post(self.lists["changelist"], export))
        self.assertNotIn("secret", body)
        self.assertIn('"ours"', body)

    def test_relatives_of_others(self) -> None:
        """A hidden parent or fork is not named."""
        Session.objects.append("theirs-before", TURN)
        Session.objects.append("theirs-after", TURN)
        Session.objects.filter(pk="ours").update(parent="theirs-before")
        Session.objects.filter(pk="theirs-after").update(parent="ours")
        pages = addresses("ours", 1, site="support")

        for name in ("change", "delete", "purge", "history", *_exports(pages)):
            self.assertNotIn("theirs", _body(self.client.get(pages[name])), name)
        self.assertIn("Forks that keep their copies: 0", _body(self.client.get(pages["purge"])))
        export = {"action": "export_selected", "_selected_action": ["ours"]}
        self.assertNotIn("theirs", _body(self.client.post(self.lists["changelist"], export)))

    def test_own_relatives(self) -> None:
        """A visible parent is named."""
        Session.objects.fork("ours", "a-fork")

        for name in _exports(self.pages):
            body = _body(self.client.get(addresses("a-fork", 1, site="support")[name]))
            if name != "export jsonl":
                self.assertIn("ours", body, name)

    def test_messages_of_others(self) -> None:
        """A message of another session is a 404."""
        pages = addresses("ours", self.message.pk, site="support")

        for name in ("item", "media"):
            self.assertEqual(self.client.get(pages[name]).status_code, 404)


@override_settings(ROOT_URLCONF="tests.admin.tenant_urls")
class BySessionTests(TestCase):
    """A subclass whose permissions look at the session, see PickyAdmin."""

    superuser: User
    owner: User
    message: Message

    @classmethod
    def setUpTestData(cls) -> None:
        cls.superuser = User.objects.create_superuser("root")
        cls.owner = User.objects.create_user("owner")
        for name in ("open", "sealed", "veiled"):
            step = Step(f"Agent of {name}", tokens=Tokens(1, 10, 0, 5, 0, 15))
            said = [{"role": "user", "content": f"jazz, said in {name}-text"}, *TURN[-1:]]
            Session.objects.append(name, said, user=cls.owner, step=step)
            Session.objects.filter(pk=name).update(title=f"jazz, called {name}-title")
        cls.message = Message.objects.filter(session="veiled").earliest("pk")

    def setUp(self) -> None:
        self.client.force_login(self.superuser)
        self.list = of_the_list(site="picky")["changelist"]

    def body(self, address: str, **query: Any) -> str:
        return _body(self.client.get(address, query))

    def pages(self, session_id: str) -> dict[str, str]:
        return addresses(session_id, self.message.pk, site="picky")

    def state(self) -> Any:
        messages = Message.objects.order_by("pk").values_list("session", "message_data")
        return list(Session.objects.order_by("pk").values_list("pk", "title")), list(messages)

    def test_pages(self) -> None:
        """No page shows a hidden session or a sealed one's content, or changes them."""
        before = self.state()
        for name in ("veiled", "sealed"):
            for page, address in self.pages(name).items():
                for method in (self.client.get, self.client.post):
                    body = _body(method(address, {"post": "yes"}))
                    for secret in (f"{name}-title", f"{name}-text"):
                        if (name, page) != ("veiled", "delete"):
                            self.assertNotIn(secret, body, page)
                    self.assertNotIn("veiled-", body, page)
                if (name, page) == ("veiled", "delete"):  # the view checks no other permission
                    before = self.state()
        self.assertEqual(self.state(), before)

    def test_list(self) -> None:
        """A hidden session is not listed; a sealed one is listed without content."""
        body = self.body(self.list)

        for shown in ("open-title", ">sealed<"):
            self.assertIn(shown, body)
        for secret in ("veiled", "sealed-title", "sealed-text"):
            self.assertNotIn(secret, body)
        self.assertIn("2 sessions", body)

    def test_search(self) -> None:
        """A search finds no session whose content the request may not read."""
        for query in ({"q": "jazz"}, {"says": "jazz"}, {"q": "jazz", "says": "said"}):
            body = self.body(self.list, **query)
            self.assertIn("open-title", body, query)
            self.assertIn("1 session", body, query)
            for name in ("sealed", "veiled"):
                self.assertNotIn(f"/{name}/change", body, query)

    def test_search_by_name(self) -> None:
        """A sealed session is found by its id and owner."""
        for words in ("SEAL", "owner", "'sealed' own"):
            self.assertIn("/sealed/change", self.body(self.list, q=words), words)
        self.assertNotIn("/veiled/change", self.body(self.list, q="veiled"))
        self.assertNotIn("/sealed/change", self.body(self.list, q="sealed jazz"))

    def test_periods(self) -> None:
        """The date hierarchy shows dates of found sessions only."""
        Session.objects.filter(pk="veiled").update(updated_at=datetime(2001, 1, 1, tzinfo=UTC))

        self.assertNotIn("2001", self.body(self.list, q="jazz"))

    def test_autocomplete(self) -> None:
        """Autocomplete offers no hidden session, and finds no sealed one by its title."""
        address = reverse("picky:autocomplete")
        field = {"app_label": "agent_sessions", "model_name": "message", "field_name": "session"}

        def offered(term: str) -> set[str]:
            results = self.client.get(address, {**field, "term": term}).json()["results"]
            self.assertEqual([found["id"] for found in results], [r["text"] for r in results])
            return {found["id"] for found in results}

        self.assertEqual(offered(""), {"open", "sealed"})
        self.assertEqual(offered("jazz"), {"open"})
        self.assertEqual(offered("sealed"), {"sealed"})
        self.assertEqual(offered("veiled"), set())

    def test_actions_on_hidden_sessions(self) -> None:
        """An action leaves out a hidden session, even if its id is sent."""
        before = self.state()
        for action in ACTIONS:
            data = {"action": action, "_selected_action": ["veiled"], "post": "yes"}
            self.assertNotIn("veiled", _body(self.client.post(self.list, data)), action)
        self.assertEqual(self.state(), before)

        body = _body(self.client.post(self.list, {**data, "select_across": "1", "action": EXPORT}))
        self.assertNotIn("veiled", body)

    def test_actions_on_sealed_sessions(self) -> None:
        """An action does nothing if one session forbids it, and names that session."""
        before = self.state()
        for action in ACTIONS:
            for post in ({"post": "yes"}, {}):
                data = {"action": action, "_selected_action": ["open", "sealed"], **post}
                response = self.client.post(self.list, data, follow=True)
                body = _body(response)
                self.assertIn("permission to do this with 1 of the sessions: sealed.", body, action)
                self.assertNotIn("sealed-", body, action)
        self.assertEqual(self.state(), before)

    def test_relatives(self) -> None:
        """A hidden parent or fork is not named or counted."""
        Session.objects.filter(pk="open").update(parent="veiled")
        Session.objects.fork("open", "veiled fork")

        for name, address in self.pages("open").items():
            if name not in ("fork", "item", "media"):
                self.assertNotIn("veiled", self.body(address), name)
        self.assertIn("Forks that keep their copies: 0", self.body(self.pages("open")["purge"]))
        data = {"action": EXPORT, "_selected_action": ["open"]}
        self.assertNotIn("veiled", _body(self.client.post(self.list, data)))

    def test_names(self) -> None:
        """Filters offer no agents or owners of hidden sessions."""
        other = User.objects.create_user("another owner")
        Session.objects.filter(pk="veiled").update(user=other)

        self.assertIn("Agent of sealed", self.body(self.list))
        self.assertNotIn("Agent of veiled", self.body(self.list))
        self.assertNotIn("another owner", self.body(self.list, owner=other.pk))

    def test_deleting_the_owner(self) -> None:
        """Deleting a user needs the permission to delete each of the user's sessions."""
        address = reverse("picky:auth_user_delete", args=[self.owner.pk])

        body = self.body(address)
        answer = self.client.post(address, {"post": "yes"})

        self.assertIn("your account doesn", body)
        for name in ("open", "sealed", "veiled"):
            self.assertNotIn(f"{name}-title", body)
        self.assertEqual((answer.status_code, Session.objects.count()), (403, 3))

    def test_opening_a_hidden_session(self) -> None:
        """opened() raises PermissionDenied for a hidden session."""
        request = RequestFactory().get("/")
        request.user = self.superuser

        with self.assertRaises(PermissionDenied):
            opened(PickyAdmin(Session, picky), request, "veiled")


def _exports(pages: dict[str, str]) -> list[str]:
    return [name for name in pages if name.startswith("export")]


def _body(response: Any) -> str:
    return str(response.getvalue().decode())
