"""The cost of a session as SQL, so that the list can be filtered by it.

The database counts in a unit so small that every price is a whole number of units. SQLite has no
exact decimals, and floating point could put a cost on the wrong side of a band's border:
https://www.sqlite.org/floatingpoint.html
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
from agent_sessions.models.usage_sums import TOKENS_ARE_KNOWN
from agent_sessions.usage.pricing import KINDS, MILLION, price

# A database's integer holds 18 digits, and six of them are needed to count the tokens of a million.
# Prices with more decimals than the rest allows are rounded.
MOST_DIGITS, MOST_DECIMALS = 18, 12


class SessionCost(NamedTuple):
    """An expression for the known cost of a session in units, NULL if none is known."""

    expression: Subquery
    unit: Decimal


def session_cost() -> SessionCost:
    """Return the cost at the prices of the settings, with the meaning of `UsageTotal.cost`."""
    models = [
        _ModelCost(f"model_{number}", name, {kind: price(value) for kind, value in kinds.items()})
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
    steps = Usage.objects.filter(TOKENS_ARE_KNOWN, session=OuterRef("pk"), model__in=conf.prices)
    grouped = steps.order_by().values("session").annotate(**sums).annotate(spent=spent)
    # A big integer: Django compares with the range of the field, and finds nothing if the border of
    # a band is outside of it. See https://code.djangoproject.com/ticket/27397
    expression: Subquery = Subquery(grouped.values("spent"), output_field=BigIntegerField())
    return SessionCost(expression, unit / MILLION)


class _ModelCost(NamedTuple):
    """The cost of the steps of one model. `alias` begins the names of its annotations."""

    alias: str
    name: str
    prices: dict[str, Decimal]

    def sums(self) -> Iterable[tuple[str, Any]]:
        its = Q(model=self.name)
        yield f"{self.alias}_steps", Count("pk", filter=its)
        for name in ("cached", "output"):
            yield f"{self.alias}_{name}", Sum(f"{name}_tokens", filter=its)
        # Cached tokens are part of the input. Sums are subtracted, because the columns are unsigned
        # on MariaDB, and so would be the difference of two columns:
        # https://dev.mysql.com/doc/refman/8.4/en/out-of-range-and-overflow.html
        given = Sum("input_tokens", filter=its)
        yield f"{self.alias}_input", given - F(f"{self.alias}_cached")

    def is_known(self) -> Q:
        """Return the condition under which `pricing.cost` knows the cost."""
        unpriced = {f"{self.alias}_{kind}": 0 for kind in KINDS if kind not in self.prices}
        return Q(**{f"{self.alias}_steps__gt": 0, f"{self.alias}_input__gte": 0}, **unpriced)

    def spent(self, unit: Decimal) -> Case:
        parts = [
            F(f"{self.alias}_{kind}") * Value(round(value / unit))
            for kind, value in self.prices.items()
        ]
        return Case(When(self.is_known(), then=reduce(add, parts, Value(0))), default=Value(0))


def _unit(prices: list[Decimal]) -> Decimal:
    """Return the greatest power of ten, up to 1, that divides all prices.

    Prices of 0.25 and 0.025 are 250 and 25 units of 0.001.
    """
    digits_before = max((price.adjusted() + 1 for price in prices if price), default=0)
    decimals = max((-int(price.as_tuple().exponent) for price in prices), default=0)
    return Decimal(1).scaleb(-max(0, min(decimals, MOST_DECIMALS, MOST_DIGITS - digits_before)))
