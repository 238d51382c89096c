"""Numbers as the list of sessions and the usage page write them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from django.test import SimpleTestCase, override_settings
from django.utils import timezone, translation

from agent_sessions.admin.formats import at_least, at_least_html, money, number
from agent_sessions.admin.local_days import start_of


class FormatTests(SimpleTestCase):
    """admin.formats."""

    def test_number(self) -> None:
        """Numbers are written in the active language, with separators of thousands."""
        self.assertEqual(number(1_234_567), "1,234,567")
        with translation.override("de"):
            self.assertEqual(number(1_234_567), "1.234.567")

    @override_settings(AGENT_SESSIONS_CURRENCY="EUR")
    def test_money(self) -> None:
        """An amount is followed by the currency of the settings."""
        self.assertEqual(money(Decimal("0.5")), "0.50\N{NO-BREAK SPACE}EUR")

    def test_at_least(self) -> None:
        """An incomplete sum is marked, in HTML with a reason; its text is escaped."""
        self.assertEqual(at_least("5", is_complete=True), "5")
        self.assertEqual(at_least("5", is_complete=False), "≥ 5")
        self.assertEqual(at_least_html("5", is_complete=True, reason="why"), "5")
        html = at_least_html("<5>", is_complete=False, reason='"why"')
        self.assertIn('title="&quot;why&quot;"', html)
        self.assertIn("&lt;5&gt;</span>", html)


class StartTests(SimpleTestCase):
    """admin.local_days."""

    def test_time_zone(self) -> None:
        """A day begins at midnight in the current time zone."""
        with timezone.override("Asia/Kathmandu"):
            start = start_of(date(2026, 3, 1))

        self.assertEqual(start, datetime(2026, 2, 28, 18, 15, tzinfo=UTC))
