"""The cost of tokens, at the prices of the setting AGENT_SESSIONS_PRICES."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from agent_sessions.conf import Prices

KINDS = ("input", "cached", "output")
MILLION = 1_000_000


def cost(
    prices: Prices, model: str, *, input_tokens: int, cached_tokens: int, output_tokens: int
) -> Decimal | None:
    """Return the exact cost of tokens of a model; None if it is unknown, which is not 0.

    Cached tokens are part of the input, with a separate price; reasoning tokens are part of the
    output, at the same price. Only kinds with tokens need a price.
    """
    if model not in prices:
        return None
    counts = (input_tokens - cached_tokens, cached_tokens, output_tokens)
    used = {kind: count for kind, count in zip(KINDS, counts, strict=True) if count}
    # A provider that reports more cached tokens than input counts differently: cost unknown.
    if used.get("input", 0) < 0 or not used.keys() <= prices[model].keys():
        return None
    total = sum((count * price(prices[model][kind]) for kind, count in used.items()), Decimal())
    return total / MILLION


def price(value: Any) -> Decimal:
    """Return a price as a number, or raise a ValueError that says how to write it.

    A float is rejected, because 0.1 as a float is not exactly 0.1.
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
    """Tell whether the value of the setting is prices by model and kind of token."""
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
