"""The filters of the list. Costs and words have tests of their own."""

from __future__ import annotations

import json
from unittest import mock

from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from agent_sessions import Message, Session
from agent_sessions.admin.changelist import changelist
from agent_sessions.admin.changelist.filters import FailureFilter
from agent_sessions.items.reported_errors import TOOL_FAILED
from agent_sessions.usage.steps import Step
from tests.admin.changelist.testcase import ListTestCase
from tests.admin.testcase import LIST
from tests.contract import CALL, OUTPUT, TURN, USER
from tests.statements import statements


class OwnerTests(ListTestCase):
    """OwnerFilter."""

    def setUp(self) -> None:
        super().setUp()
        Session.objects.append("one", TURN, user=self.owner)
        Session.objects.append("two", TURN, user=self.superuser)
        Session.objects.append("three", TURN)

    def test_owner(self) -> None:
        """Sessions with an owner, without one, and of one owner are found."""
        self.assertCountEqual(self.found(owner="any"), ["two", "one"])
        self.assertEqual(self.found(owner="none"), ["three"])
        self.assertEqual(self.found(owner=self.owner.pk), ["one"])

    def test_name(self) -> None:
        """Only the chosen owner is named, and only if the list shows a session of theirs."""
        others = User.objects.create_user("somebody else")

        self.assertNotContains(self.get(owner="any"), ">annelies</a></li>")
        self.assertContains(self.get(owner=self.owner.pk), ">annelies</a></li>")
        self.assertNotContains(self.get(owner=others.pk), "somebody else")

    def test_invalid(self) -> None:
        """A value that cannot be an owner leads back to the list."""
        self.assertRedirects(self.client.get(LIST, {"owner": "x"}), f"{LIST}?e=1")


class NameTests(ListTestCase):
    """AgentFilter and ToolFilter."""

    def setUp(self) -> None:
        super().setUp()
        step = Step(agent_name="Triage")
        Session.objects.append("one", TURN, step=step)
        Session.objects.append("two", [CALL | {"name": "refund"}])

    def test_agent(self) -> None:
        """Sessions with messages of an agent are found."""
        self.assertEqual(self.found(agent="Triage"), ["one"])
        self.assertEqual(self.found(agent="Nobody"), [])

    def test_tool(self) -> None:
        """Sessions with calls of a tool are found."""
        self.assertEqual(self.found(tool="refund"), ["two"])
        self.assertEqual(self.found(tool="nothing"), [])

    def test_choices(self) -> None:
        """The names in the newest messages are offered, and the chosen name."""
        with mock.patch("agent_sessions.admin.changelist.recent_names.RECENT_MESSAGES", 1):
            page = self.get(tool="gone")

        for name, times in (("refund", 1), ("gone", 1), ("search_events", 0)):
            self.assertContains(page, f">{name}</a></li>", count=times)

    def test_agents_of_older_messages(self) -> None:
        """The last agents of the newest sessions are offered, even if their messages are older."""
        for ends, times in ((2, 1), (1, 0)):
            with (
                mock.patch("agent_sessions.admin.changelist.recent_names.RECENT_MESSAGES", 1),
                mock.patch("agent_sessions.admin.changelist.recent_names.RECENT_SESSIONS", ends),
            ):
                self.assertContains(self.get(), ">Triage</a></li>", count=times)

    def test_strange_names(self) -> None:
        """A NUL, which PostgreSQL rejects, is no error; neither is an empty name."""
        for name in ("\x00", ""):
            self.assertCountEqual(self.found(tool=name, agent=name), ["two", "one"])


class StateTests(ListTestCase):
    """StateFilter."""

    def test_states(self) -> None:
        """Sessions are found by the state in the list, and forks as well."""
        Session.objects.append("complete", TURN)
        Session.objects.append("waiting", [USER, CALL])
        Session.objects.append("incomplete", [USER, CALL, OUTPUT])
        Session.objects.create(session_id="empty")
        Session.objects.create(session_id="unknown")
        Message.objects.create(session_id="unknown", message_data="{}")
        Session.objects.fork("complete", "fork")

        for state in ("waiting", "incomplete", "empty", "unknown", "fork"):
            self.assertEqual(self.found(state=state), [state])
        self.assertCountEqual(self.found(state="complete"), ["fork", "complete"])
        self.assertEqual(self.found(state="nonsense"), [])


class FailureTests(ListTestCase):
    """FailureFilter."""

    def setUp(self) -> None:
        super().setUp()
        broken = {**OUTPUT, "output": f"{TOOL_FAILED}. Please try again."}
        refund = CALL | {"name": "refund", "call_id": "r"}
        Session.objects.append("fine", TURN)
        Session.objects.append("search failed", [USER, CALL, broken, refund])
        Session.objects.append("refund failed", [*TURN, refund, broken | {"call_id": "r"}])
        Session.objects.append("web", [{"type": "web_search_call", "id": "w", "status": "failed"}])
        Session.objects.create(session_id="by the SDK")
        Message.objects.create(session_id="by the SDK", message_data=json.dumps(broken))

    def test_failed(self) -> None:
        """Sessions with a failed tool are found and marked, except those that the SDK wrote."""
        self.assertCountEqual(self.found(failed="tool"), ["web", "refund failed", "search failed"])
        states = ("Incomplete", "Incomplete", "Waiting")
        marked = [row["state"].split() for row in self.cells() if "failed" in row["state"]]
        self.assertCountEqual(marked, [[state, "Tool", "failed"] for state in states])

    def test_of_a_tool(self) -> None:
        """If a tool is chosen, that tool has to have failed, not another one of the session."""
        self.assertCountEqual(self.found(tool="refund"), ["refund failed", "search failed"])
        self.assertEqual(self.found(failed="tool", tool="refund"), ["refund failed"])
        self.assertEqual(self.found(failed="tool", tool="web_search"), ["web"])
        self.assertEqual(self.found(failed="tool", tool=CALL["name"]), ["search failed"])
        self.assertEqual(len(self.found(failed="tool", tool="\x00")), 3)

    def test_anything_else(self) -> None:
        """An unknown value leads back to the list."""
        self.assertRedirects(self.client.get(LIST, {"failed": "x"}), f"{LIST}?e=1")

    def test_the_newest(self) -> None:
        """Only the most recently active sessions are searched."""
        for pk, day in {"fine": 4, "web": 3, "refund failed": 2, "search failed": 1}.items():
            Session.objects.filter(pk=pk).update(updated_at=f"2100-01-0{day}T00:00Z")

        with mock.patch.object(changelist, "MOST_LISTED", 2):
            page = self.get(failed="tool")

        self.assertEqual([s.pk for s in page.context["cl"].result_list], ["web"])
        self.assertContains(page, "Only the 2 most recently active sessions")

    def test_index(self) -> None:
        """The failures of a session are found by an index."""
        queryset = FailureFilter(mock.Mock(GET={}), {"failed": ["tool"]}, Session, None).narrowed(
            Session.objects.all()
        )
        if connection.vendor == "sqlite" and connection.features.supports_partial_indexes:
            self.assertIn("agent_messages_failed", queryset.explain())


class NewestTests(ListTestCase):
    """Computed filters, which no index serves, look at the newest sessions only."""

    def setUp(self) -> None:
        super().setUp()
        for number in range(6):
            Session.objects.append(f"session {number}", TURN if number % 2 else [USER])
            moment = timezone.now().replace(year=2020 + number, month=6)
            Session.objects.filter(pk=f"session {number}").update(updated_at=moment)

    def test_newest(self) -> None:
        """Older sessions are not searched, and a sentence says so."""
        with mock.patch.object(changelist, "MOST_LISTED", 3):
            self.assertEqual(self.found(state="complete"), ["session 5", "session 3"])
            self.assertContains(
                self.get(state="complete"), "Only the 3 most recently active sessions"
            )

    def test_all(self) -> None:
        """If there are no older sessions, there is no sentence."""
        with mock.patch.object(changelist, "MOST_LISTED", 6):
            page = self.get(state="complete")

        self.assertNotContains(page, "most recently active")
        self.assertEqual(len(page.context["cl"].result_list), 3)

    def test_other_filters_first(self) -> None:
        """Dates and other filters are applied first, so that all sessions can be reached."""
        with mock.patch.object(changelist, "MOST_LISTED", 3):
            page = self.get(state="complete", updated_at__year=2021)
            self.assertEqual(self.found(state="complete", q="session 1"), ["session 1"])

        self.assertEqual([s.pk for s in page.context["cl"].result_list], ["session 1"])
        self.assertNotContains(page, "most recently active")

    def test_statements(self) -> None:
        """Computed filters add one statement, which finds the newest sessions."""
        self.get()
        counts = []
        queries: list[dict[str, str]] = [
            {},
            {"state": "complete"},
            {"says": "jazz", "state": "complete"},
        ]
        for query in queries:
            with statements() as sent:
                self.get(**query)
            counts.append(len(sent))

        self.assertEqual([count - counts[0] for count in counts], [0, 1, 1])
