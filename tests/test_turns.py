"""turns: what was asked and how it was answered, compared with the SDK's AdvancedSQLiteSession."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import agents
from agents import Agent, Runner, function_tool
from agents.extensions.memory import AdvancedSQLiteSession, EncryptedSession
from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.test import TestCase, override_settings
from django.utils import timezone
from openai.types.responses.response_usage import InputTokensDetails, OutputTokensDetails

from agent_sessions import DjangoSession, Message, Session, SessionOwnershipError, Turns, Usage
from agent_sessions.turns.turns import ToolUse, Turn
from agent_sessions.usage.steps import Step, Tokens
from agent_sessions.usage.totals import UsageTotal
from tests.contract import ANSWER, CALL, LONE_SURROGATES, OUTPUT, STRANGE_ITEMS, TURN, USER
from tests.samples import SAMPLES

User = get_user_model()

SYSTEM = {"role": "system", "content": "Be brief."}
COST = Tokens(1, 100, 10, 20, 5, 120)
ASKING = {"type": "mcp_approval_request", "id": "a1", "name": "pay", "server_label": "bank"}
APPROVAL = {"type": "mcp_approval_response", "approval_request_id": "a1", "approve": True}


def says(words: Any) -> dict[str, Any]:
    return {"role": "user", "content": words}


def calls(name: str, call_id: str = "call_1", **values: Any) -> dict[str, Any]:
    return {"type": "function_call", "name": name, "call_id": call_id, "arguments": "{}", **values}


def store(*items: Any, session_id: str = "one", user: Any = None, **step: Any) -> None:
    """Store items as one step; with any of its values it has a row of usage."""
    made = Step(**{"tokens": COST, **step}) if step else None
    Session.objects.append(session_id, items, user=user, step=made)


def store_as_the_sdk(*items: Any, session_id: str = "one") -> None:
    """Store items with blank columns and in escaped text, as the SDK's own sessions do."""
    Session.objects.get_or_create(pk=session_id)
    for item in items:
        Message.objects.create(session_id=session_id, message_data=json.dumps(item))


def turns(limit: int | None = None) -> list[Turn]:
    return Turns("one").newest(limit)


class TurnTests(TestCase):
    """newest(), and what a turn says."""

    def test_empty(self) -> None:
        """A session in which there is nothing, or none at all, has no turns."""
        self.assertEqual(turns(), [])
        self.assertEqual(turns(3), [])

    def test_turn(self) -> None:
        """A turn says all of its user message and of what answers it."""
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
        """Each user message begins a turn; what stands before the first is turn 0."""
        store(SYSTEM, ANSWER, USER, USER, CALL, OUTPUT, ANSWER)

        self.assertEqual(
            [(turn.number, turn.item_count, turn.preview) for turn in turns()],
            [(0, 2, ""), (1, 1, USER["content"]), (2, 4, USER["content"])],
        )

    def test_without_user_messages(self) -> None:
        """Without a user message everything is turn 0."""
        store(SYSTEM, ANSWER)

        self.assertEqual([turn.number for turn in turns()], [0])
        self.assertEqual([turn.number for turn in turns(1)], [0])
        self.assertEqual(Turns("one").items(0), [SYSTEM, ANSWER])

    def test_limit(self) -> None:
        """A limit gives the newest turns under their own numbers, and what they cost."""
        store(SYSTEM)
        for _ in range(3):
            store(*TURN, agent_name="Bot")
        every = turns()

        for limit in range(6):
            self.assertEqual(turns(limit), every[len(every) - min(limit, 4) :], limit)
        self.assertEqual(turns(-1), every)

    def test_rows_of_the_sdk(self) -> None:
        """Rows without columns are read from their items, and equal those that have them."""
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
        """Items of every kind, known and strange, stand in the turn that they were stored in."""
        items = [sample.item for sample in SAMPLES.values()] + STRANGE_ITEMS + [None, [], "text"]
        for save in (store, store_as_the_sdk):
            Session.objects.clear("one")
            save(*items)

            found = [item for turn in turns() for item in Turns("one").items(turn.number)]

            self.assertEqual(found, items)
            self.assertEqual(sum(turn.item_count for turn in turns()), len(items))

    def test_preview(self) -> None:
        """A preview is the beginning of what a person reads, of parts as well."""
        store(says("x" * 101))
        store(says([{"type": "input_text", "text": "What is this?"}, {"type": "input_image"}]))

        self.assertEqual([turn.preview for turn in turns()], ["x" * 100, "What is this?\n[image]"])

    def test_unreadable_rows(self) -> None:
        """A row that is not JSON belongs to its turn, and begins one if its columns say so."""
        store(USER)
        Message.objects.create(session_id="one", message_data="{")
        Message.objects.create(session_id="one", message_data="{", kind="message", role="user")

        self.assertEqual(
            [(turn.item_count, turn.preview) for turn in turns()], [(2, USER["content"]), (1, "")]
        )
        with self.assertLogs("agent_sessions", "WARNING"):
            self.assertEqual(Turns("one").items(1), [USER])

    def test_other_sessions(self) -> None:
        """Nothing of another session is in a turn."""
        store(*TURN, agent_name="Bot")
        store(*TURN, session_id="two", agent_name="Bot")

        [turn] = turns()

        self.assertEqual((turn.item_count, turn.usage.steps), (4, 1))

    async def test_encrypted(self) -> None:
        """Of envelopes nobody knows who speaks: they are turn 0, in an unknown state."""
        session = DjangoSession("one")
        await EncryptedSession("one", session, encryption_key="tests").add_items(TURN)

        [turn] = await session.get_conversation_turns()

        self.assertEqual((turn.number, turn.preview, turn.item_count), (0, "", 4))
        self.assertEqual(turn.state, "unknown")


class StateTests(TestCase):
    """How a turn ended."""

    def assert_state(self, state: str, *items: Any) -> None:
        for name, save in (("ours", store), ("theirs", store_as_the_sdk)):
            Session.objects.clear("one")
            save(USER, *items)
            with self.subTest(items=items, rows=name):
                self.assertEqual(turns()[-1].state, state)

    def test_complete(self) -> None:
        """A turn that ends with an answer, all of its calls answered, is complete."""
        self.assert_state("complete", ANSWER)
        self.assert_state("complete", CALL, OUTPUT, ANSWER)
        self.assert_state("complete", {"type": "web_search_call", "id": "ws_1"}, ANSWER)
        self.assert_state("complete", ASKING, APPROVAL, {"type": "mcp_call", "id": "m"}, ANSWER)
        searching = {"type": "tool_search_call", "id": "tsc_1"}
        self.assert_state("complete", searching, {"type": "tool_search_output"}, ANSWER)

    def test_waiting(self) -> None:
        """A turn that ends with a call or a request without its output waits for it."""
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
        """The items of a turn are those from its user message to the next, as they were stored."""
        last = [says("And free?"), ANSWER]
        store(SYSTEM, *TURN, *last)

        found = [Turns("one").items(number) for number in (0, 1, 2)]

        self.assertEqual(found, [[SYSTEM], TURN, last])

    def test_no_such_turn(self) -> None:
        """A turn that is not there has no items."""
        store(*TURN)

        for number in (-1, 0, 2):
            self.assertEqual(Turns("one").items(number), [])
        self.assertEqual(Turns("none").items(1), [])


class ContainingTests(TestCase):
    """containing(), in rows of ours and of the SDK."""

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
        """Words are found where they are, upper or lower case, with any character."""
        self.assert_found("JAZZ at", 1)
        self.assert_found("CAFÉ", 1)
        self.assert_found('"quoted" BACK\\slash\nand', 2)
        self.assert_found("100%", 2)
        self.assert_found("r_s", 2)
        self.assert_found("μουσική", 3)
        self.assert_found("本", 3)
        self.assert_found("🎷", 3)

    def test_nothing_else(self) -> None:
        """Wildcards, keys of the JSON, escapes and answers are not what a user said."""
        self.assert_found("jazz%café")
        self.assert_found("j_zz")
        self.assert_found("content")
        self.assert_found("u00e9")
        self.assert_found("None tonight")
        self.assert_found("search_events")

    def test_no_words(self) -> None:
        """No words are in every user message, and turn 0 has none."""
        store(*TURN, *TURN)

        self.assertEqual([turn.number for turn in Turns("one").containing("")], [1, 2])

    def test_lone_surrogates(self) -> None:
        """A text that UTF-8 cannot write is escaped in the database, and found all the same."""
        store(*LONE_SURROGATES)

        self.assertEqual(len(Turns("one").containing("日本語 beside")), 1)


class ToolTests(TestCase):
    """tool_usage()."""

    def test_none(self) -> None:
        """Where no tool was called, there is no use of one."""
        store(USER, ANSWER)

        self.assertEqual(Turns("one").tool_usage(), [])

    def test_counts(self) -> None:
        """Calls are counted by turn and tool, outputs are not."""
        store(CALL, OUTPUT, USER, CALL, CALL, OUTPUT, calls("book"), USER, CALL)

        self.assertEqual(
            Turns("one").tool_usage(),
            [
                ("search_events", 1, 0),
                ToolUse(tool_name="book", count=1, turn=1),
                ("search_events", 2, 1),
                ("search_events", 1, 2),
            ],
        )

    async def test_names_of_the_sdk(self) -> None:
        """Every kind of call is named and counted as AdvancedSQLiteSession does it."""
        items = [
            USER,
            calls("search"),
            calls("search", namespace="events"),
            calls("search", namespace="search"),
            {"type": "custom_tool_call", "name": "grep", "call_id": "c", "input": "x"},
            {"type": "mcp_call", "id": "m", "name": "pay", "server_label": "bank"},
            ASKING,
            {"type": "tool_search_call", "id": "t"},
            USER,
            *(
                {"type": kind, "id": kind}
                for kind in (
                    "computer_call",
                    "file_search_call",
                    "web_search_call",
                    "code_interpreter_call",
                    "shell_call",
                    "apply_patch_call",
                )
            ),
        ]
        theirs = AdvancedSQLiteSession(session_id="one", create_tables=True)
        self.addCleanup(theirs.close)
        ours = DjangoSession("one")
        for session in (ours, theirs):
            await session.add_items(items)
        await Message.objects.filter(kind="custom_tool_call").aupdate(kind="", tool_name="")

        found = await ours.get_tool_usage()

        self.assertEqual(found, await theirs.get_tool_usage())
        [first, second] = await ours.get_conversation_turns()
        self.assertEqual(
            sorted({(name, first.tools.count(name), 1) for name in first.tools}),
            [tuple(use) for use in found if use.turn == 1],
        )
        self.assertEqual(len(second.tools), 6)


class UsageTests(TestCase):
    """usage() and session_usage()."""

    def total(self) -> UsageTotal:
        return Turns("one").session_usage()

    def steps(self) -> dict[int, int]:
        return {number: total.steps for number, total in Turns("one").usage().items()}

    def test_by_turn(self) -> None:
        """A step counts for the turn that its last message stands in."""
        store(ANSWER, agent_name="Bot")
        store(*TURN[:3], agent_name="Bot")
        store(ANSWER, agent_name="Bot")
        store(*TURN)
        store(*TURN, agent_name="Bot")

        self.assertEqual(self.steps(), {0: 1, 1: 2, 3: 1})
        self.assertEqual([turn.usage.steps for turn in turns()], [1, 2, 0, 1])
        self.assertEqual(turns()[2].usage, UsageTotal())
        self.assertEqual(sum(Turns("one").usage().values(), UsageTotal()), self.total())

    def test_popped_messages(self) -> None:
        """What a message cost that is gone counts where it stood."""
        store(*TURN, agent_name="Bot")
        store(USER)
        store(ANSWER, agent_name="Bot")
        store(*TURN, agent_name="Bot")
        Message.objects.filter(pk=turns()[1].last_id).delete()

        self.assertEqual(self.steps(), {1: 1, 2: 1, 3: 1})
        Message.objects.filter(pk=turns()[1].last_id).delete()
        self.assertEqual(self.steps(), {1: 2, 2: 1})

    def test_replaced_messages(self) -> None:
        """What was spent before the oldest message that is left is turn 0, and not lost."""
        store(*TURN, agent_name="Bot")
        Usage.objects.create(session_id="one", **COST._asdict())
        Session.objects.replace("one", TURN)

        self.assertEqual(self.steps(), {0: 2})
        self.assertEqual([(turn.number, turn.usage.steps) for turn in turns()], [(1, 0)])
        self.assertEqual(self.total().steps, 2)

    def test_unknown(self) -> None:
        """What is unknown of a step is unknown in its turn."""
        store(*TURN, agent_name="Bot")
        store(ANSWER, tokens=Tokens(requests=1))
        store(ANSWER, tokens=COST._replace(reasoning_tokens=None))

        [turn] = turns()

        self.assertEqual((turn.usage.steps, turn.usage.unknown_steps), (3, 2))
        self.assertEqual(turn.usage, self.total())

    @override_settings(AGENT_SESSIONS_PRICES={"small": {"input": 1, "cached": 1, "output": 2}})
    def test_cost(self) -> None:
        """A turn costs what its steps cost, where the model is known."""
        store(*TURN, agent_name="Bot")
        Usage.objects.update(model="small")
        store(*TURN, agent_name="Bot")

        first, second = turns()

        self.assertEqual((first.usage.cost, second.usage.cost), (Decimal("0.00014"), None))
        self.assertFalse(self.total().is_cost_complete)


class OwnerTests(TestCase):
    """Turns of users."""

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

    @classmethod
    def setUpTestData(cls) -> None:
        cls.owner, cls.other = User.objects.create_user("a"), User.objects.create_user("b")

    def test_owner(self) -> None:
        """The owner is given all that is there."""
        store(*TURN, user=self.owner, agent_name="Bot")

        for method in self.METHODS:
            self.assertEqual(method(Turns("one", user=self.owner)), method(Turns("one")))

    def test_others(self) -> None:
        """Others are refused, of nobody's session too, and whatever is in it."""
        store(*TURN, user=self.owner, session_id="hers", agent_name="Bot")
        store(*TURN, session_id="nobody's")
        Session.objects.create(session_id="empty", user=self.owner)

        for method in self.METHODS:
            for session_id in ("hers", "nobody's", "empty"):
                with self.assertRaises(SessionOwnershipError):
                    method(Turns(session_id, user=self.other))

    def test_nothing_to_refuse(self) -> None:
        """A session that is not there, or empty, is nothing to be refused."""
        Session.objects.create(session_id="empty", user=self.owner)

        for method in self.METHODS:
            for session_id in ("none", "empty"):
                found = method(Turns(session_id, user=self.owner))
                self.assertIn(found, ([], {}, UsageTotal()))

    def test_no_user(self) -> None:
        """A user that can own nothing is refused before anything is asked."""
        with self.assertRaises(ValueError):
            Turns("one", user=AnonymousUser())


class StatementTests(TestCase):
    """How often the database is asked."""

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
        """As often for 10,000 messages as for 12, with an owner or without one."""
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
    """Turns in another database."""

    databases = {"default", "archive"}

    async def test_using(self) -> None:
        """Turns are read where the session is."""
        session = DjangoSession("one", using="archive")
        await session.add_items(TURN)

        self.assertEqual(len(await session.get_conversation_turns()), 1)
        self.assertEqual(await session.get_tool_usage(), [("search_events", 1, 1)])
        self.assertEqual(await session.get_session_usage(), UsageTotal())
        self.assertEqual(await DjangoSession("one").get_conversation_turns(), [])


@function_tool
def search_events(words: str) -> str:
    return "[]"


@function_tool
def book(event: str) -> str:
    return "booked"


def spent(tokens: int) -> agents.Usage:
    return agents.Usage(
        requests=1,
        input_tokens=tokens,
        input_tokens_details=InputTokensDetails(cached_tokens=tokens // 2, cache_write_tokens=0),
        output_tokens=2 * tokens,
        output_tokens_details=OutputTokensDetails(reasoning_tokens=tokens),
        total_tokens=3 * tokens,
    )


class RunTests(TestCase):
    """The same runs, stored by a DjangoSession and by the SDK's AdvancedSQLiteSession."""

    RUNS: tuple[tuple[Any, list[list[Any]]], ...] = (
        ("Any jazz this weekend? " * 9, [[assistant_message("When?")]]),
        (
            "Free, ÜBERALL",
            [
                [
                    function_call("search_events", {"words": "jazz"}, call_id="c1"),
                    function_call("search_events", {"words": "free"}, call_id="c2"),
                ],
                [function_call("book", {"event": "jazz"}, call_id="c3")],
                [assistant_message("Booked.")],
            ],
        ),
        ([says("One"), says("more thing")], [[assistant_message("Yes?")]]),
    )

    async def run_in(self, session: Any) -> None:
        for message, outputs in self.RUNS:
            steps = [ModelStep(output=output, usage=spent(7)) for output in outputs]
            agent = Agent("Club", model=ScriptedModel(steps), tools=[search_events, book])
            result = await Runner.run(agent, message, session=session)
            if isinstance(session, AdvancedSQLiteSession):
                await session.store_run_usage(result)

    async def run_in_both(self) -> None:
        self.ours = DjangoSession("one")
        self.theirs = AdvancedSQLiteSession(session_id="one", create_tables=True)
        self.addCleanup(self.theirs.close)
        for session in (self.ours, self.theirs):
            await self.run_in(session)

    async def test_turns(self) -> None:
        """Turns have the same numbers, and previews begin alike."""
        await self.run_in_both()

        ours = await self.ours.get_conversation_turns()
        theirs = await self.theirs.get_conversation_turns()

        self.assertEqual([turn.number for turn in ours], [turn["turn"] for turn in theirs])
        for turn, other in zip(ours, theirs, strict=True):
            self.assertEqual(turn.preview[:99], other["content"][:99])
        self.assertEqual([turn.state for turn in ours][::2], ["complete", "incomplete"])
        self.assertEqual(ours[1].agents, ("Club",))

    async def test_items(self) -> None:
        """All turns together hold what the session holds."""
        await self.run_in_both()

        every = [
            item
            for turn in await self.ours.get_conversation_turns()
            for item in await self.ours.get_turn_items(turn.number)
        ]

        self.assertEqual(every, await self.theirs.get_items())

    async def test_content(self) -> None:
        """The same words are found in the same turns; ours heed no case outside ASCII either."""
        await self.run_in_both()

        for words in ("JAZZ", "free", "Über", "ÜBER", "thing", "nothing"):
            ours = await self.ours.find_turns_by_content(words)
            theirs = await self.theirs.find_turns_by_content(words)
            self.assertEqual([turn.number for turn in ours], [turn["turn"] for turn in theirs])
        self.assertEqual(len(await self.ours.find_turns_by_content("über")), 1)

    async def test_tools(self) -> None:
        """Tools are counted alike."""
        await self.run_in_both()

        found = await self.ours.get_tool_usage()

        self.assertEqual(found, [("book", 1, 2), ("search_events", 2, 2)])
        self.assertEqual(found, await self.theirs.get_tool_usage())

    async def test_usage(self) -> None:
        """Tokens are the same in sum and in each turn."""
        await self.run_in_both()

        ours, theirs = await self.ours.get_session_usage(), await self.theirs.get_session_usage()

        for name in ("requests", "input_tokens", "output_tokens", "total_tokens"):
            self.assertEqual(getattr(ours, name), theirs[name], name)
        for other in await self.theirs.get_turn_usage():
            total = await self.ours.get_turn_usage(other["user_turn_number"])
            self.assertEqual(total.requests, other["requests"])
            self.assertEqual(total.total_tokens, other["total_tokens"])
            self.assertEqual(total.cached_tokens, other["input_tokens_details"]["cached_tokens"])
        self.assertEqual([*await self.ours.get_usage_by_turn()], [1, 2, 4])
        self.assertEqual(await self.ours.get_turn_usage(9), UsageTotal())
