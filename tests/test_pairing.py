"""items.pairing: calls without their outputs are dropped or closed."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

from django.test import SimpleTestCase
from hypothesis import given

from agent_sessions import healed
from agent_sessions.items.pairing import NO_OUTPUT
from tests.contract import ANSWER, CALL, OUTPUT, TURN, USER
from tests.function_calls import function_calls
from tests.histories import (
    ENVELOPE,
    REASONING,
    REQUEST,
    RESPONSE,
    call,
    histories,
    is_subsequence,
    output,
)
from tests.history_rules import WAITS_FOR, faults


class RandomHistoryTests(SimpleTestCase):
    """healed(), with any history."""

    @given(histories)
    def test_close(self, items: list[Any]) -> None:
        """Closing gives a valid history, keeps all that dropping keeps, and is idempotent."""
        before = copy.deepcopy(items)

        dropped, closed = healed(items), healed(items, "close")

        self.assertEqual(faults(closed), [])
        self.assertTrue(is_subsequence(dropped, closed))
        invented = [item for item in closed if not any(item is other for other in items)]
        self.assertTrue(all(item["output"] == NO_OUTPUT for item in invented))
        self.assertEqual(healed(closed, "close"), closed)
        self.assertEqual(items, before)


class HealedTests(SimpleTestCase):
    """healed(), by example."""

    def test_whole_turn(self) -> None:
        """A valid history is returned as a new list of the same items."""
        result = healed(TURN)

        self.assertEqual(result, TURN)
        self.assertIsNot(result, TURN)

    def test_keep(self) -> None:
        """With "keep" nothing changes."""
        self.assertEqual(healed([CALL, RESPONSE], "keep"), [CALL, RESPONSE])

    def test_call_without_output(self) -> None:
        """A call without output is dropped with its reasoning; its neighbours stay."""
        items = [USER, REASONING, call("a"), call("b"), output("b"), ANSWER]

        self.assertEqual(healed(items), [USER, call("b"), output("b"), ANSWER])

    def test_other_values(self) -> None:
        """Items that are not dicts stay, whatever happens to the others."""
        others = ["text", 1, None, ["a list"]]

        self.assertEqual(healed([*others, CALL]), others)
        self.assertEqual(healed([*others, OUTPUT, CALL], "close")[:5], [*others, CALL])

    def test_output_before_its_call(self) -> None:
        """An output answers only a call before it."""
        self.assertEqual(healed([OUTPUT, CALL]), [])

    def test_outputs_in_any_order(self) -> None:
        """Parallel calls may be answered in any order."""
        items = [call("a"), call("b"), output("b"), output("a")]

        self.assertEqual(healed(items), items)

    def test_output_of_another_kind(self) -> None:
        """An output of another kind does not answer a call, even with the same id."""
        self.assertEqual(healed([CALL, output("call_1", "custom_tool_call_output")]), [])

    def test_id_that_is_used_again(self) -> None:
        """If calls share an id, the output answers the newest of them."""
        items = [USER, CALL, USER, CALL, OUTPUT]

        self.assertEqual(healed(items), [USER, USER, CALL, OUTPUT])

    def test_reasoning(self) -> None:
        """Reasoning is kept only with the next item of the model."""
        items = [REASONING, REASONING, ANSWER, REASONING, USER, REASONING]

        self.assertEqual(healed(items), [REASONING, REASONING, ANSWER, USER])
        self.assertEqual(healed([CALL, REASONING, OUTPUT]), [CALL, OUTPUT])

    def test_hosted_calls(self) -> None:
        """Calls of hosted tools hold their results and need no output."""
        items = [REASONING, {"type": "web_search_call", "id": "ws_1"}, {"type": "mcp_call"}]

        self.assertEqual(healed(items), items)

    def test_approvals(self) -> None:
        """A request for approval is kept only with its response, and each only once."""
        self.assertEqual(healed([REQUEST, RESPONSE]), [REQUEST, RESPONSE])
        self.assertEqual(healed([REQUEST, RESPONSE, RESPONSE]), [REQUEST, RESPONSE])
        self.assertEqual(healed([REQUEST]), [])

    def test_calls_without_ids(self) -> None:
        """A search for tools is the only call that may lack an id."""
        search = [{"type": "tool_search_call"}, {"type": "tool_search_output", "tools": []}]
        nameless = [{"type": "function_call"}, {"type": "function_call_output"}]

        self.assertEqual(healed(search), search)
        self.assertEqual(healed(nameless), [])

    def test_program(self) -> None:
        """A program without its output is dropped with all that it called."""
        caller = {"type": "program", "caller_id": "p"}
        inside = [call("a", caller=caller), output("a")]
        program = [call("p", "program"), *inside, output("p", "program_output")]

        self.assertEqual(healed(program), program)
        self.assertEqual(healed(program[:-1]), [])
        self.assertEqual(healed(program[1:]), [])

    def test_chain_of_programs(self) -> None:
        """The work to drop a chain of programs grows linearly with its length."""

        def calls(count: int) -> int:
            items = [call("0", "program")]
            for number in range(1, count):
                caller = {"type": "program", "caller_id": str(number - 1)}
                answer = output(str(number), "program_output", caller=caller)
                items += [call(str(number), "program"), answer]
            self.assertEqual(healed(items), [])
            return function_calls(partial(healed, items))

        self.assertLess(calls(2_000), 4.5 * calls(500))

    def test_missing_program_and_a_repeated_id(self) -> None:
        """Dropping the call of a missing program drops no other call's output."""
        lost = call("call_1", caller={"type": "program", "caller_id": "p"})

        self.assertEqual(healed([CALL, lost, OUTPUT]), [CALL, OUTPUT])

    def test_hosted_shell_of_a_program(self) -> None:
        """A program's hosted shell call may lack its output, unless its status is completed."""
        caller = {"type": "program", "caller_id": "p"}
        for status, kept in (("in_progress", True), ("completed", False)):
            shell = call("s", "shell_call", caller=caller, status=status)
            program = [call("p", "program"), shell, output("p", "program_output")]

            self.assertEqual(shell in healed(program), kept)
        self.assertEqual(healed([call("s", "shell_call")]), [])

    def test_unknown_items(self) -> None:
        """Envelopes, unknown kinds and values that are not items stay."""
        strange = [ENVELOPE, {"type": ["list"]}, {"type": "telepathy"}, ["words"], 7, None, {}]

        self.assertEqual(healed(strange), strange)
        self.assertEqual(healed([{**ENVELOPE, **CALL}]), [{**ENVELOPE, **CALL}])

    def test_close(self) -> None:
        """A closing output says what is known and follows the parallel calls."""
        items = [USER, REASONING, call("a"), call("b"), output("b"), USER]

        closing = {"type": "function_call_output", "call_id": "a", "output": NO_OUTPUT}
        expected = [USER, REASONING, call("a"), call("b"), closing, output("b"), USER]
        self.assertEqual(healed(items, "close"), expected)

    def test_close_by_kind(self) -> None:
        """A call whose output is text is closed; other calls and approvals are dropped."""
        closed = {
            kind for kind, _ in WAITS_FOR if len(healed([call("a", kind)], dangling="close")) == 2
        }

        self.assertEqual(closed, {"function_call", "custom_tool_call", "local_shell_call"})
        self.assertEqual(healed([REQUEST, OUTPUT, REASONING], "close"), [])

    def test_close_without_an_id_or_inside_a_program(self) -> None:
        """A call without an id, or made by a program, is dropped instead of closed."""
        inside = call("a", caller={"type": "program", "caller_id": "p"})
        program = [call("p", "program"), output("p", "program_output")]

        self.assertEqual(healed([{"type": "function_call"}], "close"), [])
        self.assertEqual(healed([program[0], inside, program[1]], "close"), program)

    def test_unknown_word(self) -> None:
        """An unknown word raises ValueError with the known ones."""
        with self.assertRaisesMessage(ValueError, "Pass 'keep', 'drop' or 'close'."):
            healed([], "delete")  # type: ignore[arg-type]  # refused at runtime, too
