"""The CSV files of the usage page."""

from __future__ import annotations

import csv
import sys
import unicodedata
from decimal import Decimal
from io import StringIO

from django.contrib.auth.models import User
from django.test import SimpleTestCase, TestCase, override_settings
from django.urls import reverse
from django.utils import timezone

from agent_sessions.admin.usage_page.csv_export import safe
from agent_sessions.admin.usage_page.report import LISTED
from agent_sessions.models import Session
from tests.admin.usage_page.usage_rows import PRICES, call, days_ago, now, store, unknown

PAGE = reverse("admin:agent_sessions_session_usage", urlconf="tests.admin_urls")


@override_settings(ROOT_URLCONF="tests.admin_urls", AGENT_SESSIONS_PRICES=PRICES)
class FileTests(TestCase):
    """The CSV files."""

    def setUp(self) -> None:
        self.client.force_login(User.objects.create_superuser("root"))

    def lines(self, **query: str) -> list[dict[str, str]]:
        response = self.client.get(PAGE, {"format": "csv", **query})
        self.assertEqual(response.headers["Content-Type"], "text/csv; charset=utf-8")
        self.assertIn("attachment", response.headers["Content-Disposition"])
        return list(csv.DictReader(StringIO(response.content.decode())))

    def test_numbers(self) -> None:
        """Each day and agent has a line, in which unknown values are empty."""
        store([now(), now("two"), unknown(agent_name="Desk", created_at=days_ago(1))])

        yesterday, today = self.lines()

        day = str(timezone.localdate())
        self.assertEqual((today["day"], today["agent"], today["sessions"]), (day, "Bot", "2"))
        self.assertEqual((today["total_tokens"], today["unknown_steps"]), ("240", "0"))
        self.assertEqual(Decimal(today["cost"]), Decimal("0.000262"))
        self.assertEqual((yesterday["agent"], yesterday["unknown_steps"]), ("Desk", "1"))
        self.assertEqual((yesterday["total_tokens"], yesterday["cost"]), ("", ""))
        self.assertEqual((yesterday["requests"], yesterday["unpriced_steps"]), ("1", "1"))

    def test_months(self) -> None:
        """A year has a line for each month and model; without prices there is no cost."""
        store([now()])

        with override_settings(AGENT_SESSIONS_PRICES={}):
            (line,) = self.lines(period="12m", by="model")

        self.assertEqual(line["month"], str(timezone.localdate().replace(day=1)))
        self.assertEqual(line["model"], "small")
        self.assertNotIn("cost", line)

    @override_settings(AGENT_SESSIONS_CURRENCY="EUR")
    def test_currency(self) -> None:
        """The currency is a column of its own, so that costs stay numbers."""
        store([now()])

        (line,) = self.lines()

        self.assertEqual(line["currency"], "EUR")
        self.assertEqual(Decimal(line["cost"]), Decimal("0.000131"))

    def test_users(self) -> None:
        """Each owner has a line under the name by which they log in."""
        Session.objects.create(session_id="hers", user=User.objects.create(username="=annelies"))
        store([now("hers"), now("gone", total_tokens=1)])

        first, second = self.lines(by="user")

        self.assertEqual((first["user"], first["total_tokens"]), ("'=annelies", "120"))
        self.assertEqual((second["user"], second["total_tokens"]), ("without an owner", "1"))

    def test_calls(self) -> None:
        """Calls are in a second file; the sessions of all other tools together are unknown."""
        items = [call(f"tool {at:02}") for at in range(LISTED + 2)]
        Session.objects.append("one", [*items, *items[:-1], call("=1")])

        first, *_, others = self.lines(format="calls")

        self.assertEqual([*first.values()], ["tool 00", "function_call", "2", "1"])
        self.assertEqual([*others.values()], ["all others", "", "4", ""])

    def test_call_formulas(self) -> None:
        """No name of a tool is a formula for a spreadsheet."""
        Session.objects.append("one", [call("=1+1")])

        self.assertEqual([line["tool"] for line in self.lines(format="calls")], ["'=1+1"])

    def test_formulas(self) -> None:
        """No name is a formula for a spreadsheet, and a line break stays inside its cell."""
        store(now(agent_name=name) for name in ('=1+1"', "@sum", "a,b\nc"))

        names = {line["agent"] for line in self.lines()}

        self.assertEqual(names, {"'=1+1\"", "'@sum", "a,b\nc"})


class SafeTests(SimpleTestCase):
    """safe()."""

    def test_signs(self) -> None:
        """A formula gets a quote before it; any other text stays as it is."""
        for first in "=+-@\t\r\n":
            self.assertEqual(safe(f"{first}1"), f"'{first}1")
        for harmless in ("a=1", "", " ", "Clerk", "a - b", "a;b"):
            self.assertEqual(safe(harmless), harmless)

    def test_invisible_characters(self) -> None:
        """Spaces, invisible characters and full-width signs do not hide a formula."""
        unseen = [
            " ",
            "\xa0",
            "\u2003",
            "\u3000",
            "\ufeff",
            "\u200b",
            "\xad",
            "\x00",
            "\x1b",
            " \t",
        ]
        for before in unseen:
            self.assertEqual(safe(f"{before}=1"), f"'{before}=1", ascii(before))
        for sign in "\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212":
            self.assertEqual(safe(f" {sign}1"), f"' {sign}1")
        self.assertEqual(safe("a; =1;-2"), "a;' =1;'-2")

    def test_every_space(self) -> None:
        """No space or control character of Unicode hides a formula."""
        categories = ("Zs", "Zl", "Zp", "Cc")
        for code in range(sys.maxunicode):
            if unicodedata.category(character := chr(code)) in categories or character.isspace():
                self.assertEqual(safe(f"{character}=1")[0], "'", hex(code))
