"""Amounts of money as pages and exports write them."""

from __future__ import annotations

from decimal import Decimal

from django.utils.formats import number_format

CENT_DECIMALS = 2
MOST_DECIMALS = 4
SMALLEST = Decimal(1).scaleb(-MOST_DECIMALS)


def shown(amount: Decimal, currency: str = "") -> str:
    """Format an amount with two decimals, or up to four if it is less than 1: 1.23, 0.50, 0.0122.

    Amounts are rounded down, so that one is never shown as more than it is, nor in the next band of
    a filter. Less than SMALLEST, but not 0, is "< 0.0001". A `currency` follows a no-break space.
    The number has the format of the active language.
    """
    if 0 < amount < SMALLEST:
        text = f"< {number_format(SMALLEST)}"
    else:
        # number_format() truncates decimals, and unlike quantize() of an amount of any size.
        text = number_format(amount, _decimals(amount), force_grouping=True)
    return f"{text}\N{NO-BREAK SPACE}{currency}" if currency else text


def _decimals(amount: Decimal) -> int:
    """Return the number of decimals: the third and fourth only for amounts below 1."""
    if amount >= 1:
        return CENT_DECIMALS
    significant = f"{amount:f}".partition(".")[2][:MOST_DECIMALS].rstrip("0")
    return max(CENT_DECIMALS, len(significant))
