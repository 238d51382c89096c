"""The columns of the list."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from agent_sessions import Message, Session
from agent_sessions.admin.formats import NO_VALUE
from agent_sessions.models.usage import Usage
from agent_sessions.usage.steps import Step, Tokens
from tests.admin.changelist.testcase import ListTestCase
from tests.admin.testcase import LIST
from tests.contract import ANSWER, TURN, USER

PRICES = {"gpt-5-mini": {"input": "0.25", "cached": "0.025", "output": "2.00"}}


class ColumnTests(ListTestCase):
    """The cells of a row."""

    @override_settings(AGENT_SESSIONS_PRICES=PRICES)
    def test_row(self) -> None:
        """A row shows the title, owner, numbers, cost, last activity and state of a session."""
        step = Step(agent_name="Triage", tokens=Tokens(1, 2_000_000, 0, 0, 0, 2_000_000))
        Session.objects.append("0123456789", TURN, user=self.owner, step=step)
        Usage.objects.update(model="gpt-5-mini")
        Session.objects.update(title="Jazz tonight", updated_at="2020-01-01T12:00Z")

        self.assertEqual(
            self.cells(),
            [
                {
                    "conversation": "Jazz tonight 01234567 Triage",
                    "owner": "annelies ↗",
                    "turns": "1",
                    "messages": "4",
                    "tokens": "2,000,000",
                    "cost": "0.50",
                    "updated_at": "Jan. 1, 2020, 1 p.m.",
                    "state": "Complete",
                }
            ],
        )

    def test_nothing_known(self) -> None:
        """Unknown values are dashes."""
        Session.objects.create(session_id="empty")
        Message.objects.create(session_id="empty", message_data='{"role":"assistant"}')

        (row,) = self.cells()

        self.assertEqual(row.pop("updated_at")[:1].isalpha(), True)
        self.assertEqual(
            row,
            {
                "conversation": "empty",
                "owner": NO_VALUE,
                "turns": NO_VALUE,
                "messages": "1",
                "tokens": NO_VALUE,
                "cost": NO_VALUE,
                "state": "Unknown",
            },
        )

    @override_settings(AGENT_SESSIONS_PRICES=PRICES)
    def test_incomplete_sums(self) -> None:
        """Sums that leave out steps are marked."""
        for tokens in (Tokens(1, 40_000, 0, 0, 0, 40_000), Tokens(1)):
            Session.objects.append("one", [ANSWER], step=Step(tokens=tokens))
        Usage.objects.update(model="gpt-5-mini")

        (row,) = self.cells()

        self.assertEqual(row["tokens"], "≥ at least 40,000")
        self.assertEqual(row["cost"], "≥ at least 0.01")

    @override_settings(AGENT_SESSIONS_PRICES=PRICES, AGENT_SESSIONS_CURRENCY="EUR")
    def test_currency(self) -> None:
        """The currency follows costs on the list and its filter, and on both pages with costs."""
        step = Step(tokens=Tokens(1, 2_000_000, 0, 0, 0, 2_000_000))
        Session.objects.append("one", TURN, step=step)
        Usage.objects.update(model="gpt-5-mini")

        self.assertEqual(self.cells()[0]["cost"], "0.50\N{NO-BREAK SPACE}EUR")
        self.assertContains(self.get(), "Under 0.01\N{NO-BREAK SPACE}EUR</a>")
        self.assertContains(self.client.get(f"{LIST}usage/"), "0.50\N{NO-BREAK SPACE}EUR")
        self.assertIn("0.50\N{NO-BREAK SPACE}EUR", self.page("one"))

    @override_settings(AGENT_SESSIONS_PRICES=PRICES)
    def test_cost_is_rounded_down(self) -> None:
        """Costs are rounded down."""
        shown = {0: "0.00", 1: "< 0.0001", 399_999: "0.0999", 4_000_000: "1.00", 9**10: "871.69"}
        for number in shown:
            tokens = Tokens(1, number, 0, 0, 0, number)
            Session.objects.append(f"{number:020}", [ANSWER], step=Step(tokens=tokens))
        Usage.objects.update(model="gpt-5-mini")

        costs = {row["conversation"]: row["cost"] for row in self.cells()}

        self.assertEqual(costs, {f"{number:020}": cost for number, cost in shown.items()})

    def test_first_words(self) -> None:
        """A session without a title is named by the first words of its first user message."""
        Session.objects.append("one", TURN)

        self.assertEqual(self.cells()[0]["conversation"], f"{USER['content']} one")

    def test_many_agents(self) -> None:
        """The first of many agents are named, and all of them in a tooltip."""
        for number in range(5):
            Session.objects.append("one", [ANSWER], step=Step(agent_name=f"Agent {number}"))

        self.assertIn("Agent 0, Agent 1, Agent 2 +2", self.cells()[0]["conversation"])
        self.assertContains(self.get(), 'title="Agent 0, Agent 1, Agent 2, Agent 3, Agent 4"')

    def test_forks(self) -> None:
        """A fork is marked, even if its parent was deleted."""
        Session.objects.append("one", TURN)
        Session.objects.fork("one", "two")
        Session.objects.filter(pk="one").delete()

        self.assertEqual(self.cells()[0]["state"], "Complete Fork")

    def test_without_content(self) -> None:
        """A user without the permission to read content sees ids and numbers, and no words."""
        Session.objects.append("0123456789", TURN, user=self.owner)
        Session.objects.update(title="Jazz tonight", metadata={"mood": "blue"})
        self.login_without_content()

        with CaptureQueriesContext(connection) as captured:
            (row,) = self.cells()

        self.assertEqual((row["conversation"], row["messages"]), ("0123456789", "4"))
        self.assertFalse([query for query in captured if "message_data" in query["sql"]])
        for secret in ("Jazz tonight", "blue", USER["content"]):
            self.assertNotContains(self.get(), secret)

    def test_hostile_text(self) -> None:
        """Text by people, models and tools is escaped, and its invisible characters are named."""
        script = "<script>alert(1)</script>\u202e"
        step = Step(agent_name=script)
        owner = User.objects.create_user(script)
        Session.objects.append(script, [ANSWER], user=owner, step=step)
        Session.objects.append("two", [{"role": "user", "content": script}])
        Session.objects.append("three", TURN)
        Session.objects.filter(pk="three").update(title=script)

        page = self.get(agent=script, owner=owner.pk, tool=script, state=script, says=script)
        for response in (page, self.get()):
            self.assertContains(response, "&lt;script&gt;alert(1)")
            self.assertNotContains(response, "<script>alert")
        self.assertNotIn("\u202e", "".join(map(str, self.cells())))

    def test_policy(self) -> None:
        """The page sends the content security policy and has no inline style or script."""
        Session.objects.append("one", TURN)

        response = self.get()

        self.assertIn("script-src 'self'", response.headers["Content-Security-Policy"])
        self.assertNotRegex(response.content.decode(), r"<style| style=| on\w+=|<script>")
