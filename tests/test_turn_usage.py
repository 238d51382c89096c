"""Turns.tool_usage(), usage() and session_usage()."""

from __future__ import annotations

from decimal import Decimal

from django.test import TestCase, override_settings

from agent_sessions import Message, Session, Turns, Usage
from agent_sessions.turns.turns import ToolUse
from agent_sessions.usage.steps import Tokens
from agent_sessions.usage.totals import UsageTotal
from tests.contract import ANSWER, CALL, OUTPUT, TURN, USER
from tests.stored_turns import COST, calls, store, turns


class ToolTests(TestCase):
    """tool_usage()."""

    def test_none(self) -> None:
        """Without tool calls the list is empty."""
        store(USER, ANSWER)

        self.assertEqual(Turns("one").tool_usage(), [])

    def test_counts(self) -> None:
        """Calls are counted by turn and tool; outputs are not counted."""
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


class UsageTests(TestCase):
    """usage() and session_usage()."""

    def total(self) -> UsageTotal:
        return Turns("one").session_usage()

    def steps(self) -> dict[int, int]:
        return {number: total.steps for number, total in Turns("one").usage().items()}

    def test_by_turn(self) -> None:
        """A step counts for the turn of its last message."""
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
        """The usage of a popped message counts for the turn where it was."""
        store(*TURN, agent_name="Bot")
        store(USER)
        store(ANSWER, agent_name="Bot")
        store(*TURN, agent_name="Bot")
        Message.objects.filter(pk=turns()[1].last_id).delete()

        self.assertEqual(self.steps(), {1: 1, 2: 1, 3: 1})
        Message.objects.filter(pk=turns()[1].last_id).delete()
        self.assertEqual(self.steps(), {1: 2, 2: 1})

    def test_replaced_messages(self) -> None:
        """The usage of replaced messages counts for turn 0."""
        store(*TURN, agent_name="Bot")
        Usage.objects.create(session_id="one", **COST._asdict())
        Session.objects.replace("one", TURN)

        self.assertEqual(self.steps(), {0: 2})
        self.assertEqual([(turn.number, turn.usage.steps) for turn in turns()], [(1, 0)])
        self.assertEqual(self.total().steps, 2)

    def test_unknown(self) -> None:
        """A step with unknown tokens counts as unknown in its turn."""
        store(*TURN, agent_name="Bot")
        store(ANSWER, tokens=Tokens(requests=1))
        store(ANSWER, tokens=COST._replace(reasoning_tokens=None))

        [turn] = turns()

        self.assertEqual((turn.usage.steps, turn.usage.unknown_steps), (3, 2))
        self.assertEqual(turn.usage, self.total())

    @override_settings(AGENT_SESSIONS_PRICES={"small": {"input": 1, "cached": 1, "output": 2}})
    def test_cost(self) -> None:
        """The cost of a turn is that of its steps, unknown if a model is unknown."""
        store(*TURN, agent_name="Bot")
        Usage.objects.update(model="small")
        store(*TURN, agent_name="Bot")

        first, second = turns()

        self.assertEqual((first.usage.cost, second.usage.cost), (Decimal("0.00014"), None))
        self.assertFalse(self.total().is_cost_complete)
