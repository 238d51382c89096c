"""history: limits that keep what a run is given valid."""

from __future__ import annotations

import copy
import itertools
import timeit
from functools import partial
from typing import Any

from agents import Agent, RunConfig, RunContextWrapper, Runner, function_tool
from agents.extensions.memory import EncryptedSession
from agents.memory import SessionSettings
from agents.run_internal.items import drop_orphan_function_calls
from agents.testing import ScriptedModel, assistant_message, function_call
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.test import SimpleTestCase, TestCase, override_settings
from hypothesis import given
from hypothesis import strategies as st

from agent_sessions import (
    DjangoSession,
    LastItems,
    LastTurns,
    Message,
    Session,
    SessionOwnershipError,
    TokenBudget,
    estimated_tokens,
    healed,
)
from agent_sessions.compaction import CompactionSession
from agent_sessions.history import Limit
from agent_sessions.items.pairing import NO_OUTPUT
from tests.contract import ANSWER, CALL, OUTPUT, TURN, USER, numbered
from tests.pairs import WAITS_FOR, faults, lost_thoughts
from tests.samples import SAMPLES
from tests.statements import statements

User = get_user_model()

SYSTEM = {"role": "system", "content": "Be brief."}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": []}
REQUEST = {"type": "mcp_approval_request", "id": "mcpr_1", "name": "buy", "arguments": "{}"}
RESPONSE = {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True}
ENVELOPE = {"__enc__": 1, "v": 1, "kid": "hkdf-v1", "payload": "gAAAA"}


def call(name: str, kind: str = "function_call", /, **more: Any) -> Any:
    return {"type": kind, "call_id": name, **more}


def output(name: str, kind: str = "function_call_output", /, **more: Any) -> Any:
    return {"type": kind, "call_id": name, "output": "done", **more}


def turns(count: int) -> list[Any]:
    """Return turns of three items each, their words and calls numbered."""
    return [
        item
        for number in range(count)
        for item in (
            {"role": "user", "content": f"question {number}"},
            call(f"c{number}"),
            output(f"c{number}"),
        )
    ]


# Mostly of their own; now and then an id is used again, as some models do.
names = st.integers(0, 10**6).map(str) | st.sampled_from(["1", "2"])


@st.composite
def rounds(draw: st.DrawFn) -> list[Any]:
    """A model's calls made at once and their outputs, in any order, some of them missing."""
    calls, outputs = [], []
    for _ in range(draw(st.integers(1, 4))):
        kind, answer = draw(st.sampled_from(WAITS_FOR))
        name = draw(names)
        calls += [dict(REASONING)] * draw(st.integers(0, 2)) + [call(name, kind)]
        outputs += [output(name, answer)] * draw(st.sampled_from([1, 1, 1, 0]))
    pause = [dict(REASONING)] * draw(st.sampled_from([0, 0, 0, 1]))
    return calls + pause + draw(st.permutations(outputs))


@st.composite
def programs(draw: st.DrawFn) -> list[Any]:
    """A program with the calls that it makes, a hosted shell's among them, finished or not."""
    name = draw(names)
    caller = {"type": "program", "caller_id": name}
    items = [call(name, "program")] * draw(st.sampled_from([1, 1, 1, 0]))
    for _ in range(draw(st.integers(0, 3))):
        inner = draw(names)
        items += [call(inner, caller=caller)] * draw(st.sampled_from([1, 1, 0]))
        items += [output(inner, caller=caller)] * draw(st.sampled_from([1, 1, 0]))
    status = draw(st.sampled_from([None, "in_progress", "completed"]))
    items += [call("hosted", "shell_call", caller=caller, status=status)] * draw(st.integers(0, 1))
    return items + [output(name, "program_output")] * draw(st.sampled_from([1, 1, 0]))


@st.composite
def approvals(draw: st.DrawFn) -> list[Any]:
    name = draw(names)
    request = {"type": "mcp_approval_request", "id": name}
    response = {"type": "mcp_approval_response", "approval_request_id": name, "approve": True}
    return draw(st.sampled_from([[request, response], [request], [response], [response, request]]))


singles = st.sampled_from(
    [
        USER,
        USER,
        SYSTEM,
        {"role": "developer", "content": "Be kind."},
        ANSWER,
        REASONING,
        call("orphan"),
        output("orphan"),
        call("again"),
        output("again"),
        {"type": "tool_search_call"},
        {"type": "tool_search_output", "tools": []},
        {"type": "function_call"},
        {"type": "function_call_output"},
        *[sample.item for sample in SAMPLES.values() if isinstance(sample.item, dict)],
    ]
)
handoffs = names.map(lambda name: [call(name, name="transfer_to_x"), output(name)])
pieces = st.one_of(
    st.just([USER]),
    st.lists(st.just(USER), min_size=1, max_size=3),
    st.just([REASONING, ANSWER]),
    rounds(),
    rounds(),
    handoffs,
    programs(),
    approvals(),
    singles.map(lambda item: [item]),
)
# Each item is an object of its own, so that what comes back can be told apart.
histories = st.lists(pieces, max_size=10).map(
    lambda lists: [copy.deepcopy(item) for items in lists for item in items]
)
limits = st.one_of(
    st.builds(LastTurns, st.integers(1, 5)),
    st.builds(LastItems, st.integers(1, 25)),
    st.builds(TokenBudget, st.integers(1, 400)),
)


def is_user_message(item: Any) -> bool:
    return item.get("role") == "user"


def beginnings(items: list[Any]) -> list[int]:
    """Return where turns may begin; an envelope may hold a user message."""
    return [at for at, item in enumerate(items) if is_user_message(item) or "__enc__" in item]


class RandomHistoryTests(SimpleTestCase):
    """What holds of every limit and every history."""

    def assert_subsequence(self, part: list[Any], whole: list[Any]) -> None:
        rest = iter(whole)
        self.assertTrue(all(any(item is other for other in rest) for item in part))

    @given(histories, limits)
    def test_valid(self, items: list[Any], limit: Limit) -> None:
        """What a limit gives is valid, in order, and all of it was there."""
        result = limit(items)

        self.assertEqual(faults(result), [])
        self.assertEqual(lost_thoughts(items, result), [])
        self.assert_subsequence(result, items)

    @given(histories, limits, st.sampled_from(["drop", "close"]))
    def test_the_sdk_agrees(self, items: list[Any], limit: Limit, dangling: Any) -> None:
        """The SDK's own removal of orphans finds nothing left to remove."""
        for result in (limit(items), healed(items, dangling)):
            everywhere = set(range(len(result)))

            pruned = drop_orphan_function_calls(result, output_pruning_indexes=everywhere)

            self.assertEqual(pruned, result)

    @given(histories, limits)
    def test_newest_turn(self, items: list[Any], limit: Limit) -> None:
        """The newest turn is there, whole: only what has a fault of its own is left out."""
        starts = beginnings(items)
        newest = items[starts[-1] if starts else len(items) :]

        result = limit(items)

        there = {id(item) for item in result}
        for at, item in enumerate(newest):
            if id(item) not in there and item.get("type") != "reasoning":
                kept = [o for o in newest[:at] if id(o) in there]
                kept += [item, *(o for o in newest[at:] if id(o) in there)]
                self.assertNotEqual(faults(kept), [], item)
        self.assertTrue(all(id(item) in there for item in newest[:1]))

    @given(histories, st.integers(1, 25))
    def test_last_items_fit(self, items: list[Any], n: int) -> None:
        """LastItems gives at most its number, or the newest turn; a turn more would not fit."""
        result = LastItems(n)(items)

        there = {id(item) for item in result}
        starts = beginnings(items)
        if len(result) > n:
            self.assertIs(result[0], items[starts[-1]])
        for start in starts:
            if len(items) - start <= n:
                self.assertIn(id(items[start]), there)

    @given(histories, st.integers(1, 400))
    def test_token_budget_fits(self, items: list[Any], budget: int) -> None:
        """TokenBudget stays below its budget, or is the newest turn."""
        result = TokenBudget(budget)(items)

        if sum(map(estimated_tokens, result)) > budget:
            self.assertIs(result[0], items[beginnings(items)[-1]])

    @given(histories, st.integers(1, 5))
    def test_last_turns_count(self, items: list[Any], n: int) -> None:
        """LastTurns gives its number of user messages, if there are as many."""
        result = LastTurns(n)(items)

        there = sum(map(is_user_message, items))
        self.assertEqual(sum(map(is_user_message, result)), min(n, there))
        if there >= n:
            self.assertTrue(is_user_message(result[0]))

    @given(histories, limits)
    def test_any_tail_that_is_enough(self, items: list[Any], limit: Limit) -> None:
        """How much was read does not matter, if it was enough."""
        whole = limit(items)

        for start in range(len(items)):
            if limit.is_enough(items[start:]):
                self.assertEqual(limit(items[start:]), whole)

    @given(histories)
    def test_close(self, items: list[Any]) -> None:
        """Closing is valid, keeps all that dropping keeps, and changes nothing twice."""
        before = copy.deepcopy(items)

        dropped, closed = healed(items), healed(items, "close")

        self.assertEqual(faults(closed), [])
        self.assert_subsequence(dropped, closed)
        invented = [item for item in closed if not any(item is other for other in items)]
        self.assertTrue(all(item["output"] == NO_OUTPUT for item in invented))
        self.assertEqual(healed(closed, "close"), closed)
        self.assertEqual(items, before)


class HealedTests(SimpleTestCase):
    """healed(), by example."""

    def test_whole_turn(self) -> None:
        """What lacks nothing comes back as a new list of the same items."""
        result = healed(TURN)

        self.assertEqual(result, TURN)
        self.assertIsNot(result, TURN)

    def test_keep(self) -> None:
        """Keeping changes nothing."""
        self.assertEqual(healed([CALL, RESPONSE], "keep"), [CALL, RESPONSE])

    def test_call_without_output(self) -> None:
        """A call goes with the reasoning that led to it; its neighbours stay."""
        items = [USER, REASONING, call("a"), call("b"), output("b"), ANSWER]

        self.assertEqual(healed(items), [USER, call("b"), output("b"), ANSWER])

    def test_output_before_its_call(self) -> None:
        """An output answers only what was called before it."""
        self.assertEqual(healed([OUTPUT, CALL]), [])

    def test_outputs_in_any_order(self) -> None:
        """Calls made at once are answered in whatever order."""
        items = [call("a"), call("b"), output("b"), output("a")]

        self.assertEqual(healed(items), items)

    def test_output_of_another_kind(self) -> None:
        """The same id does not make an output of another kind the call's own."""
        self.assertEqual(healed([CALL, output("call_1", "custom_tool_call_output")]), [])

    def test_id_that_is_used_again(self) -> None:
        """Where a model repeats its ids, the output is the newest call's."""
        items = [USER, CALL, USER, CALL, OUTPUT]

        self.assertEqual(healed(items), [USER, USER, CALL, OUTPUT])

    def test_reasoning(self) -> None:
        """Reasoning leads to the next item that is not reasoning, which has to be the model's."""
        items = [REASONING, REASONING, ANSWER, REASONING, USER, REASONING]

        self.assertEqual(healed(items), [REASONING, REASONING, ANSWER, USER])
        self.assertEqual(healed([CALL, REASONING, OUTPUT]), [CALL, OUTPUT])

    def test_hosted_calls(self) -> None:
        """Tools that answer inside their call have no output to wait for."""
        items = [REASONING, {"type": "web_search_call", "id": "ws_1"}, {"type": "mcp_call"}]

        self.assertEqual(healed(items), items)

    def test_approvals(self) -> None:
        """An approval is a request and its response."""
        self.assertEqual(healed([REQUEST, RESPONSE]), [REQUEST, RESPONSE])
        self.assertEqual(healed([REQUEST, RESPONSE, RESPONSE]), [REQUEST, RESPONSE])
        self.assertEqual(healed([REQUEST]), [])

    def test_anonymous_search_for_tools(self) -> None:
        """A search for tools is the one call that may lack an id."""
        search = [{"type": "tool_search_call"}, {"type": "tool_search_output", "tools": []}]
        nameless = [{"type": "function_call"}, {"type": "function_call_output"}]

        self.assertEqual(healed(search), search)
        self.assertEqual(healed(nameless), [])

    def test_program(self) -> None:
        """What a program called goes with a program that did not end."""
        caller = {"type": "program", "caller_id": "p"}
        inside = [call("a", caller=caller), output("a")]
        program = [call("p", "program"), *inside, output("p", "program_output")]

        self.assertEqual(healed(program), program)
        self.assertEqual(healed(program[:-1]), [])
        self.assertEqual(healed(program[1:]), [])

    def test_programs_that_take_each_other_along(self) -> None:
        """However many go one after the other, four times as many take about four times as long."""

        def seconds(count: int) -> float:
            items = [call("0", "program")]
            for number in range(1, count):
                caller = {"type": "program", "caller_id": str(number - 1)}
                answer = output(str(number), "program_output", caller=caller)
                items += [call(str(number), "program"), answer]
            self.assertEqual(healed(items), [])
            return min(timeit.repeat(partial(healed, items), number=1, repeat=3))

        self.assertLess(seconds(2_000), 10 * seconds(500))

    def test_program_that_is_gone_and_an_id_that_is_used_again(self) -> None:
        """The call of a program that is not there takes no other call's output with it."""
        lost = call("call_1", caller={"type": "program", "caller_id": "p"})

        self.assertEqual(healed([CALL, lost, OUTPUT]), [CALL, OUTPUT])

    def test_hosted_shell_of_a_program(self) -> None:
        """A program's hosted shell may still be at work, unless its status says that it ended."""
        caller = {"type": "program", "caller_id": "p"}
        for status, kept in (("in_progress", True), ("completed", False)):
            shell = call("s", "shell_call", caller=caller, status=status)
            program = [call("p", "program"), shell, output("p", "program_output")]

            self.assertEqual(shell in healed(program), kept)
        self.assertEqual(healed([call("s", "shell_call")]), [])

    def test_what_nobody_knows(self) -> None:
        """Envelopes, kinds of the future and what is no item at all stay."""
        strange = [ENVELOPE, {"type": ["list"]}, {"type": "telepathy"}, ["words"], 7, None, {}]

        self.assertEqual(healed(strange), strange)
        self.assertEqual(healed([{**ENVELOPE, **CALL}]), [{**ENVELOPE, **CALL}])

    def test_close(self) -> None:
        """A call is given an output that tells what is known, after the calls beside it."""
        items = [USER, REASONING, call("a"), call("b"), output("b"), USER]

        closing = {"type": "function_call_output", "call_id": "a", "output": NO_OUTPUT}
        expected = [USER, REASONING, call("a"), call("b"), closing, output("b"), USER]
        self.assertEqual(healed(items, "close"), expected)

    def test_close_what_text_can_answer(self) -> None:
        """A call whose output is text is closed; others are left out, and so are approvals."""
        closed = {
            kind for kind, _ in WAITS_FOR if len(healed([call("a", kind)], dangling="close")) == 2
        }

        self.assertEqual(closed, {"function_call", "custom_tool_call", "local_shell_call"})
        self.assertEqual(healed([REQUEST, OUTPUT, REASONING], "close"), [])

    def test_close_what_has_no_name_or_belongs_to_a_program(self) -> None:
        """A call without an id cannot be answered; what a program called answers the program."""
        inside = call("a", caller={"type": "program", "caller_id": "p"})
        program = [call("p", "program"), output("p", "program_output")]

        self.assertEqual(healed([{"type": "function_call"}], "close"), [])
        self.assertEqual(healed([program[0], inside, program[1]], "close"), program)

    def test_unknown_word(self) -> None:
        """A word that means nothing is refused with those that do."""
        with self.assertRaisesMessage(ValueError, "Pass 'keep', 'drop' or 'close'."):
            healed([], "delete")


class LimitTests(SimpleTestCase):
    """LastTurns, LastItems and TokenBudget, by example."""

    def test_last_turns(self) -> None:
        """The newest turns, each from its user message on."""
        self.assertEqual(LastTurns(2)(turns(5)), turns(5)[-6:])
        self.assertEqual(LastTurns(9)(turns(5)), turns(5))

    def test_user_messages_in_a_row(self) -> None:
        """Each user message begins a turn, one that nobody answered too; no other kind does."""
        unknown = {"type": "telepathy", "role": "user"}

        self.assertEqual(LastTurns(1)([USER, USER, unknown]), [USER, unknown])

    def test_before_the_first_user_message(self) -> None:
        """What stands there is a turn of its own, which is there if all fits."""
        items = [SYSTEM, *turns(2)]

        self.assertEqual(LastTurns(2)(items), turns(2))
        self.assertEqual(LastTurns(3)(items), items)
        self.assertEqual(LastItems(6)(items), turns(2))
        self.assertEqual(LastItems(7)(items), items)

    def test_last_items(self) -> None:
        """Whole turns that fit the number; the newest turn always."""
        self.assertEqual(LastItems(8)(turns(5)), turns(5)[-6:])
        self.assertEqual(LastItems(1)(turns(5)), turns(5)[-3:])

    def test_token_budget(self) -> None:
        """Whole turns that fit the budget; the newest turn always."""
        for budget in (6, 8):
            self.assertEqual(TokenBudget(budget, count=lambda item: 1)(turns(5)), turns(5)[-6:])
        self.assertEqual(TokenBudget(1)(turns(5)), turns(5)[-3:])

    def test_no_user_message(self) -> None:
        """Without turns LastItems and TokenBudget give items, made valid, and LastTurns all."""
        items = [ANSWER, CALL, OUTPUT, ANSWER]

        self.assertEqual(LastItems(2)(items), [ANSWER])
        self.assertEqual(TokenBudget(2, count=lambda item: 1)(items), [ANSWER])
        self.assertEqual(LastTurns(1)(items), items)

    def test_envelopes(self) -> None:
        """An envelope may begin a turn or not: LastItems counts them, LastTurns finds no turn."""
        self.assertEqual(LastItems(2)([ENVELOPE] * 5), [ENVELOPE] * 2)
        self.assertEqual(LastTurns(1)([ENVELOPE] * 5), [ENVELOPE] * 5)

    def test_estimated_tokens(self) -> None:
        """A quarter of the bytes of the item's JSON, rounded up."""
        self.assertEqual(estimated_tokens({}), 1)
        self.assertEqual(estimated_tokens("x" * 38), 10)
        self.assertEqual(estimated_tokens("日本語"), 3)
        self.assertEqual(estimated_tokens("\ud83d"), 1)

    def test_number_that_is_none(self) -> None:
        """A number that is no number, or holds nothing, is refused with what to do."""
        for limit in (LastTurns, LastItems, TokenBudget):
            for value in ("10", 1.5, None, True):
                with self.assertRaisesMessage(TypeError, f"Write {limit.__name__}(100)."):
                    limit(value)
            for value in (0, -1):
                with self.assertRaisesMessage(ValueError, "session_settings={'limit': 0}"):
                    limit(value)

    def test_count_that_is_no_function(self) -> None:
        """A budget needs something that counts."""
        with self.assertRaisesMessage(TypeError, "Leave it out to estimate them."):
            TokenBudget(100, count=4)


class ConstructionTests(SimpleTestCase):
    """The options of DjangoSession."""

    def test_history_that_is_no_limit(self) -> None:
        """A number, or a class without its number, is refused with what to pass."""
        for history in (20, "all", LastTurns):
            with self.assertRaisesMessage(TypeError, "Pass LastTurns(20), LastItems(100),"):
                DjangoSession("one", history=history)

    def test_dangling(self) -> None:
        """A word that means nothing is refused at once, not at the first run."""
        with self.assertRaisesMessage(ValueError, "dangling='heal' is unknown."):
            DjangoSession("one", dangling="heal")

    @override_settings(AGENT_SESSIONS_HISTORY_LIMIT=7)
    def test_limit_of_the_project(self) -> None:
        """The project's limit is for sessions without a limit of their own."""
        self.assertIsNone(DjangoSession("one", history=LastTurns(1)).session_settings.limit)
        self.assertEqual(DjangoSession("one", dangling="drop").session_settings.limit, 7)


class GetItemsTests(TestCase):
    """get_items() with the options."""

    async def store(self, *items: Any) -> None:
        await DjangoSession("one").add_items(list(items))

    async def test_history(self) -> None:
        """Without a limit the history says what is given."""
        await self.store(*turns(5))

        for history in (LastTurns(2), LastItems(8), TokenBudget(8, count=lambda item: 1)):
            session = DjangoSession("one", history=history)
            self.assertEqual(await session.get_items(), turns(5)[-6:])

    async def test_limits_win(self) -> None:
        """An explicit limit and that of the settings are exact, and win over the history."""
        await self.store(*turns(5))
        session = DjangoSession("one", history=LastTurns(1), dangling="drop")

        self.assertEqual(await session.get_items(4), turns(5)[-4:])
        self.assertEqual(await session.get_items(-1), turns(5))
        self.assertEqual(await session.get_items(0), [])
        session.session_settings = SessionSettings(limit=1)
        self.assertEqual(await session.get_items(), turns(5)[-1:])

    async def test_function(self) -> None:
        """A function is given all items, and what it returns is what there is."""
        await self.store(USER, CALL, USER)
        given: list[Any] = []

        def history(items: list[Any]) -> list[Any]:
            given.extend(items)
            return [SYSTEM, CALL]

        self.assertEqual(await DjangoSession("one", history=history).get_items(), [SYSTEM, CALL])
        self.assertEqual(given, [USER, CALL, USER])
        session = DjangoSession("one", history=history, dangling="drop")
        self.assertEqual(await session.get_items(), [SYSTEM])

    async def test_function_that_returns_no_list(self) -> None:
        """The error says what came and what should."""
        session = DjangoSession("one", history=lambda items: None)

        with self.assertRaisesMessage(TypeError, "returned a NoneType. Return a list of items"):
            await session.get_items()

    async def test_dangling(self) -> None:
        """What an interrupted run left is kept, dropped or closed; the store is not touched."""
        items = [USER, CALL, USER, ANSWER]
        await self.store(*items)
        closing = {**OUTPUT, "output": NO_OUTPUT}

        for dangling, expected in (
            ("keep", items),
            ("drop", [USER, USER, ANSWER]),
            ("close", [USER, CALL, closing, USER, ANSWER]),
        ):
            session = DjangoSession("one", dangling=dangling)
            self.assertEqual(await session.get_items(), expected)
        self.assertEqual(await DjangoSession("one").get_items(), items)

    async def test_dangling_with_a_limit(self) -> None:
        """A limit drops what dangles unless it is to be closed."""
        await self.store(USER, USER, CALL)

        for dangling, count in (("keep", 1), ("drop", 1), ("close", 3)):
            session = DjangoSession("one", history=LastTurns(1), dangling=dangling)
            self.assertEqual(len(await session.get_items()), count)

    async def test_pair_aware_limit(self) -> None:
        """A run that asks for its history is given no halves; anybody else exactly the number."""
        await self.store(USER, REQUEST, RESPONSE, ANSWER)
        session = DjangoSession("one", pair_aware_limit=True)
        wrapper = RunContextWrapper(None)

        self.assertEqual(await session.get_items(2, wrapper=wrapper), [ANSWER])
        self.assertEqual(await session.get_items(2), [RESPONSE, ANSWER])
        self.assertEqual(await session.get_items(0, wrapper=wrapper), [])
        compacted = CompactionSession("one", session)
        self.assertEqual(await compacted.get_items(2, wrapper=wrapper), [ANSWER])
        wrapper.usage.requests = 1
        self.assertEqual(await session.get_items(2, wrapper=wrapper), [RESPONSE, ANSWER])
        exact = DjangoSession("one")
        self.assertEqual(
            await exact.get_items(2, wrapper=RunContextWrapper(None)), [RESPONSE, ANSWER]
        )

    async def test_owner(self) -> None:
        """A limit opens nobody else's session."""
        owner = await User.objects.acreate(username="owner")
        other = await User.objects.acreate(username="other")
        await DjangoSession("one", user=owner).add_items(turns(2))

        session = DjangoSession("one", user=owner, history=LastTurns(1))
        self.assertEqual(await session.get_items(), turns(2)[-3:])
        with self.assertRaises(SessionOwnershipError):
            await DjangoSession("one", user=other, history=LastTurns(1)).get_items()

    async def test_unreadable_rows(self) -> None:
        """Rows that are not JSON are skipped and not counted."""
        await self.store(*turns(2))
        await Message.objects.acreate(session_id="one", message_data="not JSON")

        with self.assertLogs("agent_sessions", "WARNING") as logs:
            items = await DjangoSession("one", history=LastItems(3)).get_items()

        self.assertEqual(items, turns(2)[-3:])
        self.assertEqual(len(logs.output), 1)


class ReadingTests(TestCase):
    """How much is read, and with how many statements."""

    @classmethod
    def setUpTestData(cls) -> None:
        cls.owner = User.objects.create_user("owner")
        Session.objects.append("short", turns(3), user=cls.owner)
        Session.objects.append("long", turns(3_400), user=cls.owner)
        Session.objects.append("one turn", [USER, *[ANSWER] * 400], user=cls.owner)

    def test_one_statement(self) -> None:
        """The usual read is one statement, be the session of 9 items or of 10,000."""
        for history in (LastTurns(3), LastItems(9), LastItems(200), TokenBudget(600)):
            for name in ("short", "long"):
                session = DjangoSession(name, user=self.owner, history=history)
                with self.subTest(history=history, session=name), statements() as sent:
                    async_to_sync(session.get_items)()

                self.assertEqual(sent, ["SELECT"])

    def test_same_as_reading_all(self) -> None:
        """A window gives what the whole session would have given."""
        for history in (LastTurns(90), LastItems(300), TokenBudget(3_000), LastItems(20_000)):
            for name in ("short", "long", "one turn"):
                items = async_to_sync(DjangoSession(name, history=history).get_items)()

                self.assertEqual(items, history(Session.objects.items(name)))

    def test_growing_windows(self) -> None:
        """A turn that is longer than the window is read in a few steps."""
        session = DjangoSession("one turn", history=LastItems(5))

        with statements() as sent:
            items = async_to_sync(session.get_items)()

        self.assertEqual(len(items), 401)
        self.assertEqual(sent, ["SELECT"] * 3)

    def test_sync(self) -> None:
        """The same read is on the manager, for sync code."""
        items = Session.objects.items_until("long", LastTurns(1).is_enough, window=4)

        self.assertEqual(items, turns(3_400)[-4:])


class EncryptedSessionTests(TestCase):
    """The SDK's EncryptedSession around a DjangoSession with a history."""

    def make_session(self, **options: Any) -> EncryptedSession:
        return EncryptedSession("one", DjangoSession("one", **options), encryption_key="for tests")

    async def test_histories(self) -> None:
        """Envelopes are counted and never left out; turns cannot be seen in them."""
        await self.make_session().add_items([USER, CALL, USER, ANSWER])

        for history, count in ((LastItems(2), 2), (LastTurns(1), 4), (TokenBudget(1), 1)):
            session = self.make_session(history=history, dangling="drop", pair_aware_limit=True)
            self.assertEqual(len(await session.get_items()), count)

    async def test_limit(self) -> None:
        """A limit of the wrapper's is what the wrapper makes of it."""
        await self.make_session().add_items(numbered(5))
        session = self.make_session(history=LastItems(1), pair_aware_limit=True)

        self.assertEqual(await session.get_items(3), numbered(5)[-3:])

    async def test_statement_count(self) -> None:
        """A long session of envelopes is not read whole."""
        await self.make_session().add_items(numbered(300))
        session = self.make_session(history=LastItems(10))

        self.assertEqual(await session.get_items(), numbered(300)[-10:])
        window = await Session.objects.aitems_until("one", LastItems(10).is_enough, window=64)
        self.assertEqual(len(window), 64)


@function_tool(needs_approval=True)
def buy(ticket: str) -> str:
    return f"bought {ticket}"


def words(items: Any) -> list[Any]:
    """Return what a model was given: words of messages, kinds of the rest."""
    return [
        item["content"] if item.get("role") == "user" else item.get("type", "message")
        for item in items
    ]


class RunTests(TestCase):
    """What the model is given in a real run."""

    def talker(self, answers: int) -> tuple[Agent[Any], ScriptedModel]:
        model = ScriptedModel([[assistant_message("Yes.")] for _ in range(answers)])
        return Agent("Calendar Club", model=model), model

    def buyer(self) -> tuple[Agent[Any], ScriptedModel]:
        model = ScriptedModel(
            [
                [function_call("buy", {"ticket": "jazz"}, call_id="call_2")],
                [assistant_message("There you are.")],
            ]
        )
        return Agent("Calendar Club", model=model, tools=[buy]), model

    async def test_last_turns(self) -> None:
        """The model sees the newest turn and what the user says, streamed or not."""
        agent, model = self.talker(4)
        session = DjangoSession("one", history=LastTurns(1))

        for question in ("one", "two", "three"):
            await Runner.run(agent, question, session=session)
        self.assertEqual(words(model.last_call.input), ["two", "message", "three"])

        streamed = Runner.run_streamed(agent, "four", session=session)
        async for _ in streamed.stream_events():
            pass
        self.assertEqual(words(model.last_call.input), ["three", "message", "four"])
        self.assertEqual(len(await DjangoSession("one").get_items()), 8)

    async def test_limit_of_the_run_wins(self) -> None:
        """The limit of a RunConfig is that of the run."""
        agent, model = self.talker(3)
        session = DjangoSession("one", history=LastTurns(1))
        for question in ("one", "two"):
            await Runner.run(agent, question, session=session)

        config = RunConfig(session_settings=SessionSettings(limit=3))
        await Runner.run(agent, "three", session=session, run_config=config)

        self.assertEqual(words(model.last_call.input), ["message", "two", "message", "three"])

    async def test_pair_aware_limit(self) -> None:
        """A run whose limit cuts an approval in half is given none of it."""
        for pair_aware_limit, halves in ((True, 0), (False, 1)):
            name = f"aware {pair_aware_limit}"
            agent, model = self.talker(1)
            session = DjangoSession(
                name, session_settings={"limit": 2}, pair_aware_limit=pair_aware_limit
            )
            await session.add_items([USER, REQUEST, RESPONSE, ANSWER])

            await Runner.run(agent, "Thanks.", session=session)

            self.assertEqual(words(model.last_call.input).count("mcp_approval_response"), halves)

    async def test_pair_aware_limit_of_an_agent_as_tool(self) -> None:
        """An agent used as a tool counts on the counter around it, and begins all the same."""
        expert, model = self.talker(1)
        inner = DjangoSession("expert", session_settings={"limit": 2}, pair_aware_limit=True)
        await inner.add_items([USER, REQUEST, RESPONSE, ANSWER])
        asking = ScriptedModel(
            [
                [function_call("ask", {"input": "Jazz?"}, call_id="call_1")],
                [assistant_message("Done.")],
            ]
        )
        agent = Agent("Club", model=asking, tools=[expert.as_tool("ask", "Ask.", session=inner)])

        await Runner.run(agent, "What is jazz?", session=DjangoSession("one"))

        self.assertNotIn("mcp_approval_response", words(model.last_call.input))

    async def test_run_resumed_after_an_approval(self) -> None:
        """A run that waited for approval goes on as without any option, and stores the same."""
        histories = (None, LastTurns(1), LastItems(1), TokenBudget(1), lambda items: items[-1:])
        for number, (history, dangling, limit) in enumerate(
            itertools.product(histories, ("keep", "drop", "close"), (None, 2))
        ):
            session = DjangoSession(
                f"resumed {number}",
                history=history,
                dangling=dangling,
                session_settings={"limit": limit},
                pair_aware_limit=True,
            )
            agent, model = self.buyer()
            await session.add_items(TURN)

            paused = await Runner.run(agent, "Buy it.", session=session)
            state = paused.to_state()
            state.approve(paused.interruptions[0])
            result = await Runner.run(agent, state, session=session)

            self.assertEqual(result.final_output, "There you are.")
            seen = ["Buy it.", "function_call", "function_call_output"]
            self.assertEqual(words(model.last_call.input)[-3:], seen)
            stored = words(await DjangoSession(session.session_id).get_items())
            self.assertEqual(stored[4:], [*seen, "message"])

    async def test_run_that_was_never_resumed(self) -> None:
        """The next run is told of a call that waits for ever, or not, as dangling says."""
        for dangling, seen in (
            ("keep", ["Buy it."]),  # the SDK leaves the call out, with no word of it
            ("drop", ["Buy it."]),
            ("close", ["Buy it.", "function_call", "function_call_output"]),
        ):
            session = DjangoSession(dangling, dangling=dangling)
            agent, model = self.buyer()
            await Runner.run(agent, "Buy it.", session=session)

            await Runner.run(agent, "And?", session=session)

            self.assertEqual(words(model.last_call.input), [*seen, "And?"])
            stored = words(await DjangoSession(dangling).get_items())
            self.assertEqual(stored, ["Buy it.", "function_call", "And?", "message"])
