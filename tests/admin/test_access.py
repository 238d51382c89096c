"""admin.access: the record of who reads which session, and ids that no session can have."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import override_settings

from agent_sessions import Session
from agent_sessions.signals import content_viewed
from tests.admin.picture_session import PictureTestCase
from tests.admin.tenant_urls import addresses, of_the_list
from tests.contract import TURN
from tests.statements import statements


class RecordTests(PictureTestCase):
    """The signal and the log."""

    def setUp(self) -> None:
        super().setUp()
        self.heard: list[tuple[Any, ...]] = []
        content_viewed.connect(self.hear)
        self.addCleanup(content_viewed.disconnect, self.hear)

    def hear(self, session_id: str, user: Any, view: str, using: str, **facts: Any) -> None:
        self.heard.append((session_id, user, view, using))

    def read(self) -> None:
        for page in ("change", "item", "media"):
            self.assertEqual(self.client.get(self.pages[page]).status_code, 200, page)

    def test_signal(self) -> None:
        """Each page that shows content sends the signal with session, user and page."""
        self.read()
        self.client.get(self.pages["change"], {"find": "jazz"})

        views = [view for _, _, view, _ in self.heard]
        self.assertEqual(views, ["page", "item", "media", "page", "search"])
        self.assertEqual(
            {facts[:2] + facts[3:] for facts in self.heard}, {("one", self.superuser, "default")}
        )

    def test_no_log_by_default(self) -> None:
        """By default, reading is not logged."""
        self.read()

        self.assertFalse(LogEntry.objects.exists())

    @override_settings(AGENT_SESSIONS_ADMIN_LOG_VIEWS=True)
    def test_log(self) -> None:
        """With the setting, each page is logged under the session's id."""
        self.read()

        entries = LogEntry.objects.order_by("pk").values_list("object_repr", "change_message")
        pages = ("page", "item", "media")
        self.assertEqual(list(entries), [("one", f"Read the content: {page}.") for page in pages])

    def test_confirmations(self) -> None:
        """A confirmation that shows titles is recorded as reading; its answer is not."""
        Session.objects.append("untitled", TURN)
        ids = ["one", "untitled"]
        address = of_the_list()["changelist"]

        for page in ("purge", "delete"):
            self.assertContains(self.client.get(self.pages[page]), "one (A secret title)")
        for action in ("purge_selected", "delete_selected"):
            data = {"action": action, "_selected_action": ids}
            self.assertContains(self.client.post(address, data), "one (A secret title)")
        self.client.post(self.pages["purge"], {"post": "yes"})
        self.client.post(self.pages["delete"], {"post": "yes"})

        self.assertEqual([facts[0::2] for facts in self.heard], [("one", "confirmation")] * 4)

    def test_search_in_the_list(self) -> None:
        """A search in the list is recorded for each session found, and no other."""
        Session.objects.append("two", [{"role": "user", "content": "blues"}])
        address = of_the_list()["changelist"]

        self.client.get(address, {"says": "jazz"})
        self.client.get(address, {"q": "secret"})
        self.client.get(address, {"says": "nobody says this"})

        view = "search in the list"
        self.assertEqual([facts[0::2] for facts in self.heard], [("one", view)] * 2)

    @override_settings(AGENT_SESSIONS_ADMIN_LOG_VIEWS=True)
    def test_log_of_a_search(self) -> None:
        """All sessions that a search has found are logged in one query."""
        Session.objects.append("two", TURN)
        counts = []
        for query in ({}, {"says": "jazz"}):
            with statements() as sent:
                self.client.get(of_the_list()["changelist"], query)
            counts.append(sent.count("INSERT"))

        entries = LogEntry.objects.values_list("object_repr", "change_message")
        text = "Read the content: search in the list."
        self.assertEqual(set(entries), {("one", text), ("two", text)})
        self.assertEqual(counts, [0, 1])

    @override_settings(AGENT_SESSIONS_ADMIN_LOG_VIEWS=True)
    def test_nothing_read(self) -> None:
        """Pages without content and unknown ids are not recorded."""
        self.client.get(self.pages["history"])
        deleter = User.objects.create_user("deleter", is_staff=True)
        codenames = ("view_session", "delete_session")
        deleter.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        self.client.force_login(deleter)
        for page in ("purge", "delete", "history", "change"):
            self.assertEqual(self.client.get(self.pages[page]).status_code, 200)
        self.client.force_login(self.superuser)
        self.client.get(addresses("unknown", self.message.pk)["item"])
        self.client.get(of_the_list()["changelist"])

        self.assertEqual((self.heard, LogEntry.objects.count()), ([], 0))

    def test_a_receiver_that_fails(self) -> None:
        """A receiver that raises an error does not prevent reading."""

        def fail(**facts: Any) -> None:
            raise RuntimeError("on purpose")

        content_viewed.connect(fail)
        self.addCleanup(content_viewed.disconnect, fail)

        with self.assertLogs("django.dispatch"):
            self.read()


class StrangeIdTests(PictureTestCase):
    """Ids that no database can contain."""

    def test_nul(self) -> None:
        """An id with NUL is an unknown session on every page and database."""
        for name, address in addresses("nul\x00", self.message.pk).items():
            for method in (self.client.get, self.client.post):
                self.assertIn(method(address).status_code, (302, 403, 404), name)

    def test_nul_in_the_list(self) -> None:
        """A search with NUL finds nothing, and an action gets a 400."""
        address = of_the_list()["changelist"]
        data = {"action": "delete_selected", "_selected_action": ["nul\x00"], "post": "yes"}

        self.assertIn(self.client.get(address, {"q": "nul\x00"}).status_code, (200, 302))
        self.assertEqual(self.client.post(address, data).status_code, 400)
        self.assertTrue(Session.objects.exists())

    def test_long(self) -> None:
        """An overlong id is an unknown session."""
        for name, address in addresses("x" * 2_000, 10**17).items():
            self.assertIn(self.client.get(address).status_code, (302, 404), name)
