"""What sessions cost, told by the database, to find them by it.

Costs are whole numbers of a unit so small that every price is a whole number of it: floating
point, which SQLite computes with, would put a cost beside the border that it is on.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from functools import reduce
from operator import add, or_
from typing import Any, NamedTuple

from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    F,
    OuterRef,
    Q,
    Subquery,
    Sum,
    Value,
    When,
)

from agent_sessions.conf import conf
from agent_sessions.models.usage import Usage
from agent_sessions.usage.pricing import KINDS, MILLION, price
from agent_sessions.usage.steps import Tokens

# Prices of more digits are rounded: what they cost would not fit into an integer of the database,
# which holds 18. Six are for the tokens of a million.
DIGITS, MOST_BEHIND = 18, 12

_ARE_TOKENS_KNOWN = {f"{name}__isnull": False for name in Tokens._fields if name != "requests"}


class Costs(NamedTuple):
    """An expression of sessions: how many units is known of their cost, NULL if nothing is."""

    expression: Subquery
    unit: Decimal


def costs() -> Costs:
    """Return what sessions cost at the prices of the settings, as `UsageTotal.cost` tells it."""
    models = [
        _Model(f"model_{number}", name, {kind: price(value) for kind, value in kinds.items()})
        for number, (name, kinds) in enumerate(conf.prices.items())
    ]
    unit = _unit([value for model in models for value in model.prices.values()])
    sums = {name: total for model in models for name, total in model.sums()}
    spent = Case(
        When(
            reduce(or_, (model.is_known() for model in models)),
            then=reduce(add, (model.spent(unit) for model in models)),
        )
    )
    steps = Usage.objects.filter(session=OuterRef("pk"), model__in=conf.prices, **_ARE_TOKENS_KNOWN)
    grouped = steps.order_by().values("session").annotate(**sums).annotate(spent=spent)
    # Of a smaller kind of integer Django would take the borders for more than there can be.
    expression: Subquery = Subquery(grouped.values("spent"), output_field=BigIntegerField())
    return Costs(expression, unit / MILLION)


class _Model(NamedTuple):
    """What the steps of one model cost: prices are a model's."""

    alias: str
    name: str
    prices: dict[str, Decimal]

    def sums(self) -> Iterable[tuple[str, Any]]:
        its = Q(model=self.name)
        yield f"{self.alias}_steps", Count("pk", filter=its)
        for name in ("cached", "output"):
            yield f"{self.alias}_{name}", Sum(f"{name}_tokens", filter=its)
        # Cached tokens are part of the input. Sums are subtracted: MariaDB's columns have no sign.
        given = Sum("input_tokens", filter=its)
        yield f"{self.alias}_input", given - F(f"{self.alias}_cached")

    def is_known(self) -> Q:
        """Tell whether the cost is, as `pricing.cost` does."""
        unpriced = {f"{self.alias}_{kind}": 0 for kind in KINDS if kind not in self.prices}
        return Q(**{f"{self.alias}_steps__gt": 0, f"{self.alias}_input__gte": 0}, **unpriced)

    def spent(self, unit: Decimal) -> Case:
        parts = [
            F(f"{self.alias}_{kind}") * Value(round(value / unit))
            for kind, value in self.prices.items()
        ]
        return Case(When(self.is_known(), then=reduce(add, parts, Value(0))), default=Value(0))


def _unit(prices: list[Decimal]) -> Decimal:
    """Return that of which prices are whole numbers, each with its digits before the point."""
    before = max((price.adjusted() + 1 for price in prices if price), default=0)
    behind = max((-int(price.as_tuple().exponent) for price in prices), default=0)
    return Decimal(1).scaleb(-max(0, min(behind, MOST_BEHIND, DIGITS - before)))
