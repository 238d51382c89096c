"""Sums of the costs of steps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from operator import add
from typing import Any, NamedTuple

from agent_sessions.conf import conf
from agent_sessions.usage.money import shown
from agent_sessions.usage.pricing import cost
from agent_sessions.usage.steps import Tokens


@dataclass(frozen=True, slots=True)
class UsageTotal:
    """The sums of some steps, and how many steps they leave out.

    `unknown_steps` counts steps with an unknown number of tokens, `unpriced_steps` these and steps
    of models without a price. `cost` is None if no step has a cost, and 0 without steps.
    """

    steps: int = 0
    unknown_steps: int = 0
    unpriced_steps: int = 0
    requests: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    total_tokens: int = 0
    cost: Decimal | None = Decimal(0)

    @property
    def is_complete(self) -> bool:
        """Whether the tokens of every step are known."""
        return not self.unknown_steps

    @property
    def is_cost_complete(self) -> bool:
        """Whether the cost of every step is known."""
        return not self.unpriced_steps

    @property
    def cost_text(self) -> str:
        """The cost with the currency of the settings, for people; "" if it is None."""
        return "" if self.cost is None else shown(self.cost, conf.currency)

    def __add__(self, other: UsageTotal) -> UsageTotal:
        counts = {name: getattr(self, name) + getattr(other, name) for name in _COUNTS}
        unpriced = counts["steps"] and counts["steps"] == counts["unpriced_steps"]
        costs = (self.cost or Decimal(0)) + (other.cost or Decimal(0))
        return UsageTotal(**counts, cost=None if unpriced else costs)


_COUNTS = [field.name for field in fields(UsageTotal) if field.name != "cost"]


class Group(NamedTuple):
    """The sums of steps of one model. Either the tokens of all are known, or of none."""

    key: Any
    model: str
    is_known: bool
    counts: tuple[int, ...]  # of steps, then the fields of Tokens


def group_of(key: Any, model: str, tokens: Sequence[int | None]) -> Group:
    """Return a single step as a group."""
    return Group(key, model, are_known(tokens), (1, *(count or 0 for count in tokens)))


def are_known(tokens: Sequence[int | None]) -> bool:
    """Tell whether the fields of Tokens are known; TOKENS_ARE_KNOWN is the same in SQL."""
    _, *counts = tokens  # the number of requests does not matter
    return None not in counts


def totals(groups: Iterable[Group]) -> dict[Any, UsageTotal]:
    """Add up the groups of each key."""
    sums: defaultdict[tuple[Any, str, bool], Iterable[int]] = defaultdict(
        lambda: (0,) * (1 + len(Tokens._fields))
    )
    for key, model, is_known, counts in groups:
        sums[key, model, is_known] = tuple(map(add, sums[key, model, is_known], counts))
    found: dict[Any, UsageTotal] = {}
    for (key, model, is_known), (steps, *tokens) in sums.items():
        total = _total(model, is_known, steps, Tokens(*tokens))
        found[key] = found[key] + total if key in found else total
    return found


def _total(model: str, is_known: bool, steps: int, tokens: Tokens) -> UsageTotal:
    spent = _cost(model, tokens) if is_known else None
    return UsageTotal(
        steps=steps,
        unknown_steps=0 if is_known else steps,
        unpriced_steps=steps if spent is None else 0,
        cost=spent,
        **tokens._asdict(),
    )


def _cost(model: str, tokens: Tokens) -> Decimal | None:
    return cost(
        conf.prices,
        model,
        input_tokens=tokens.input_tokens or 0,
        cached_tokens=tokens.cached_tokens or 0,
        output_tokens=tokens.output_tokens or 0,
    )
