"""Amounts of money as every page and export writes them. (pure)"""

from __future__ import annotations

from decimal import Decimal

from django.utils.formats import number_format

CENT_DECIMALS = 2
MOST_DECIMALS = 4
SMALLEST = Decimal(1).scaleb(-MOST_DECIMALS)


def shown(amount: Decimal, currency: str = "") -> str:
    """Write an amount with two decimals, or up to four if it is less than 1: 1.23, 0.50, 0.0122.

    It is rounded down: an amount never reads as more than it is, and never crosses the border of a
    filter. Less than SMALLEST, but not 0, is "< 0.0001". A `currency` follows a no-break space.
    The number is written in the language that is active.
    """
    if 0 < amount < SMALLEST:
        text = f"< {number_format(SMALLEST)}"
    else:
        # number_format() cuts decimals, of an amount of any size; quantize() has a largest.
        text = number_format(amount, _decimals(amount), force_grouping=True)
    return f"{text}\N{NO-BREAK SPACE}{currency}" if currency else text


def _decimals(amount: Decimal) -> int:
    """Return how many decimals tell something: the third and fourth only of less than 1."""
    if amount >= 1:
        return CENT_DECIMALS
    telling = f"{amount:f}".partition(".")[2][:MOST_DECIMALS].rstrip("0")
    return max(CENT_DECIMALS, len(telling))
