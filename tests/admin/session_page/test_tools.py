"""The links and buttons for actions on the page of a session."""

from __future__ import annotations

from django.contrib.admin.utils import quote
from django.urls import reverse

from agent_sessions import Message, Session
from tests.admin.actions.testcase import ActionTestCase, url
from tests.contract import TURN, USER


class ToolsTests(ActionTestCase):
    """The buttons of a page."""

    def test_of_a_session(self) -> None:
        """A session's page leads to all that can be done with it."""
        Session.objects.append("a/b", [USER])

        page = self.client.get(url("change", "a/b")).content.decode()

        for view in ("fork", "purge", "delete"):
            self.assertIn(f'"{url(view, "a/b")}"', page)
        for name in ("html", "markdown", "json", "jsonl"):
            export = reverse("admin:agent_sessions_session_export", args=[quote("a/b"), name])
            self.assertIn(f'"{export}"', page)

    def test_of_a_turn(self) -> None:
        """Each turn can be forked before its first message, or after its last."""
        Session.objects.append("one", TURN + TURN)
        pks = list(Message.objects.order_by("pk").values_list("pk", flat=True))

        page = self.client.get(url("change", "one")).content.decode()

        for name, pk in (("before", pks[0]), ("at", pks[3]), ("before", pks[4]), ("at", pks[7])):
            self.assertIn(f'name="{name}" value="{pk}"', page)
