"""The links and buttons for actions on the page of a session."""

from __future__ import annotations

from django.contrib.admin.utils import quote
from django.urls import reverse

from agent_sessions import Message, Session
from tests.admin.actions.testcase import ActionTestCase, url
from tests.contract import TURN, USER


class ToolsTests(ActionTestCase):
    """The links and buttons."""

    def test_session(self) -> None:
        """The page links to each action and export."""
        Session.objects.append("a/b", [USER])

        page = self.client.get(url("change", "a/b")).content.decode()

        for view in ("fork", "purge", "delete"):
            self.assertIn(f'"{url(view, "a/b")}"', page)
        for name in ("html", "markdown", "json", "jsonl"):
            export = reverse("admin:agent_sessions_session_export", args=[quote("a/b"), name])
            self.assertIn(f'"{export}"', page)

    def test_turn(self) -> None:
        """Each turn has buttons to fork before its first and after its last message."""
        Session.objects.append("one", TURN + TURN)
        pks = list(Message.objects.order_by("pk").values_list("pk", flat=True))

        page = self.client.get(url("change", "one")).content.decode()

        for name, pk in (("before", pks[0]), ("at", pks[3]), ("before", pks[4]), ("at", pks[7])):
            self.assertIn(f'name="{name}" value="{pk}"', page)
