"""turns: user messages with everything that answers them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib.auth.models import AnonymousUser, User
from django.test import TestCase
from django.utils import timezone

from agent_sessions import DjangoSession, Message, Session, SessionOwnershipError, Turns
from agent_sessions.items import Item
from agent_sessions.usage.totals import UsageTotal
from tests.contract import ANSWER, CALL, LONE_SURROGATES, OUTPUT, STRANGE_ITEMS, TURN, USER
from tests.encryption import encrypted
from tests.sample_items import SAMPLES
from tests.stored_turns import ASKING, calls, says, store, store_as_the_sdk, turns

SYSTEM: Item = {"role": "system", "content": "Be brief."}
APPROVAL: Item = {"type": "mcp_approval_response", "approval_request_id": "a1", "approve": True}


class TurnTests(TestCase):
    """newest(), and the facts of a turn."""

    def test_empty(self) -> None:
        """A session that is not stored has no turns."""
        self.assertEqual(turns(), [])
        self.assertEqual(turns(3), [])

    def test_turn(self) -> None:
        """A turn has its preview, messages, agents, tools, usage, times and state."""
        store(USER)
        store(CALL, OUTPUT, agent_name="Triage")
        store(CALL, OUTPUT, ANSWER, agent_name="Bookings")
        messages = Message.objects.order_by("pk")

        [turn] = turns()

        self.assertEqual((turn.number, turn.preview, turn.item_count), (1, "Any jazz tonight?", 6))
        self.assertEqual((turn.first_id, turn.last_id), (messages[0].pk, messages[5].pk))
        self.assertEqual(turn.agents, ("Triage", "Bookings"))
        self.assertEqual(turn.tools, ("search_events", "search_events"))
        self.assertEqual((turn.usage.steps, turn.usage.total_tokens), (2, 240))
        self.assertEqual(turn.started, messages[0].created_at)
        self.assertEqual(turn.finished, messages[5].created_at)
        self.assertTrue(timezone.is_aware(turn.started))
        self.assertEqual(turn.state, "complete")

    def test_numbers(self) -> None:
        """Each user message begins a turn; messages before the first are turn 0."""
        store(SYSTEM, ANSWER, USER, USER, CALL, OUTPUT, ANSWER)

        self.assertEqual(
            [(turn.number, turn.item_count, turn.preview) for turn in turns()],
            [(0, 2, ""), (1, 1, USER["content"]), (2, 4, USER["content"])],
        )

    def test_without_user_messages(self) -> None:
        """Without user messages, everything is turn 0."""
        store(SYSTEM, ANSWER)

        self.assertEqual([turn.number for turn in turns()], [0])
        self.assertEqual([turn.number for turn in turns(1)], [0])
        self.assertEqual(Turns("one").items(0), [SYSTEM, ANSWER])

    def test_limit(self) -> None:
        """A limit returns the newest turns, with the same numbers and usage as without it."""
        store(SYSTEM)
        for _ in range(3):
            store(*TURN, agent_name="Bot")
        every = turns()

        for limit in range(6):
            self.assertEqual(turns(limit), every[len(every) - min(limit, 4) :], limit)
        self.assertEqual(turns(-1), every)

    def test_rows_of_the_sdk(self) -> None:
        """Rows with blank columns are read from their items, and give the same turns."""
        store(SYSTEM, *TURN, *TURN)
        ours = turns()
        Session.objects.clear("one")
        store_as_the_sdk(SYSTEM, *TURN, *TURN)

        theirs = turns()

        self.assertEqual(
            [
                (turn.number, turn.preview, turn.item_count, turn.tools, turn.state)
                for turn in theirs
            ],
            [(turn.number, turn.preview, turn.item_count, turn.tools, turn.state) for turn in ours],
        )

    def test_every_kind(self) -> None:
        """Items of every kind, known or strange, are in the turn in which they were stored."""
        items = [sample.item for sample in SAMPLES.values()] + STRANGE_ITEMS + [None, [], "text"]
        for save in (store, store_as_the_sdk):
            Session.objects.clear("one")
            save(*items)

            found = [item for turn in turns() for item in Turns("one").items(turn.number)]

            self.assertEqual(found, items)
            self.assertEqual(sum(turn.item_count for turn in turns()), len(items))

    def test_preview(self) -> None:
        """A preview is the beginning of the message's readable text, parts included."""
        store(says("x" * 101))
        store(says([{"type": "input_text", "text": "What is this?"}, {"type": "input_image"}]))

        self.assertEqual([turn.preview for turn in turns()], ["x" * 100, "What is this?\n[image]"])

    def test_unreadable_rows(self) -> None:
        """A row that is not JSON is in a turn, and begins one if its columns say so."""
        store(USER)
        Message.objects.create(session_id="one", message_data="{")
        Message.objects.create(session_id="one", message_data="{", kind="message", role="user")

        self.assertEqual(
            [(turn.item_count, turn.preview) for turn in turns()], [(2, USER["content"]), (1, "")]
        )
        with self.assertLogs("agent_sessions", "WARNING"):
            self.assertEqual(Turns("one").items(1), [USER])

    def test_other_sessions(self) -> None:
        """A turn has no messages and no usage of other sessions."""
        store(*TURN, agent_name="Bot")
        store(*TURN, session_id="two", agent_name="Bot")

        [turn] = turns()

        self.assertEqual((turn.item_count, turn.usage.steps), (4, 1))

    async def test_encrypted(self) -> None:
        """Encrypted items are turn 0, in an unknown state: they hide who speaks."""
        session = DjangoSession("one")
        await encrypted("one", session).add_items(TURN)

        [turn] = await session.get_conversation_turns()

        self.assertEqual((turn.number, turn.preview, turn.item_count), (0, "", 4))
        self.assertEqual(turn.state, "unknown")


class StateTests(TestCase):
    """The state of a turn."""

    def assert_state(self, state: str, *items: Any) -> None:
        for name, save in (("ours", store), ("theirs", store_as_the_sdk)):
            Session.objects.clear("one")
            save(USER, *items)
            with self.subTest(items=items, rows=name):
                self.assertEqual(turns()[-1].state, state)

    def test_complete(self) -> None:
        """A turn is complete if it ends with an answer and all its calls are answered."""
        self.assert_state("complete", ANSWER)
        self.assert_state("complete", CALL, OUTPUT, ANSWER)
        self.assert_state("complete", {"type": "web_search_call", "id": "ws_1"}, ANSWER)
        self.assert_state("complete", ASKING, APPROVAL, {"type": "mcp_call", "id": "m"}, ANSWER)
        searching = {"type": "tool_search_call", "id": "tsc_1"}
        self.assert_state("complete", searching, {"type": "tool_search_output"}, ANSWER)

    def test_waiting(self) -> None:
        """A turn is waiting if it ends with an unanswered call or request for approval."""
        self.assert_state("waiting", CALL)
        self.assert_state("waiting", ANSWER, CALL)
        self.assert_state("waiting", ASKING)
        self.assert_state("waiting", calls("book", "call_2"), CALL, OUTPUT)
        self.assert_state("waiting", CALL, CALL, OUTPUT)

    def test_incomplete(self) -> None:
        """Any other turn is incomplete: its run failed, or ended at the output of a tool."""
        self.assert_state("incomplete")
        self.assert_state("incomplete", CALL, OUTPUT)
        self.assert_state("incomplete", CALL, ANSWER)
        self.assert_state("incomplete", OUTPUT)
        self.assert_state("incomplete", {"type": "reasoning", "summary": []})


class ItemTests(TestCase):
    """items()."""

    def test_items(self) -> None:
        """The items of a turn reach from its user message to the next, unchanged."""
        last = [says("And free?"), ANSWER]
        store(SYSTEM, *TURN, *last)

        found = [Turns("one").items(number) for number in (0, 1, 2)]

        self.assertEqual(found, [[SYSTEM], TURN, last])

    def test_missing_turn(self) -> None:
        """A turn that does not exist has no items."""
        store(*TURN)

        for number in (-1, 0, 2):
            self.assertEqual(Turns("one").items(number), [])
        self.assertEqual(Turns("none").items(1), [])


class ContainingTests(TestCase):
    """containing(), with rows of both kinds."""

    TEXTS = (
        "Any jazz at the café?",
        'A "quoted" back\\slash\nand a line, 100% under_scored',
        [{"type": "input_text", "text": "ΜΟΥΣΙΚΉ 日本語 🎷"}, {"type": "input_file"}],
        "nothing",
    )

    def assert_found(self, words: str, *numbers: int) -> None:
        for name, save in (("ours", store), ("theirs", store_as_the_sdk)):
            Session.objects.clear("one")
            save(SYSTEM, *(item for text in self.TEXTS for item in (says(text), *TURN[1:])))
            with self.subTest(words=words, rows=name):
                found = Turns("one").containing(words)
                self.assertEqual([turn.number for turn in found], [*numbers])
                self.assertEqual(found, [turn for turn in turns() if turn.number in numbers])

    def test_words(self) -> None:
        """Words are found in any case, with any character."""
        self.assert_found("JAZZ at", 1)
        self.assert_found("CAFÉ", 1)
        self.assert_found('"quoted" BACK\\slash\nand', 2)
        self.assert_found("100%", 2)
        self.assert_found("r_s", 2)
        self.assert_found("μουσική", 3)
        self.assert_found("本", 3)
        self.assert_found("🎷", 3)

    def test_nothing_else(self) -> None:
        """Wildcards, JSON keys, escapes and answers are not found."""
        self.assert_found("jazz%café")
        self.assert_found("j_zz")
        self.assert_found("content")
        self.assert_found("u00e9")
        self.assert_found("None tonight")
        self.assert_found("search_events")

    def test_no_words(self) -> None:
        """The empty text is found in every turn with a user message."""
        store(*TURN, *TURN)

        self.assertEqual([turn.number for turn in Turns("one").containing("")], [1, 2])

    def test_lone_surrogates(self) -> None:
        """A text with a lone surrogate, which is stored escaped, is found."""
        store(*LONE_SURROGATES)

        self.assertEqual(len(Turns("one").containing("日本語 beside")), 1)


class OwnerTests(TestCase):
    """Turns of sessions with owners."""

    METHODS: tuple[Callable[[Turns], Any], ...] = (
        lambda turns: turns.newest(),
        lambda turns: turns.newest(0),
        lambda turns: turns.newest(1),
        lambda turns: turns.items(0),
        lambda turns: turns.items(1),
        lambda turns: turns.containing("jazz"),
        lambda turns: turns.tool_usage(),
        lambda turns: turns.usage(),
        lambda turns: turns.session_usage(),
    )

    owner: ClassVar[User]
    other: ClassVar[User]

    @classmethod
    def setUpTestData(cls) -> None:
        cls.owner, cls.other = User.objects.create_user("a"), User.objects.create_user("b")

    def test_owner(self) -> None:
        """The owner gets the same results as code without a user."""
        store(*TURN, user=self.owner, agent_name="Bot")

        for method in self.METHODS:
            self.assertEqual(method(Turns("one", user=self.owner)), method(Turns("one")))

    def test_others(self) -> None:
        """A session of another owner, or of none, raises SessionOwnershipError, even if empty."""
        store(*TURN, user=self.owner, session_id="hers", agent_name="Bot")
        store(*TURN, session_id="nobody's")
        Session.objects.create(session_id="empty", user=self.owner)

        for method in self.METHODS:
            for session_id in ("hers", "nobody's", "empty"):
                with self.assertRaises(SessionOwnershipError):
                    method(Turns(session_id, user=self.other))

    def test_empty_or_missing_session(self) -> None:
        """A missing session, or an empty one of the user, gives empty results."""
        Session.objects.create(session_id="empty", user=self.owner)

        for method in self.METHODS:
            for session_id in ("none", "empty"):
                found = method(Turns(session_id, user=self.owner))
                self.assertIn(found, ([], {}, UsageTotal()))

    def test_anonymous_user(self) -> None:
        """A user that cannot own sessions is refused before any query."""
        with self.assertRaises(ValueError):
            Turns("one", user=AnonymousUser())


class StatementTests(TestCase):
    """The number of queries."""

    METHODS: tuple[tuple[int, Callable[[Turns], Any]], ...] = (
        (2, lambda turns: turns.newest()),
        (3, lambda turns: turns.newest(2)),
        (2, lambda turns: turns.items(2)),
        (2, lambda turns: turns.containing("jazz")),
        (1, lambda turns: turns.tool_usage()),
        (2, lambda turns: turns.usage()),
        (1, lambda turns: turns.session_usage()),
    )

    def test_constant(self) -> None:
        """10,000 messages take as many queries as 12, with an owner or without."""
        owner = User.objects.create_user("owner")
        for session_id, count in (("short", 3), ("long", 2500)):
            store(*TURN * count, session_id=session_id, user=owner, agent_name="Bot")

        for expected, method in self.METHODS:
            for session_id in ("short", "long"):
                for user in (None, owner):
                    with self.assertNumQueries(expected):
                        method(Turns(session_id, user=user))

        self.assertEqual(len(Turns("long").newest()), 2500)


class UsingTests(TestCase):
    """Turns of a session in another database."""

    databases = {"default", "archive"}

    async def test_using(self) -> None:
        """Turns are read from the session's database."""
        session = DjangoSession("one", using="archive")
        await session.add_items(TURN)

        self.assertEqual(len(await session.get_conversation_turns()), 1)
        self.assertEqual(await session.get_tool_usage(), [("search_events", 1, 1)])
        self.assertEqual(await session.get_session_usage(), UsageTotal())
        self.assertEqual(await DjangoSession("one").get_conversation_turns(), [])
