"""history: limits, whose result is a valid history."""

from __future__ import annotations

from typing import Any

from agents.run_internal.items import drop_orphan_function_calls
from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from agent_sessions import LastItems, LastTurns, TokenBudget, estimated_tokens, healed
from agent_sessions.history import Limit
from tests.contract import ANSWER, CALL, OUTPUT, USER
from tests.histories import (
    ENVELOPE,
    SYSTEM,
    beginnings,
    histories,
    is_subsequence,
    is_user_message,
    limits,
    turns,
)
from tests.history_rules import faults, orphaned_reasoning


class RandomHistoryTests(SimpleTestCase):
    """Every limit, with any history."""

    @given(histories, limits)
    def test_valid(self, items: list[Any], limit: Limit) -> None:
        """A limit returns a valid history, made of the given items in their order."""
        result = limit(items)

        self.assertEqual(faults(result), [])
        self.assertEqual(orphaned_reasoning(items, result), [])
        self.assertTrue(is_subsequence(result, items))

    @given(histories, limits, st.sampled_from(["drop", "close"]))
    def test_the_sdk_agrees(self, items: list[Any], limit: Limit, dangling: Any) -> None:
        """The SDK's own removal of orphaned calls finds nothing to remove."""
        for result in (limit(items), healed(items, dangling)):
            everywhere = set(range(len(result)))

            pruned = drop_orphan_function_calls(result, output_pruning_indexes=everywhere)

            self.assertEqual(pruned, result)

    @given(histories, limits)
    def test_newest_turn(self, items: list[Any], limit: Limit) -> None:
        """The newest turn is kept whole, except items that would make the history invalid."""
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
        """LastItems returns as many turns as fit its number, or the newest turn."""
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
        """TokenBudget returns items within its budget, or the newest turn."""
        result = TokenBudget(budget)(items)

        if sum(map(estimated_tokens, result)) > budget:
            self.assertIs(result[0], items[beginnings(items)[-1]])

    @given(histories, st.integers(1, 5))
    def test_last_turns_count(self, items: list[Any], n: int) -> None:
        """LastTurns returns its number of user messages, or all if there are fewer."""
        result = LastTurns(n)(items)

        there = sum(map(is_user_message, items))
        self.assertEqual(sum(map(is_user_message, result)), min(n, there))
        if there >= n:
            self.assertTrue(is_user_message(result[0]))

    @given(histories, limits)
    def test_any_tail_that_is_enough(self, items: list[Any], limit: Limit) -> None:
        """The result is the same for any tail of the history that is long enough."""
        whole = limit(items)

        for start in range(len(items)):
            if limit.is_enough(items[start:]):
                self.assertEqual(limit(items[start:]), whole)


class LimitTests(SimpleTestCase):
    """LastTurns, LastItems and TokenBudget, by example."""

    def test_last_turns(self) -> None:
        """LastTurns returns the newest turns, each from its user message on."""
        self.assertEqual(LastTurns(2)(turns(5)), turns(5)[-6:])
        self.assertEqual(LastTurns(9)(turns(5)), turns(5))

    def test_user_messages_in_a_row(self) -> None:
        """Each user message begins a turn, even if it has no answer; no other item does."""
        unknown = {"type": "telepathy", "role": "user"}

        self.assertEqual(LastTurns(1)([USER, USER, unknown]), [USER, unknown])

    def test_before_the_first_user_message(self) -> None:
        """Items before the first user message are a turn, which is kept if everything fits."""
        items = [SYSTEM, *turns(2)]

        self.assertEqual(LastTurns(2)(items), turns(2))
        self.assertEqual(LastTurns(3)(items), items)
        self.assertEqual(LastItems(6)(items), turns(2))
        self.assertEqual(LastItems(7)(items), items)

    def test_last_items(self) -> None:
        """LastItems returns whole turns that fit its number, and always the newest."""
        self.assertEqual(LastItems(8)(turns(5)), turns(5)[-6:])
        self.assertEqual(LastItems(1)(turns(5)), turns(5)[-3:])

    def test_token_budget(self) -> None:
        """TokenBudget returns whole turns that fit its budget, and always the newest."""
        for budget in (6, 8):
            self.assertEqual(TokenBudget(budget, count=lambda item: 1)(turns(5)), turns(5)[-6:])
        self.assertEqual(TokenBudget(1)(turns(5)), turns(5)[-3:])

    def test_no_user_message(self) -> None:
        """Without turns, LastItems and TokenBudget count items, and LastTurns returns all."""
        items = [ANSWER, CALL, OUTPUT, ANSWER]

        self.assertEqual(LastItems(2)(items), [ANSWER])
        self.assertEqual(TokenBudget(2, count=lambda item: 1)(items), [ANSWER])
        self.assertEqual(LastTurns(1)(items), items)

    def test_envelopes(self) -> None:
        """Envelopes hide turns: LastItems counts envelopes, LastTurns returns them all."""
        self.assertEqual(LastItems(2)([ENVELOPE] * 5), [ENVELOPE] * 2)
        self.assertEqual(LastTurns(1)([ENVELOPE] * 5), [ENVELOPE] * 5)

    def test_estimated_tokens(self) -> None:
        """The estimate is a quarter of the bytes of the item's JSON, rounded up."""
        self.assertEqual(estimated_tokens({}), 1)
        self.assertEqual(estimated_tokens("x" * 38), 10)
        self.assertEqual(estimated_tokens("日本語"), 3)
        self.assertEqual(estimated_tokens("\ud83d"), 1)

    def test_invalid_number(self) -> None:
        """A value that is not a positive integer raises an error that says what to write."""
        for limit in (LastTurns, LastItems, TokenBudget):
            for value in ("10", 1.5, None, True):
                with self.assertRaisesMessage(TypeError, f"Write {limit.__name__}(100)."):
                    limit(value)  # type: ignore[arg-type]  # refused at runtime, too
            for value in (0, -1):
                with self.assertRaisesMessage(ValueError, "session_settings={'limit': 0}"):
                    limit(value)

    def test_count_that_is_not_callable(self) -> None:
        """A `count` that is not callable raises an error that says what to do."""
        with self.assertRaisesMessage(TypeError, "Leave it out to estimate them."):
            TokenBudget(100, count=4)  # type: ignore[arg-type]  # refused at runtime, too
