"""session_page.turns: a window as turns."""

from __future__ import annotations

import timeit
from datetime import timedelta
from decimal import Decimal
from functools import partial
from time import process_time
from typing import Any

from django.test import SimpleTestCase, override_settings

from agent_sessions.admin.session_page.spent import Spent
from agent_sessions.admin.session_page.turns import TurnView, conversation, trace_url
from agent_sessions.admin.session_page.window import StoredText
from agent_sessions.items.reported_errors import TOOL_FAILED
from agent_sessions.text.markdown import LONGEST
from agent_sessions.usage.totals import Group
from tests.admin.windows import window_of

USER = {"role": "user", "content": "Any jazz?"}
ANSWER = {"role": "assistant", "content": "Two."}
CALL = {"type": "function_call", "name": "search", "call_id": "c1", "arguments": "{}"}
NOTHING = Spent([], [])
TURN = [USER, CALL, {"type": "function_call_output", "call_id": "c1", "output": "[]"}, ANSWER]


def turns(*items: Any, spent: Spent = NOTHING, **window: Any) -> list[TurnView]:
    return conversation(window_of(items, **window), spent, may_read=True)


def step(message_id: int | None, model: str = "small") -> Group:
    return Group(message_id, model, is_known=True, counts=(1, 1, 10, 0, 5, 0, 15))


class TurnTests(SimpleTestCase):
    """conversation()."""

    def test_turns(self) -> None:
        """Each turn has its number, cards, agents, times and state."""
        first, second = turns(*TURN, USER, CALL, number=7, agents={2: "A", 4: "B\u202e", 6: "A"})

        self.assertEqual([first.number, second.number], [7, 8])
        self.assertEqual([len(first.cards), len(second.cards)], [3, 2])
        self.assertEqual([first.agents, second.agents], [("A", "B⟨U+202E⟩"), ("A",)])
        self.assertEqual([first.state, second.state], ["complete", "waiting"])
        self.assertEqual((first.first_id, first.last_id, first.duration.seconds), (1, 4, 3))
        self.assertEqual([first.is_newest, second.is_newest], [False, True])

    def test_before_the_first(self) -> None:
        """Messages before the first user message are turn 0, which has no state."""
        [zero, one] = turns({"role": "system", "content": "Be brief."}, *TURN, number=0)

        self.assertEqual(
            [(zero.number, zero.state), (one.number, one.state)], [(0, None), (1, "complete")]
        )

    def test_pieces(self) -> None:
        """A turn that begins before or continues after the window says so; its state is unknown."""
        [turn] = turns(CALL, ANSWER, before=[USER], after=[ANSWER], number=3)
        [end] = turns(CALL, ANSWER, before=[USER], number=3)

        self.assertEqual(
            (turn.number, turn.is_continued, turn.goes_on, turn.state), (3, True, True, None)
        )
        self.assertEqual((end.is_continued, end.goes_on, end.state), (True, False, "incomplete"))

    def test_unknown_number(self) -> None:
        """Turns have no numbers if the turns before the window cannot be counted."""
        self.assertEqual([turn.number for turn in turns(*TURN, *TURN, number=None)], [None, None])

    def test_no_messages(self) -> None:
        """Without messages there are no turns, even if usage is recorded."""
        self.assertEqual(turns(number=None, spent=Spent([step(None)], [(1, "t")])), [])

    @override_settings(AGENT_SESSIONS_PRICES={"small": {"input": 1, "output": 2}})
    def test_usage(self) -> None:
        """Usage belongs to the turn that contains, or contained, the step's last message."""
        spent = Spent(
            [step(2), step(4), step(9, "large\u202e")], [(2, "trace_1"), (4, "trace_1"), (9, "t/2")]
        )
        first, second = turns(*TURN, USER, spent=spent)

        self.assertEqual((first.usage.total_tokens, first.models), (30, ("small",)))
        self.assertEqual(first.usage.cost, Decimal("0.00004"))
        self.assertEqual((second.usage.cost, second.models), (None, ("large⟨U+202E⟩",)))
        self.assertEqual([trace.trace_id for trace in first.traces], ["trace_1"])
        self.assertTrue(second.traces[0].url.endswith("trace_id=t%2F2"))

    def test_repeated_names(self) -> None:
        """An agent is named on the first of its cards in a row."""
        [turn] = turns(USER, CALL, CALL, CALL, agents={2: "A", 3: "A", 4: "B"})

        self.assertEqual([card.agent for card in turn.cards], ["", "A", "", "B"])

    def test_failed_tools(self) -> None:
        """A turn counts its failed tools, and each of their cards has one mark."""
        broken = {**TURN[2], "output": f"{TOOL_FAILED}."}
        items = [*TURN, USER, CALL, broken]
        window = window_of(items)
        window.texts[7] = StoredText("", 0)

        shown = [
            conversation(window_of(items), NOTHING, may_read=True),
            conversation(window_of(items), NOTHING, may_read=False),
            conversation(window, NOTHING, may_read=True),
        ]

        for turns in shown:
            self.assertEqual([turn.failed_tools for turn in turns], [0, 1])
        marks = [[mark.text for mark in turns[1].cards[1].marks] for turns in shown]
        self.assertEqual(marks, [["error"], ["failed"], ["purged", "failed"]])

    def test_many_turns(self) -> None:
        """Eight times as many turns take about eight times as long, not sixty-four times."""

        def seconds(count: int) -> float:
            window = window_of(TURN * count)
            ends = range(4, 4 * count + 1, 4)
            spent = Spent([step(end) for end in ends], [(end, f"trace {end}") for end in ends])
            make = partial(conversation, window, spent, may_read=False)
            # Processor time, which other processes disturb less.
            return min(timeit.repeat(make, timer=process_time, number=1, repeat=3))

        self.assertLess(seconds(4_000), 24 * seconds(500))

    def test_how_long(self) -> None:
        """Durations are in seconds, minutes or hours."""
        [turn] = turns(*TURN)
        cases = {0: "", 3.25: "3.2 s", 59: "59.0 s", 61: "1 min", 3_700: "1 h 1 min"}

        for seconds, words in cases.items():
            lasting = object.__new__(TurnView)
            object.__setattr__(lasting, "duration", timedelta(seconds=seconds))
            self.assertEqual(lasting.took, words)
        self.assertEqual(turn.took, "3.0 s")

    def test_much_markdown(self) -> None:
        """Beyond the limit of Markdown, the oldest prose is plain text."""
        long = {"role": "user", "content": "a" * LONGEST}
        slow = {"role": "user", "content": "[" * LONGEST}

        shapes = [turn.cards[0].parts[0].shape for turn in turns(*[long] * 12)]
        [turn] = turns(slow)

        self.assertEqual(shapes, ["text"] * 2 + ["prose"] * 10)
        self.assertEqual(turn.cards[0].parts[0].shape, "text")


class TraceTests(SimpleTestCase):
    """trace_url()."""

    def test_addresses(self) -> None:
        """The address of a trace comes from the settings, and must be on the web."""
        cases = {
            "https://t.example/{trace_id}?a={b}": "https://t.example/a%22%2Fb?a={b}",
            "javascript:alert({trace_id})": "",
            "": "",
        }
        for address, expected in cases.items():
            with override_settings(AGENT_SESSIONS_TRACE_URL=address):
                self.assertEqual(trace_url('a"/b'), expected)
        self.assertEqual(trace_url(""), "")
