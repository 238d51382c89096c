"""usage.pricing: the exact cost of tokens, or None if it is unknown."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.checks import run_checks
from django.test import SimpleTestCase, TestCase, override_settings

from agent_sessions.conf import Prices, conf
from agent_sessions.usage.pricing import are_prices, cost, price

PRICES: Prices = {
    "gpt-5-mini": {"input": "0.25", "cached": "0.025", "output": "2.00"},
    "input only": {"input": 1},
}


def cost_of(model: str, given: int, cached: int, output: int) -> Decimal | None:
    return cost(PRICES, model, input_tokens=given, cached_tokens=cached, output_tokens=output)


class CostTests(SimpleTestCase):
    """cost()."""

    def test_kinds(self) -> None:
        """Cached tokens are part of the input and have their own price."""
        found = cost_of("gpt-5-mini", 1_000_000, 400_000, 100_000)

        # 600,000 at 0.25, 400,000 at 0.025 and 100,000 at 2.00 per million.
        self.assertEqual(found, Decimal("0.15") + Decimal("0.01") + Decimal("0.2"))

    def test_exact(self) -> None:
        """The cost is not rounded."""
        self.assertEqual(cost_of("gpt-5-mini", 1, 1, 0), Decimal("0.000000025"))

    def test_unknown_model(self) -> None:
        """The cost of a model without prices, or without a name, is unknown, not 0."""
        self.assertIsNone(cost_of("gpt-6", 1, 0, 0))
        self.assertIsNone(cost_of("", 1, 0, 0))
        self.assertIsNone(cost_of("", 0, 0, 0))

    def test_missing_kind(self) -> None:
        """A missing price makes the cost unknown only if there are tokens of its kind."""
        self.assertEqual(cost_of("input only", 2_000_000, 0, 0), 2)
        self.assertIsNone(cost_of("input only", 2, 1, 0))
        self.assertIsNone(cost_of("input only", 2, 0, 1))

    def test_more_cached_than_input(self) -> None:
        """The cost is unknown if there are more cached tokens than input tokens."""
        self.assertIsNone(cost_of("gpt-5-mini", 1, 2, 0))


class PriceTests(SimpleTestCase):
    """price() and are_prices()."""

    def test_types(self) -> None:
        """A price may be a string, an integer or a Decimal."""
        for value in ("0.25", 0, 3, Decimal("0.25"), "1e-3"):
            self.assertEqual(price(value), Decimal(value))

    def test_wrong_price(self) -> None:
        """Any other value raises ValueError with the way to write it."""
        for value in (0.25, True, None, "cheap", "$1", "NaN", "Infinity", "-1", -1, [1]):
            with self.assertRaisesMessage(ValueError, f"{value!r} is not a price. Write"):
                price(value)

    def test_prices(self) -> None:
        """Prices are a dict of dicts, with the names of known kinds."""
        wrong: list[Any] = [
            None,
            [],
            {1: {"input": 1}},
            {"gpt-5": "0.25"},
            {"gpt-5": {"reasoning": 1}},
            {"gpt-5": {"input": 0.25}},
        ]

        self.assertTrue(are_prices(PRICES))
        self.assertTrue(are_prices({}))
        for value in wrong:
            self.assertFalse(are_prices(value), value)


class SettingTests(TestCase):
    """AGENT_SESSIONS_PRICES. Django's own checks of fields query both databases."""

    databases = {"default", "archive"}

    def test_read_when_used(self) -> None:
        """The default is no prices."""
        self.assertEqual(conf.prices, {})
        with override_settings(AGENT_SESSIONS_PRICES=PRICES):
            self.assertEqual(conf.prices, PRICES)

    def test_check(self) -> None:
        """The system check reports a price that is a float."""
        cases: list[tuple[Any, int]] = [(PRICES, 0), ({"gpt-5": {"input": 0.25}}, 1)]
        for prices, expected in cases:
            with override_settings(AGENT_SESSIONS_PRICES=prices):
                found = [error for error in run_checks() if error.id == "agent_sessions.E004"]
            self.assertEqual(len(found), expected)
