"""What the list can be narrowed down by."""

from __future__ import annotations

import json
from decimal import Decimal
from unittest import mock

from django.contrib.auth import get_user_model
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from agent_sessions import Message, Session
from agent_sessions.admin.changelist import changelist
from agent_sessions.admin.changelist.columns import cost
from agent_sessions.admin.changelist.filters import BANDS, FailureFilter
from agent_sessions.admin.changelist.text_sql import saying
from agent_sessions.items.reported_errors import TOOL_FAILED
from agent_sessions.models.usage import Usage
from agent_sessions.usage.steps import Step, Tokens
from tests.admin.changelist.test_changelist import LIST, ListTestCase
from tests.contract import CALL, OUTPUT, TURN, USER
from tests.statements import statements

User = get_user_model()


class OwnerTests(ListTestCase):
    def setUp(self) -> None:
        super().setUp()
        Session.objects.append("one", TURN, user=self.owner)
        Session.objects.append("two", TURN, user=self.superuser)
        Session.objects.append("three", TURN)

    def test_owner(self) -> None:
        """Sessions of somebody, of nobody, and of one owner are found."""
        self.assertCountEqual(self.found(owner="any"), ["two", "one"])
        self.assertEqual(self.found(owner="none"), ["three"])
        self.assertEqual(self.found(owner=self.owner.pk), ["one"])

    def test_name(self) -> None:
        """The one owner is named, and nobody else of whom there may be thousands."""
        others = User.objects.create_user("somebody else")

        self.assertNotContains(self.get(owner="any"), ">annelies</a></li>")
        self.assertContains(self.get(owner=self.owner.pk), ">annelies</a></li>")
        self.assertNotContains(self.get(owner=others.pk), "somebody else")

    def test_no_owner(self) -> None:
        """What cannot be an owner leads back to the list."""
        self.assertRedirects(self.client.get(LIST, {"owner": "x"}), f"{LIST}?e=1")


class NameTests(ListTestCase):
    """Of agents and tools."""

    def setUp(self) -> None:
        super().setUp()
        step = Step(agent_name="Triage")
        Session.objects.append("one", TURN, step=step)
        Session.objects.append("two", [CALL | {"name": "refund"}])

    def test_agent(self) -> None:
        """Sessions in which an agent spoke are found."""
        self.assertEqual(self.found(agent="Triage"), ["one"])
        self.assertEqual(self.found(agent="Nobody"), [])

    def test_tool(self) -> None:
        """Sessions in which a tool was called are found."""
        self.assertEqual(self.found(tool="refund"), ["two"])
        self.assertEqual(self.found(tool="nothing"), [])

    def test_choices(self) -> None:
        """Names of the newest messages are offered, and the one that is chosen."""
        with mock.patch("agent_sessions.admin.changelist.recent_names.RECENT", 1):
            page = self.get(tool="gone")

        for name, times in (("refund", 1), ("gone", 1), ("search_events", 0)):
            self.assertContains(page, f">{name}</a></li>", count=times)

    def test_agents_of_older_messages(self) -> None:
        """Agents are offered with which newest sessions end, though no newest message is theirs."""
        for ends, times in ((2, 1), (1, 0)):
            with (
                mock.patch("agent_sessions.admin.changelist.recent_names.RECENT", 1),
                mock.patch("agent_sessions.admin.changelist.recent_names.ENDS", ends),
            ):
                self.assertContains(self.get(), ">Triage</a></li>", count=times)

    def test_strange_names(self) -> None:
        """A NUL, which PostgreSQL does not have, is no error; nor is nothing."""
        for name in ("\x00", ""):
            self.assertCountEqual(self.found(tool=name, agent=name), ["two", "one"])


class StateTests(ListTestCase):
    def test_states(self) -> None:
        """Sessions are found by the state that the list shows, and forks among them."""
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
    """Sessions in which a tool failed."""

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
        """They are found and marked; what the SDK wrote is not known to be one of them."""
        self.assertCountEqual(self.found(failed="tool"), ["web", "refund failed", "search failed"])
        states = ("Incomplete", "Incomplete", "Waiting")
        marked = [row["state"].split() for row in self.cells() if "failed" in row["state"]]
        self.assertCountEqual(marked, [[state, "Tool", "failed"] for state in states])

    def test_of_a_tool(self) -> None:
        """With a tool chosen it is the one that failed, not another of the session."""
        self.assertCountEqual(self.found(tool="refund"), ["refund failed", "search failed"])
        self.assertEqual(self.found(failed="tool", tool="refund"), ["refund failed"])
        self.assertEqual(self.found(failed="tool", tool="web_search"), ["web"])
        self.assertEqual(self.found(failed="tool", tool=CALL["name"]), ["search failed"])
        self.assertEqual(len(self.found(failed="tool", tool="\x00")), 3)

    def test_anything_else(self) -> None:
        """An unknown value leads back to the list."""
        self.assertRedirects(self.client.get(LIST, {"failed": "x"}), f"{LIST}?e=1")

    def test_the_newest(self) -> None:
        """As by state, it is looked for in the sessions of newest activity."""
        for pk, day in {"fine": 4, "web": 3, "refund failed": 2, "search failed": 1}.items():
            Session.objects.filter(pk=pk).update(updated_at=f"2100-01-0{day}T00:00Z")

        with mock.patch.object(changelist, "MOST", 2):
            page = self.get(failed="tool")

        self.assertEqual([s.pk for s in page.context["cl"].result_list], ["web"])
        self.assertContains(page, "Looked for among the 2 sessions")

    def test_index(self) -> None:
        """A database looks at the failures of a session alone, by an index."""
        queryset = FailureFilter(mock.Mock(GET={}), {"failed": ["tool"]}, Session, None).narrowed(
            Session.objects.all()
        )
        if connection.vendor == "sqlite" and connection.features.supports_partial_indexes:
            self.assertIn("agent_messages_failed", queryset.explain())


PRICES = {
    "small": {"input": "0.1", "cached": "0.025", "output": "2"},
    "large": {"input": 3, "output": "0.3"},  # cached tokens have no price
    "tiny": {"input": "0.000001", "cached": 0, "output": 0},
    "free": {"input": 0, "cached": 0, "output": 0},
}


@override_settings(AGENT_SESSIONS_PRICES=PRICES)
class CostTests(ListTestCase):
    def step(self, session_id: str, model: str, tokens: Tokens) -> None:
        session, _ = Session.objects.get_or_create(session_id=session_id)
        Usage.objects.create(session=session, model=model, **tokens._asdict())

    def spend(self, session_id: str, tokens: int, model: str = "small") -> None:
        self.step(session_id, model, Tokens(1, tokens, 0, 0, 0, tokens))

    def bands(self) -> dict[str, list[str]]:
        return {band: sorted(self.found(cost=band)) for band in ("unknown", "0", *BANDS)}

    def test_borders(self) -> None:
        """A cost on a border is above it, and one that is less by a token's price below."""
        for cents in (1, 10, 100):
            self.spend(f"{cents} cents", cents * 100_000)
            self.spend(f"under {cents} cents", cents * 100_000 - 1)
        self.spend("nothing", 0)
        self.spend("free", 1_000, "free")
        self.spend("next to nothing", 1, "tiny")

        self.assertEqual(
            self.bands(),
            {
                "unknown": [],
                "0": ["free", "nothing"],
                "0-0.01": ["next to nothing", "under 1 cents"],
                "0.01-0.1": ["1 cents", "under 10 cents"],
                "0.1-1": ["10 cents", "under 100 cents"],
                "1-": ["100 cents"],
            },
        )

    def test_many_small_sums(self) -> None:
        """Sums are exact however many parts they have, which they are not in floating point."""
        for _ in range(10):
            self.spend("ten times a tenth of a cent", 10_000)
            self.spend("ten times a cent", 100_000)

        self.assertEqual(self.found(cost="0.01-0.1"), ["ten times a tenth of a cent"])
        self.assertEqual(self.found(cost="0.1-1"), ["ten times a cent"])

    def test_what_is_not_known(self) -> None:
        """Steps without a cost are left out, as the column leaves them out."""
        Session.objects.append("no steps", TURN)
        self.spend("no price", 10_000_000, "unheard of")
        self.step("no tokens", "small", Tokens(1))
        self.step("some tokens", "small", Tokens(1, 10_000_000, 0, None, None, None))
        self.step("no price of cached", "large", Tokens(1, 10, 5, 0, 0, 10))
        self.step("more cached than input", "small", Tokens(1, 5, 10, 0, 0, 10))
        self.step("part", "large", Tokens(1, 10, 5, 0, 0, 10))
        self.spend("part", 1_000_000)

        unknown = self.bands()["unknown"]

        self.assertEqual(self.found(cost="0.1-1"), ["part"])
        self.assertEqual(
            unknown,
            [
                "more cached than input",
                "no price",
                "no price of cached",
                "no steps",
                "no tokens",
                "some tokens",
            ],
        )

    def test_as_the_column_shows(self) -> None:
        """A session is in the band of the cost that the list shows, whatever it is made of."""
        for number in range(0, 60, 2):
            for model in ("small", "large", "large", "unheard of")[: 1 + number % 4]:
                cached = number * 500 * (number % 3)
                tokens = Tokens(1, number * 7_001, cached, number * 1_000, 0, 0)
                self.step(f"{number}", model, tokens)
        self.spend("unknown", 1, "unheard of")
        costs = {s.pk: vars(s)["listed"].summary.usage for s in self.result()}

        bands = self.bands()

        for band, (least, below) in BANDS.items():
            for found in bands[band]:
                spent = costs.pop(found).cost
                self.assertTrue(max(least, Decimal("1e-9")) <= spent < (below or 10**9), found)
        for found in bands["0"]:
            self.assertEqual(costs.pop(found).cost, 0)
        self.assertEqual({usage.cost for usage in costs.values()}, {None})
        self.assertTrue(all(bands[band] for band in ("0", "0-0.01", "0.01-0.1", "0.1-1", "1-")))

    def result(self) -> list[Session]:
        return list(self.get(all="").context["cl"].result_list)

    def test_prices_of_many_digits(self) -> None:
        """Prices that no integer holds are rounded, and of any size no error."""
        prices = {"a": {"input": "1e-30"}, "b": {"input": "12345678.1"}}
        with override_settings(AGENT_SESSIONS_PRICES=prices):
            self.spend("one", 10**12, "b")
            self.spend("two", 10**12, "a")

            self.assertEqual(self.found(cost="1-"), ["one"])
            self.assertEqual(self.found(cost="0"), ["two"])

    def test_offered(self) -> None:
        """Without prices no cost is asked for, and none is listed under a name that is none."""
        self.assertContains(self.get(), "0.01 to under 0.1")
        self.assertRedirects(self.client.get(LIST, {"cost": "x"}), f"{LIST}?e=1")
        self.spend("one", 1)

        with override_settings(AGENT_SESSIONS_PRICES={}):
            self.assertNotContains(self.get(), "By cost")
            self.assertEqual(self.found(cost="1-"), ["one"])

    def test_column(self) -> None:
        """The column and the filter are of one mind about nothing."""
        self.spend("free", 1_000, "free")

        (session,) = self.result()

        self.assertEqual(cost(session), "0.00")


class TextTests(ListTestCase):
    def said(self, session_id: str, text: str, *, by_the_sdk: bool = False) -> None:
        item = {"role": "user", "content": text}
        if not by_the_sdk:
            Session.objects.append(session_id, [item])
            return
        Session.objects.create(session_id=session_id)
        Message.objects.create(session_id=session_id, message_data=json.dumps(item))

    def test_words(self) -> None:
        """One message has to say every word, in whatever order and case."""
        self.said("one", "Any Jazz tonight?")
        self.said("two", "Any jazz?")
        self.said("two", "Not tonight.")

        self.assertEqual(self.found(says="tonight JAZZ"), ["one"])
        self.assertCountEqual(self.found(says="jazz"), ["two", "one"])
        self.assertEqual(self.found(says="blues"), [])

    def test_json(self) -> None:
        """What JSON writes in other characters is found all the same."""
        texts = [
            'the "quoted" word',
            "back\\slash",
            "één café",
            "日本語",
            "100%_sure",
            "it's",
            "a/b",
        ]
        for text in texts:
            for by_the_sdk in (False, True):
                self.said(f"{text} {by_the_sdk}", text, by_the_sdk=by_the_sdk)

        for text in texts:
            for words in (text, *text.split()):
                found = {session.pk for session in Session.objects.filter(saying(words))}
                self.assertEqual(found, {f"{text} False", f"{text} True"}, words)
            self.assertFalse(Session.objects.filter(saying(f"{text} but")))

    def test_form(self) -> None:
        """Words that stand in every item are found where somebody said them."""
        for by_the_sdk in (False, True):
            Session.objects.all().delete()
            Session.objects.append("form", TURN)
            self.said("said", "The User's role: content of type text", by_the_sdk=by_the_sdk)
            for word in ("User", "role", "content", "Type", "text"):
                self.assertEqual(self.found(says=word), ["said"], word)

    def test_half_characters(self) -> None:
        """An item with half a character in it, which is written otherwise, is found by the rest."""
        self.said("one", "half \ud83d and één")

        self.assertEqual(self.found(says="één"), ["one"])

    def test_patterns(self) -> None:
        """What would be a pattern to the database is text."""
        self.said("one", "plain")

        for word in ("%", "_____", "p%n", "\\", '"'):
            self.assertEqual(self.found(says=f"plain {word}" if word == '"' else word), [], word)

    def test_nothing(self) -> None:
        """No words find all."""
        self.said("one", "plain")

        for words in ("", " ", "\x00"):
            self.assertEqual(self.found(says=words), ["one"])

    def test_what_was_asked_stays(self) -> None:
        """The form keeps its words, sends other filters along, and can be emptied."""
        page = self.get(says='a"b', state="complete")

        self.assertContains(page, 'name="says" value="a&quot;b"')
        self.assertContains(page, '<input type="hidden" name="state" value="complete">')
        self.assertContains(page, 'href="?state=complete">Any words</a>')

    def test_without_content(self) -> None:
        """Who may not read content is neither offered the form nor told by its parameter."""
        self.said("one", "Any jazz?")
        self.login_without_content()

        self.assertNotContains(self.get(), "Messages that say")
        self.assertEqual(self.found(says="blues"), ["one"])

    def test_purged(self) -> None:
        """What is gone says nothing."""
        self.said("one", "Any jazz?")
        Message.objects.update(message_data="")

        self.assertEqual(self.found(says="jazz"), [])


class NewestTests(ListTestCase):
    """Filters that no index serves look at the newest sessions alone."""

    def setUp(self) -> None:
        super().setUp()
        for number in range(6):
            Session.objects.append(f"session {number}", TURN if number % 2 else [USER])
            moment = timezone.now().replace(year=2020 + number, month=6)
            Session.objects.filter(pk=f"session {number}").update(updated_at=moment)

    def test_newest(self) -> None:
        """What is older is not looked at, and a sentence says so."""
        with mock.patch.object(changelist, "MOST", 3):
            self.assertEqual(self.found(state="complete"), ["session 5", "session 3"])
            self.assertContains(self.get(state="complete"), "among the 3 sessions")

    def test_all(self) -> None:
        """Where there are no more sessions nothing is said."""
        with mock.patch.object(changelist, "MOST", 6):
            page = self.get(state="complete")

        self.assertNotContains(page, "among the")
        self.assertEqual(len(page.context["cl"].result_list), 3)

    def test_other_filters_first(self) -> None:
        """Dates and other filters say which are looked at, so that all can be reached."""
        with mock.patch.object(changelist, "MOST", 3):
            page = self.get(state="complete", updated_at__year=2021)
            self.assertEqual(self.found(state="complete", q="session 1"), ["session 1"])

        self.assertEqual([s.pk for s in page.context["cl"].result_list], ["session 1"])
        self.assertNotContains(page, "among the")

    def test_statements(self) -> None:
        """A filter costs one statement, which finds the newest."""
        self.get()
        counts = []
        for query in ({}, {"state": "complete"}, {"says": "jazz", "state": "complete"}):
            with statements() as sent:
                self.get(**query)
            counts.append(len(sent))

        self.assertEqual([count - counts[0] for count in counts], [0, 1, 1])
