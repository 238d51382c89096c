"""The newest turns of a session within a number of tokens."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent_sessions.history import SMALL_WINDOW, Limit, begins_a_turn, check_number, first_turn
from agent_sessions.items import Item


def estimated_tokens(item: Item) -> int:
    """Estimate the tokens of an item: a quarter of the bytes of its JSON, rounded up.

    This is close for English text, and too high for images and files inside an item. For the exact
    numbers of a model, pass a function that uses its tokenizer.
    """
    text = json.dumps(item, ensure_ascii=False, separators=(",", ":"))
    return -(-len(text.encode(errors="replace")) // 4)


@dataclass(frozen=True)
class TokenBudget(Limit):
    """The newest turns of at most `budget` tokens; the newest turn is always whole.

    `count` returns the number of tokens of an item. It is called at least twice for each item that
    fits.
    """

    budget: int
    count: Callable[[Item], int] = estimated_tokens

    def __post_init__(self) -> None:
        check_number("TokenBudget", self.budget)
        if not callable(self.count):
            raise TypeError(
                f"count= takes a function from an item to its number of tokens, not "
                f"{self.count!r}. Leave it out to estimate them."
            )

    @property
    def window(self) -> int:
        # Fifty tokens are a short item. If most are shorter, another window is read.
        return max(SMALL_WINDOW, self.budget // 50)

    def is_enough(self, items: Sequence[Item]) -> bool:
        return self._fitting(items) > 0 and any(map(begins_a_turn, items))

    def start(self, items: Sequence[Item]) -> int:
        return first_turn(items, self._fitting(items))

    def _fitting(self, items: Sequence[Item]) -> int:
        """Return the position at which the newest items that fit begin, within a turn or not."""
        left = self.budget
        for at in reversed(range(len(items))):
            left -= self.count(items[at])
            if left < 0:
                return at + 1
        return 0
