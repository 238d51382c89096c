"""Prices in texts."""

from __future__ import annotations

from decimal import Decimal

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from calendarclub.events.ics.price import price_of

PLAIN = {
    "free": ("0", ""),
    "Gratis!": ("0", ""),
    "Free admission": ("0", ""),
    "0": ("0", ""),
    "12.50 EUR": ("12.50", "EUR"),
    "EUR 12,5": ("12.50", "EUR"),
    "€ 17,50": ("17.50", "EUR"),
    "$5": ("5", "USD"),
    "£10 - £15": ("10", "GBP"),
    "10/12.50/15 euro": ("10", ""),
    "€10-15": ("10", "EUR"),
    "1.250,00 EUR": ("1250", "EUR"),
    "CHF 1,250": ("1250", "CHF"),
}
NOT_PLAIN = (
    "", "free for members", "not free", "donation", "-5", "€ -5", "99999999", "sold out",
    "Doors 7 pm, $12", "€10 (2 drinks)", "16+ €20", "€0 for members, €15 otherwise", "€0-15",
)  # fmt: skip


class PriceTests(SimpleTestCase):
    def test_plain(self) -> None:
        """A plain price is read, and the lowest of several."""
        for text, (amount, currency) in PLAIN.items():
            with self.subTest(text):
                self.assertEqual(price_of(text), (Decimal(amount), currency))

    def test_not_plain(self) -> None:
        """Any other text is an unknown price, and never a free event."""
        for text in NOT_PLAIN:
            with self.subTest(text):
                self.assertIsNone(price_of(text))

    @given(st.decimals(0, Decimal("999999.99"), places=2), st.sampled_from(["EUR", "USD", "SEK"]))
    def test_round_trip(self, amount: Decimal, currency: str) -> None:
        """Every price that the export writes is read unchanged."""
        self.assertEqual(price_of(f"{amount:.2f} {currency}"), (amount, currency))

    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """The amount in any text fits the column, or there is none."""
        found = price_of(text)

        self.assertTrue(found is None or 0 <= found[0] <= Decimal("999999.99"))
