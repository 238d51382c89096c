"""The list of sessions: what a row shows, and that it has an end."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from unittest import mock

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from agent_sessions import Message, Session
from agent_sessions.admin import SessionAdmin
from agent_sessions.admin.changelist import changelist
from agent_sessions.admin.changelist.columns import NOTHING
from agent_sessions.models.usage import Usage
from agent_sessions.usage.steps import Step, Tokens
from tests.admin.testcase import LIST, AdminTestCase
from tests.contract import ANSWER, CALL, TURN, USER, numbered
from tests.statements import statements

User = get_user_model()
PRICES = {"gpt-5-mini": {"input": "0.25", "cached": "0.025", "output": "2.00"}}


class ListTestCase(AdminTestCase):
    """Somebody who may see everything, and what the list shows them."""

    def login_without_content(self) -> None:
        viewer = User.objects.create_user("viewer", is_staff=True)
        viewer.user_permissions.set(Permission.objects.filter(codename="view_session"))
        self.client.force_login(viewer)

    def get(self, **query: Any) -> Any:
        response = self.client.get(LIST, query)
        self.assertEqual(response.status_code, 200, query)
        return response

    def found(self, **query: Any) -> list[str]:
        return [session.pk for session in self.get(**query).context["cl"].result_list]

    def cells(self, **query: Any) -> list[dict[str, str]]:
        """Return the text of each row's cells, by column."""
        body = self.get(**query).content.decode().partition("<tbody>")[2].partition("</tbody>")[0]
        cell = re.compile(r'<t[dh] class="field-(\w+)[^"]*">(.*?)</t[dh]>', re.DOTALL)
        return [
            {name: unescape(strip_tags(html)).strip() for name, html in cell.findall(row)}
            for row in body.split("</tr>")[:-1]
        ]


class RowTests(ListTestCase):
    @override_settings(AGENT_SESSIONS_PRICES=PRICES)
    def test_row(self) -> None:
        """A row names the session and says whose it is, how much it is and how it ended."""
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
        """What is not known is a dash."""
        Session.objects.create(session_id="empty")
        Message.objects.create(session_id="empty", message_data='{"role":"assistant"}')

        (row,) = self.cells()

        self.assertEqual(row.pop("updated_at")[:1].isalpha(), True)
        self.assertEqual(
            row,
            {
                "conversation": "empty",
                "owner": NOTHING,
                "turns": NOTHING,
                "messages": "1",
                "tokens": NOTHING,
                "cost": NOTHING,
                "state": "Unknown",
            },
        )

    @override_settings(AGENT_SESSIONS_PRICES=PRICES)
    def test_incomplete_sums(self) -> None:
        """Sums that leave something out say so."""
        for tokens in (Tokens(1, 40_000, 0, 0, 0, 40_000), Tokens(1)):
            Session.objects.append("one", [ANSWER], step=Step(tokens=tokens))
        Usage.objects.update(model="gpt-5-mini")

        (row,) = self.cells()

        self.assertEqual(row["tokens"], "≥ at least 40,000")
        self.assertEqual(row["cost"], "≥ at least 0.01")

    @override_settings(AGENT_SESSIONS_PRICES=PRICES, AGENT_SESSIONS_CURRENCY="EUR")
    def test_currency(self) -> None:
        """Costs, and the bands that they are looked for in, have their currency behind them."""
        step = Step(tokens=Tokens(1, 2_000_000, 0, 0, 0, 2_000_000))
        Session.objects.append("one", TURN, step=step)
        Usage.objects.update(model="gpt-5-mini")

        self.assertEqual(self.cells()[0]["cost"], "0.50\N{NO-BREAK SPACE}EUR")
        self.assertContains(self.get(), "Under 0.01\N{NO-BREAK SPACE}EUR</a>")
        self.assertContains(self.client.get(f"{LIST}usage/"), "0.50\N{NO-BREAK SPACE}EUR")
        self.assertIn("0.50\N{NO-BREAK SPACE}EUR", self.page("one"))

    @override_settings(AGENT_SESSIONS_PRICES=PRICES)
    def test_cost_is_rounded_down(self) -> None:
        """No cost is shown as more than it is."""
        shown = {0: "0.00", 1: "< 0.0001", 399_999: "0.0999", 4_000_000: "1.00", 9**10: "871.69"}
        for number in shown:
            tokens = Tokens(1, number, 0, 0, 0, number)
            Session.objects.append(f"{number:020}", [ANSWER], step=Step(tokens=tokens))
        Usage.objects.update(model="gpt-5-mini")

        costs = {row["conversation"]: row["cost"] for row in self.cells()}

        self.assertEqual(costs, {f"{number:020}": cost for number, cost in shown.items()})

    def test_first_words(self) -> None:
        """Without a title a session is named by the first words of its first user message."""
        Session.objects.append("one", TURN)

        self.assertEqual(self.cells()[0]["conversation"], f"{USER['content']} one")

    def test_many_agents(self) -> None:
        """Of many agents the first are named, and all where one points at them."""
        for number in range(5):
            Session.objects.append("one", [ANSWER], step=Step(agent_name=f"Agent {number}"))

        self.assertIn("Agent 0, Agent 1, Agent 2 +2", self.cells()[0]["conversation"])
        self.assertContains(self.get(), 'title="Agent 0, Agent 1, Agent 2, Agent 3, Agent 4"')

    def test_forks(self) -> None:
        """A fork is marked, also when what it was forked from is gone."""
        Session.objects.append("one", TURN)
        Session.objects.fork("one", "two")
        Session.objects.filter(pk="one").delete()

        self.assertEqual(self.cells()[0]["state"], "Complete Fork")

    def test_without_content(self) -> None:
        """Who may not read content sees the id and the numbers, and nothing that was said."""
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
        """What people, models and tools wrote is escaped, and what is invisible in it is seen."""
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
        """The page sends the policy that it keeps: it has no style and no script of its own."""
        Session.objects.append("one", TURN)

        response = self.get()

        self.assertIn("script-src 'self'", response.headers["Content-Security-Policy"])
        self.assertNotRegex(response.content.decode(), r"<style| style=| on\w+=|<script>")


class BoundsTests(ListTestCase):
    def make(self, count: int) -> None:
        Session.objects.bulk_create(
            Session(session_id=f"session {number:03}", updated_at=f"2026-01-01T00:{number:02}Z")
            for number in range(count)
        )

    def test_statements(self) -> None:
        """The list asks as often for fifty sessions as for one, however long they are."""
        self.get()  # reads what Django keeps for all pages
        counts = set()
        for number, items in ((1, TURN), (50, TURN), (1, numbered(500))):
            Session.objects.all().delete()
            for index in range(number):
                Session.objects.append(f"session {index}", items, user=self.owner)
            with statements() as sent:
                self.get()
            counts.add(len(sent))

        self.assertEqual(len(counts), 1)
        self.assertLess(counts.pop(), 18)

    def test_an_end(self) -> None:
        """Of many sessions the newest are listed, and a sentence says that there are more."""
        self.make(31)

        with mock.patch.object(changelist, "MOST", 20):
            response = self.get()

        self.assertContains(response, "20+ sessions")
        self.assertContains(response, "More than 20 sessions match")
        found = [session.pk for session in response.context["cl"].result_list]
        self.assertEqual(found, [f"session {number:03}" for number in range(30, 10, -1)])

    def test_no_more_than_there_are(self) -> None:
        """Where all is listed nothing is said, and all are counted."""
        self.make(20)

        with mock.patch.object(changelist, "MOST", 20):
            response = self.get()

        self.assertContains(response, "20 sessions")
        self.assertNotContains(response, "More than")

    def test_actions_on_all(self) -> None:
        """An action on all that was found is on no more than what is listed."""
        self.make(31)
        chosen = {"_selected_action": ["session 030"], "select_across": "1"}

        with mock.patch.object(changelist, "MOST", 20):
            self.client.post(LIST, {"action": "delete_selected", "post": "yes", **chosen})

        left = Session.objects.order_by("pk").values_list("pk", flat=True)
        self.assertEqual(list(left), [f"session {number:03}" for number in range(11)])

    def test_pages(self) -> None:
        """Each page shows its part; one that is not there leads back to the first."""
        self.make(60)

        self.assertEqual(len(self.found()), 50)
        self.assertEqual(self.found(p=2), [f"session {n:03}" for n in range(9, -1, -1)])
        self.assertEqual(len(self.found(all="")), 60)
        self.assertRedirects(self.client.get(LIST, {"p": 9}), f"{LIST}?e=1")

    def test_order(self) -> None:
        """The list can be turned around, and sorted by nothing but activity."""
        self.make(3)
        Session.objects.filter(pk="session 001").update(title="Zebra", user=self.owner)
        activity = SessionAdmin.list_display.index("updated_at") + 1
        newest, oldest = self.found(), self.found()[::-1]

        self.assertEqual(self.found(o=activity), oldest)
        self.assertEqual(self.found(o=f"-{activity}"), newest)
        for order in ("1", "-2", "2.1", "99", "x", ""):
            self.assertEqual(self.found(o=order), newest, order)

    def test_one_way_through_the_index(self) -> None:
        """Sessions of one moment are in the order of the index that both orders go through."""
        self.make(3)
        Session.objects.update(updated_at="2026-01-01T00:00Z")
        activity = SessionAdmin.list_display.index("updated_at") + 1

        self.assertEqual(self.found(), ["session 002", "session 001", "session 000"])
        self.assertEqual(self.found(o=activity), ["session 000", "session 001", "session 002"])

    def test_ids_of_all_sorts(self) -> None:
        """A session is opened from the list whatever its id holds."""
        for session_id in ("a/b", "a_2Fb", "ü ?#%&", '"quoted"', " "):
            Session.objects.append(session_id, TURN)
            row = self.get().content.decode().split('field-conversation"><a href="')[1]
            link = unescape(row.split('"')[0])
            self.assertEqual(self.client.get(link).status_code, 200, session_id)
            Session.objects.all().delete()


class SearchTests(ListTestCase):
    def test_search(self) -> None:
        """A session is found by its id, its title and its owner."""
        Session.objects.append("abc-123", TURN, user=self.owner)
        Session.objects.filter(pk="abc-123").update(title="Jazz tonight")
        Session.objects.append("other", TURN)

        for words in ("abc-1", "jazz", "annel"):
            self.assertEqual(self.found(q=words), ["abc-123"], words)

    def test_titles_are_content(self) -> None:
        """Who may not read content cannot guess a title either."""
        Session.objects.append("one", TURN)
        Session.objects.update(title="Jazz tonight", metadata={"mood": "blue"})
        self.assertEqual(self.found(q="Jazz"), ["one"])
        self.login_without_content()

        self.assertEqual(self.found(q="Jazz"), [])


class SubclassTests(ListTestCase):
    """What a project changes in a subclass."""

    class Admin(SessionAdmin):
        list_display = (*SessionAdmin.list_display, "shouted", "created_at")
        list_filter = (*SessionAdmin.list_filter, "created_at")
        date_hierarchy = None

        @admin.display(ordering="session_id")
        def shouted(self, session: Session) -> str:
            return session.pk.upper()

        def get_queryset(self, request: Any) -> Any:
            return super().get_queryset(request).filter(pk__startswith="mine")

    def response(self, **query: Any) -> Any:
        request = RequestFactory().get(LIST, query)
        request.user = self.superuser
        model_admin = self.Admin(Session, admin.AdminSite(name="other"))
        with self.settings(ROOT_URLCONF="tests.admin_urls"):
            return model_admin.changelist_view(request).render()

    def test_columns(self) -> None:
        """Columns of a subclass stand beside ours, and its restriction holds for names too."""
        Session.objects.append("mine", TURN)
        Session.objects.append("theirs", [CALL | {"name": "secret_tool"}])

        response = self.response()

        self.assertContains(response, '<td class="field-shouted">MINE</td>')
        self.assertContains(response, "search_events")
        self.assertNotContains(response, "theirs")
        self.assertNotContains(response, "secret_tool")

    def test_another_order(self) -> None:
        """A subclass may have an order of its own."""
        for session_id in ("mine 2", "mine 1"):
            Session.objects.append(session_id, TURN)

        with mock.patch.object(self.Admin, "ordering", ("session_id",)):
            found = self.response().context_data["cl"].result_list

        self.assertEqual([session.pk for session in found], ["mine 1", "mine 2"])

    def test_readable_by_session(self) -> None:
        """A permission for single sessions is asked for each row."""
        Session.objects.append("mine", TURN)
        Session.objects.append("mine too", TURN)
        allowed = mock.Mock(side_effect=lambda _, obj=None: obj is not None and obj.pk == "mine")

        with mock.patch.object(self.Admin, "has_view_content_permission", allowed):
            page = self.response().content.decode()

        self.assertEqual(page.count(USER["content"]), 1)
