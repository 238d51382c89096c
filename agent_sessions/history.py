"""The part of a session that a run is given: whole turns, so that pairs stay together."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from agent_sessions.items import Item
from agent_sessions.items.columns import columns, is_envelope
from agent_sessions.items.kinds import is_user_message
from agent_sessions.items.pairing import Dangling, healed

SMALL_WINDOW = 64  # rows, which are read as fast as one


class Limit(ABC):
    """The newest part of a session, found without reading the rest.

    When called with a list of items, it returns that part, healed, so that a function of the
    project's own, passed as `history`, can use it.
    """

    @property
    @abstractmethod
    def window(self) -> int:
        """The number of newest items that usually contain the part."""

    @abstractmethod
    def is_enough(self, items: Sequence[Item]) -> bool:
        """Tell whether the part begins within `items`, the newest of a session."""

    @abstractmethod
    def start(self, items: Sequence[Item]) -> int:
        """Return the position in `items`, which are all or enough, at which the part begins."""

    def __call__(self, items: list[Item]) -> list[Item]:
        return healed(items[self.start(items) :], "drop")


@dataclass(frozen=True)
class LastTurns(Limit):
    """The newest `n` turns, each a user message and everything that answers it.

    Items before the first user message are a turn as well. A session without user messages, such
    as one of encrypted envelopes, is given whole.
    """

    n: int

    def __post_init__(self) -> None:
        check_number("LastTurns", self.n)

    @property
    def window(self) -> int:
        return max(SMALL_WINDOW, 16 * self.n)  # most turns have fewer items

    def is_enough(self, items: Sequence[Item]) -> bool:
        return sum(map(_is_user_message, items)) >= self.n

    def start(self, items: Sequence[Item]) -> int:
        starts = [at for at, item in enumerate(items) if _is_user_message(item)]
        return starts[-self.n] if len(starts) >= self.n else 0


@dataclass(frozen=True)
class LastItems(Limit):
    """The newest turns of at most `n` items together; the newest turn is always whole.

    An encrypted session, whose turns are unknown, may be cut between any two items.
    """

    n: int

    def __post_init__(self) -> None:
        check_number("LastItems", self.n)

    @property
    def window(self) -> int:
        return max(SMALL_WINDOW, self.n + 1)  # one more shows whether a turn is cut

    def is_enough(self, items: Sequence[Item]) -> bool:
        return len(items) > self.n and any(map(begins_a_turn, items))

    def start(self, items: Sequence[Item]) -> int:
        return first_turn(items, max(0, len(items) - self.n))


History: TypeAlias = Limit | Callable[[list[Item]], list[Item]]


def check_number(name: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} takes a whole number, not {value!r}. Write {name}(100).")
    if value < 1:
        raise ValueError(
            f"{name}({value}) would be empty. Pass 1 or more; for a run without history pass "
            "session_settings={'limit': 0}."
        )


def checked_history(history: History | None) -> History | None:
    """Return `history`, or raise the TypeError that says what it may be."""
    # A class is callable as well, but LastTurns without its number is a mistake.
    if history is not None and (isinstance(history, type) or not callable(history)):
        raise TypeError(
            f"history={history!r} is not a limit. Pass LastTurns(20), LastItems(100), "
            "TokenBudget(8000) or a function that takes a list of items and returns one."
        )
    return history


def part_for_a_run(items: list[Item], history: History | None, dangling: Dangling) -> list[Item]:
    """Return the part of `items` that a run is given.

    The result of a function of the project is healed only if `dangling` says so.
    """
    if isinstance(history, Limit):
        part = items[history.start(items) :]
        # A limit promises a valid part.
        return healed(part, "drop" if dangling == "keep" else dangling)
    if history is None:
        return healed(items, dangling)
    chosen = history(items)
    if not isinstance(chosen, list):
        raise TypeError(
            f"The function passed as history= returned a {type(chosen).__name__}. Return a list "
            "of items from a function that is not async."
        )
    return healed(chosen, dangling)


def _is_user_message(item: Item) -> bool:
    return is_user_message(columns(item))


def begins_a_turn(item: Item) -> bool:
    """Tell whether a turn may begin here; an envelope may hold a user message."""
    return _is_user_message(item) or is_envelope(item)


def first_turn(items: Sequence[Item], fitting: int) -> int:
    """Return the start of the oldest turn that fits completely, if items from `fitting` on fit.

    If no turn fits, the newest turn; if there are no turns, the items that fit:

        turns begin at 0, 4 and 9, the items from 3 on fit: 4
        turns begin at 0, 4 and 9, the items from 12 on fit: 9
    """
    if fitting == 0:
        return 0
    starts = [at for at, item in enumerate(items) if begins_a_turn(item)]
    return next((at for at in starts if at >= fitting), starts[-1] if starts else fitting)
