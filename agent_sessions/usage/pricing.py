"""What tokens cost, at the prices that the project has written down."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

# Of a million tokens, by model and kind of token, in whatever currency the project counts in.
Prices: TypeAlias = Mapping[str, Mapping[str, "str | int | Decimal"]]

KINDS = ("input", "cached", "output")
MILLION = 1_000_000


def cost(
    prices: Prices, model: str, *, input_tokens: int, cached_tokens: int, output_tokens: int
) -> Decimal | None:
    """Return what tokens of a model cost, exactly; None if that is unknown, which is not 0.

    Cached tokens are part of the input and have a price of their own; reasoning tokens are part of
    the output and have its price. A price is needed only for the kinds of which there are tokens.
    """
    if model not in prices:
        return None
    counts = (input_tokens - cached_tokens, cached_tokens, output_tokens)
    used = {kind: count for kind, count in zip(KINDS, counts, strict=True) if count}
    # More cached than there was input: a provider who counts otherwise, so the rest is unknown.
    if used.get("input", 0) < 0 or not used.keys() <= prices[model].keys():
        return None
    total = sum((count * price(prices[model][kind]) for kind, count in used.items()), Decimal())
    return total / MILLION


def price(value: Any) -> Decimal:
    """Return a price as a number, or raise the ValueError that says why it is none.

    A float is refused, because 0.1 is not what it says: costs would be off by a little.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError(f"{value!r} is not a price. Write it as a string, such as '0.25'.")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{value!r} is not a price. Write digits alone, such as '0.25'.") from None
    if not number.is_finite() or number < 0:
        raise ValueError(f"{value!r} is not a price. Write a number that is 0 or more.")
    return number


def are_prices(value: Any) -> bool:
    """Tell whether a setting holds prices by model and kind of token."""
    return isinstance(value, dict) and all(
        isinstance(model, str) and _are_of_a_model(kinds) for model, kinds in value.items()
    )


def _are_of_a_model(kinds: Any) -> bool:
    return isinstance(kinds, dict) and all(
        kind in KINDS and _is_price(value) for kind, value in kinds.items()
    )


def _is_price(value: Any) -> bool:
    try:
        price(value)
    except ValueError:
        return False
    return True
