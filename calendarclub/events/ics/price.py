"""Prices in texts: "€ 12,50", "10 EUR", "$5-$8", "free"."""

from __future__ import annotations

import re
from decimal import Decimal

_SYMBOLS = {"€": "EUR", "$": "USD", "£": "GBP"}
_AMOUNT = re.compile(r"(?<![\d.,-])\d{1,3}(?:[.,]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d+(?:[.,]\d{1,2})?")
_CODE = re.compile(r"\b(?:EUR|USD|GBP|CHF|SEK|NOK|DKK|PLN|CZK|CAD|AUD)\b")
_FREE = re.compile(r"(?:free|gratis|gratuit|kostenlos)(?: (?:entry|entrance|admission|event))?")
# Words that may be beside an amount. With any other word it may be an hour, an age or a drink.
_PLAIN = re.compile(
    r"(?:euros?|dollars?|pounds?|from|to|per person|p\.?p\.?|[€$£\s.,;/\u2013\u2014-])*", re.I
)
# The largest price of the column, and the most characters that quantize() can round.
_LARGEST, _LONGEST = Decimal("999999.99"), 20


def price_of(text: str) -> tuple[Decimal, str] | None:
    """Return the lowest amount and its currency (or ""), or None if the price is not clear.

    "Free for members" and "Doors 7 pm, $12" are not clear: a wrong price is worse than none.
    """
    plain = " ".join(text.lower().split()).strip(" .!")
    if _FREE.fullmatch(plain):
        return Decimal(0), ""
    found = _AMOUNT.findall(text)
    # A minus before the first digit is not a dash between two prices.
    if not found or max(map(len, found)) > _LONGEST or re.match(r"\D*-\s*\d", text):
        return None
    if not _PLAIN.fullmatch(_CODE.sub("", _AMOUNT.sub("", text.upper()))):
        return None
    amounts = [_amount(digits) for digits in found]
    lowest = min(amounts)
    if lowest > _LARGEST or (lowest == 0 and max(amounts) > 0):
        return None
    return lowest, _currency(text)


def _amount(digits: str) -> Decimal:
    """Read "1.250,00", "1,250.00" and "12,5": a decimal mark has one or two digits after it."""
    fraction = re.search(r"[.,](\d{1,2})$", digits)
    whole = digits[: fraction.start()] if fraction else digits
    cents = fraction[1] if fraction else "0"
    return Decimal(f"{re.sub('[.,]', '', whole)}.{cents}").quantize(Decimal("0.01"))


def _currency(text: str) -> str:
    code = _CODE.search(text.upper())
    if code:
        return code.group()
    return next((code for symbol, code in _SYMBOLS.items() if symbol in text), "")
