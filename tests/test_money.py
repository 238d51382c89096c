"""usage.money: amounts as text."""

from __future__ import annotations

from decimal import Decimal

from django.test import SimpleTestCase
from django.utils.translation import override

from agent_sessions.usage.money import shown


class ShownTests(SimpleTestCase):
    """shown()."""

    def test_decimals(self) -> None:
        """An amount has two to four decimals, as its size needs, and is rounded down."""
        amounts = {
            "0": "0.00",
            "0E-9": "0.00",
            "0.00009999": "< 0.0001",
            "0.0001": "0.0001",
            "0.012283175": "0.0122",
            "0.01": "0.01",
            "0.0120": "0.012",
            "0.5": "0.50",
            f"0.{'9' * 60}": "0.9999",
            "1": "1.00",
            "1.239": "1.23",
            "1234567.891": "1,234,567.89",
        }

        self.assertEqual({text: shown(Decimal(text)) for text in amounts}, amounts)

    def test_any_size(self) -> None:
        """An amount may have more digits than Decimal computes with."""
        self.assertEqual(shown(Decimal(f"1{'0' * 60}")), f"1{',000' * 20}.00")

    def test_currency(self) -> None:
        """The currency follows the number after a no-break space."""
        self.assertEqual(shown(Decimal("1.239"), "EUR"), "1.23\N{NO-BREAK SPACE}EUR")
        self.assertEqual(shown(Decimal("0.00001"), "€"), "< 0.0001\N{NO-BREAK SPACE}€")

    def test_language(self) -> None:
        """The number is written in the format of the active language."""
        with override("de"):
            self.assertEqual(shown(Decimal("1234.5")), "1.234,50")
            self.assertEqual(shown(Decimal("0.00001")), "< 0,0001")
