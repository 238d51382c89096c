"""usage_page: what was used, as a picture, tables and a file."""

from __future__ import annotations

import csv
import re
import sys
import unicodedata
from datetime import timedelta
from decimal import Decimal
from html import unescape
from io import StringIO
from itertools import product
from typing import Any
from xml.etree import ElementTree

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import SimpleTestCase, TestCase, override_settings
from django.urls import reverse
from django.utils import timezone, translation

from agent_sessions.admin.usage_page.csv_export import safe
from agent_sessions.admin.usage_page.numbers import LISTED
from agent_sessions.admin.usage_page.tables import quantity
from agent_sessions.models import Session, Usage
from tests.admin.usage_page.test_numbers import PRICES, step, store, unknown
from tests.statements import statements

User = get_user_model()
VIEW = Permission.objects.filter(content_type__app_label="agent_sessions", codename="view_session")
PAGE = reverse("admin:agent_sessions_session_usage", urlconf="tests.admin_urls")
PICTURE = re.compile(r'<svg [^>]*role="img".*?</svg>', re.S)
HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><svg onload=alert(1)>",
    "</title></svg><img src=x>",
    "{{ 7|add:7 }}{% now 'Y' %}",
    "=HYPERLINK(1)",
    "right\u202eleft",
    "x" * 255,
]


@override_settings(ROOT_URLCONF="tests.admin_urls")
class PageTests(TestCase):
    """What a superuser sees."""

    @classmethod
    def setUpTestData(cls) -> None:
        cls.superuser = User.objects.create_superuser("root")

    def setUp(self) -> None:
        self.client.force_login(self.superuser)

    def page(self, **query: Any) -> str:
        response = self.client.get(PAGE, query)
        self.assertEqual(response.status_code, 200)
        return response.content.decode()

    def shown(self, **query: Any) -> str:
        """Return the words of the page, without tags."""
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", self.page(**query))).split())

    def picture(self, **query: Any) -> ElementTree.Element:
        return ElementTree.fromstring(PICTURE.findall(self.page(**query))[0])

    def test_nothing(self) -> None:
        """Where nothing was recorded a sentence says so, and there is no picture or table."""
        page = self.page()

        self.assertIn("Nothing was recorded in this period.", page)
        self.assertNotIn("<table", page.split('id="content"')[1])
        self.assertEqual(PICTURE.findall(page), [])

    def test_numbers(self) -> None:
        """Tables hold the numbers of the period, of agents, models and days."""
        store([now(), now("two"), now("two", agent_name="Desk", model="large", total_tokens=5_000)])

        page = self.shown()

        self.assertIn("Desk 1 1 1 100 10 20 5 5,000", page)
        self.assertIn("Bot 2 2 2 200 20 40 10 240", page)
        self.assertIn("large 1 1 1 100 10 20 5 5,000", page)
        self.assertIn("Total 2 3 3 300 30 60 15 5,240", page)

    def test_picture(self) -> None:
        """The picture is an image with a title, a text, and a bar for each day and agent."""
        store([now(), now(agent_name="Desk"), now(created_at=days_ago(3))])

        picture = self.picture()

        self.assertEqual(picture.get("role"), "img")
        named = [
            picture.find(f".//*[@id='{name}']")
            for name in picture.attrib["aria-labelledby"].split()
        ]
        self.assertEqual(
            [element.tag for element in named if element is not None], ["title", "desc"]
        )
        pieces = picture.findall(".//rect[@class='usage-piece']")
        self.assertEqual(len(pieces), 3)
        titles = [piece.findtext("title") or "" for piece in pieces]
        self.assertIn("Bot: 120 tokens", titles[0])
        self.assertEqual(len(picture.findall(".//g[@class='usage-bar']")), 30)

    def test_measures(self) -> None:
        """The picture shows tokens, sessions or, where there are prices, costs."""
        store([now(), now(agent_name="Desk"), now("two")])

        self.assertIn("2 sessions in all", self.shown(measure="sessions"))
        self.assertNotIn("Cost", self.shown(measure="cost"))
        with override_settings(AGENT_SESSIONS_PRICES=PRICES):
            page = self.shown(measure="cost", by="model")
        self.assertIn("Cost by model", page)
        self.assertIn("cost 0.0003 in all", page)  # of 0.000393

    def test_unknown_tokens(self) -> None:
        """What is not known is not 0: sums are marked, and what has none says so."""
        store(
            [
                now(),
                unknown(created_at=days_ago(0)),
                unknown(agent_name="?", created_at=days_ago(1)),
            ]
        )

        with override_settings(AGENT_SESSIONS_PRICES=PRICES):
            page = self.shown()

        self.assertIn("? 1 1 (1 unknown) ≥ 1 unknown unknown unknown unknown unknown unknown", page)
        self.assertIn("Bot 1 2 (1 unknown) ≥ 2 ≥ 100 ≥ 10 ≥ 20 ≥ 5 ≥ 120 ≥ 0.0001", page)
        self.assertIn("the tokens of some steps are not known", page)
        self.assertEqual(self.page().count('class="usage-mark"'), 2)
        self.assertIn("120 tokens, without 1 unknown", page)

    def test_nothing_known(self) -> None:
        """Where none of the numbers is known there are tables, and no picture."""
        store([unknown(created_at=days_ago(0))])

        page = self.shown()

        self.assertIn("Nothing is drawn", page)
        self.assertIn("Bot 1 1 (1 unknown)", page)

    def test_unpriced(self) -> None:
        """A model without a price has no cost, and the sum says that it is not all."""
        store([now(input_tokens=9_000_000), now(model="large")])

        with override_settings(AGENT_SESSIONS_PRICES=PRICES):
            page = self.shown(by="model")

        self.assertIn("120 unknown", page)
        self.assertIn("≥ 9.00", page)
        self.assertIn("some steps have no cost", page)

    def test_names(self) -> None:
        """Whatever agents and models are called is text to the browser."""
        store(now(agent_name=name, model=name) for name in HOSTILE)

        for by, measure in product(("agent", "model"), ("tokens", "sessions")):
            page = self.page(by=by, measure=measure)

            for name in HOSTILE[:3]:
                self.assertNotIn(name, page)
            self.assertIn("&lt;script&gt;alert(1)&lt;/script&gt;", page)
            self.assertIn("right⟨U+202E⟩left", page)
            self.assertIn("{% now &#x27;Y&#x27; %}", page)
            self.assertNotIn("style=", page.split('id="content"')[1])
            self.picture(by=by, measure=measure)  # is XML

    def test_nameless(self) -> None:
        """An agent or a model without a name is unknown, and not the one of that name."""
        store([now(agent_name=""), now(agent_name="unknown"), now(agent_name="all others")])

        page = self.page()

        self.assertIn('<th scope="row"><em>unknown</em></th>', page)
        self.assertIn('<th scope="row"><bdi>unknown</bdi></th>', page)

    def test_many_names(self) -> None:
        """Thousands of agents make no huge page."""
        store(
            now(f"s{at}", agent_name=f"agent {at}", created_at=days_ago(at % 90))
            for at in range(5_000)
        )

        page = self.page(period="90d")

        self.assertLess(len(page), 600_000)
        self.assertIn("<em>all others</em>", page)
        self.assertLess(page.count("<tr"), 90 * 8 + 60)

    def test_bad_parameters(self) -> None:
        """What an address says wrongly is as it is by default."""
        store([now()])
        default = self.page()

        for name, value in product(
            ("period", "by", "measure"), ("", "x", "cost", "-1", "\x00", "7D")
        ):
            self.assertEqual(hide_tokens(self.page(**{name: value})), hide_tokens(default))

    def test_links(self) -> None:
        """Links change one choice and keep the others; the one that is made is marked."""
        page = unescape(self.page(period="90d", by="model", measure="sessions"))

        for link in (
            '?period=7d&by=model&measure=sessions">7 days',
            '?period=90d&by=agent&measure=sessions">By agent',
            '?period=90d&by=model&measure=tokens">Tokens',
            '?period=90d&by=model&measure=sessions" aria-current="page">90 days',
        ):
            self.assertIn(link, page)
        self.assertIn(f'href="{reverse("admin:agent_sessions_session_changelist")}"', page)

    def test_tables(self) -> None:
        """Tables have captions, and their headings say what they head."""
        store([now()])

        tables = re.findall(r"<table>.*?</table>", self.page().split('id="content"')[1], re.S)

        self.assertEqual(len(tables), 3)
        for table in tables:
            self.assertIn("<caption>", table)
            self.assertEqual(table.count("<th "), table.count("<th scope="))

    def test_statements(self) -> None:
        """The page asks as often for many agents and days as for one."""
        self.page()  # reads what Django keeps for all pages
        counts = []
        for number in (1, 500):
            store(
                now(f"s{at}", agent_name=f"a{at}", created_at=days_ago(at % 60))
                for at in range(number)
            )
            with statements() as sent:
                self.page(period="90d")
            counts.append(len(sent))

        self.assertEqual(counts[0], counts[1])

    def test_users(self) -> None:
        """Owners are named as they log in; what nobody owns is together."""
        Session.objects.create(
            session_id="hers", user=User.objects.create(username="anne\u202elies")
        )
        store([now("hers", total_tokens=500), now("gone")])

        page = self.shown(by="user")

        self.assertIn("Tokens by user", page)
        self.assertIn("anne⟨U+202E⟩lies 1 1 1 100 10 20 5 500", page)
        self.assertIn("without an owner 1 1 1 100 10 20 5 120", page)
        self.assertIn("anne⟨U+202E⟩lies: 500 tokens", self.page(by="user"))

    def test_tools(self) -> None:
        """Calls are counted by tool and kind, with their sessions, even where no cost is known."""
        Session.objects.append("one", [call("find"), call("find"), {"type": "web_search_call"}])
        Session.objects.append("two", [call("find"), output()])

        page = self.shown()

        self.assertIn("find Function call 3 2", page)
        self.assertIn("web_search Web search call 1 1", page)
        store([now()])
        self.assertIn("find Function call 3 2", self.shown(period="12m"))

    def test_other_language(self) -> None:
        """Coordinates have no comma in a language that writes numbers with one."""
        store([now(total_tokens=1_234_567)])

        with translation.override("de"):
            response = self.client.get(PAGE, headers={"accept-language": "de"})
            text = quantity("tokens", 1_234_567)

        self.assertIn("1.234.567", text)
        for value in re.findall(
            r' (?:x|y|x1|y1|width|height)="([^"]*)"', response.content.decode()
        ):
            self.assertRegex(value, r"^-?[\d.]+(rem)?$")

    def test_policy(self) -> None:
        """The page keeps to the policy of all pages here: no script and no style of its own."""
        store([now()])

        response = self.client.get(PAGE)
        content = response.content.decode().split('id="content"')[1].split("</main>")[0]

        self.assertIn("default-src 'none'", response.headers["Content-Security-Policy"])
        for forbidden in ("<script", "<style", " style=", " onclick", "javascript:"):
            self.assertNotIn(forbidden, content)


@override_settings(ROOT_URLCONF="tests.admin_urls", AGENT_SESSIONS_PRICES=PRICES)
class FileTests(TestCase):
    """The numbers as CSV."""

    def setUp(self) -> None:
        self.client.force_login(User.objects.create_superuser("root"))

    def lines(self, **query: Any) -> list[dict[str, str]]:
        response = self.client.get(PAGE, {"format": "csv", **query})
        self.assertEqual(response.headers["Content-Type"], "text/csv; charset=utf-8")
        self.assertIn("attachment", response.headers["Content-Disposition"])
        return list(csv.DictReader(StringIO(response.content.decode())))

    def test_numbers(self) -> None:
        """Each day and agent has a line, with what is unknown left empty."""
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
        """Of a year there is a line for each month and model; without prices there is no cost."""
        store([now()])

        with override_settings(AGENT_SESSIONS_PRICES={}):
            (line,) = self.lines(period="12m", by="model")

        self.assertEqual(line["month"], str(timezone.localdate().replace(day=1)))
        self.assertEqual(line["model"], "small")
        self.assertNotIn("cost", line)

    @override_settings(AGENT_SESSIONS_CURRENCY="EUR")
    def test_currency(self) -> None:
        """The currency of costs has a column, so that costs stay numbers."""
        store([now()])

        (line,) = self.lines()

        self.assertEqual(line["currency"], "EUR")
        self.assertEqual(Decimal(line["cost"]), Decimal("0.000131"))

    def test_users(self) -> None:
        """Lines are those of owners, by the names by which they log in."""
        Session.objects.create(session_id="hers", user=User.objects.create(username="=annelies"))
        store([now("hers"), now("gone", total_tokens=1)])

        first, second = self.lines(by="user")

        self.assertEqual((first["user"], first["total_tokens"]), ("'=annelies", "120"))
        self.assertEqual((second["user"], second["total_tokens"]), ("without an owner", "1"))

    def test_calls(self) -> None:
        """Calls are in a second file; sessions of all other tools are not added up."""
        items = [call(f"tool {at:02}") for at in range(LISTED + 2)]
        Session.objects.append("one", [*items, *items[:-1], call("=1")])

        first, *_, others = self.lines(format="calls")

        self.assertEqual([*first.values()], ["tool 00", "function_call", "2", "1"])
        self.assertEqual([*others.values()], ["all others", "", "4", ""])

    def test_call_formulas(self) -> None:
        """No tool's name is a formula to a spreadsheet."""
        Session.objects.append("one", [call("=1+1")])

        self.assertEqual([line["tool"] for line in self.lines(format="calls")], ["'=1+1"])

    def test_formulas(self) -> None:
        """No name is a formula to a spreadsheet, and none breaks a line."""
        store(now(agent_name=name) for name in ('=1+1"', "@sum", "a,b\nc"))

        names = {line["agent"] for line in self.lines()}

        self.assertEqual(names, {"'=1+1\"", "'@sum", "a,b\nc"})


class TextTests(SimpleTestCase):
    """Numbers and names as they are written."""

    def test_safe(self) -> None:
        """What begins as a formula gets a quote before it; anything else is as it was."""
        for first in "=+-@\t\r\n":
            self.assertEqual(safe(f"{first}1"), f"'{first}1")
        for harmless in ("a=1", "", " ", "Clerk", "a - b", "a;b"):
            self.assertEqual(safe(harmless), harmless)

    def test_safe_behind_what_is_not_seen(self) -> None:
        """Neither space of any kind nor another width hides the beginning of a formula."""
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

    def test_every_space_there_is(self) -> None:
        """Whatever Unicode counts as space, as a control or as a format is not seen."""
        categories = ("Zs", "Zl", "Zp", "Cc")
        for code in range(sys.maxunicode):
            if unicodedata.category(character := chr(code)) in categories or character.isspace():
                self.assertEqual(safe(f"{character}=1")[0], "'", hex(code))


@override_settings(ROOT_URLCONF="tests.admin_urls")
class PermissionTests(TestCase):
    """Who sees the page, and what of it."""

    def test_who_may_see_it(self) -> None:
        """It takes the permission to view sessions, and no other."""
        user = User.objects.create_user("staff", is_staff=True)
        self.client.force_login(user)
        self.assertEqual(self.client.get(PAGE).status_code, 403)

        user.user_permissions.add(VIEW.get())

        self.assertEqual(self.client.get(PAGE).status_code, 200)
        self.client.logout()
        self.assertEqual(self.client.get(PAGE).status_code, 302)

    @override_settings(ROOT_URLCONF="tests.admin.tenant_urls")
    def test_tenants(self) -> None:
        """On another site, whose admin shows some sessions, there is their usage alone."""
        user = User.objects.create_superuser("support")
        another = User.objects.create_user("secretary")
        for name, owner in (("mine", user), ("another's", another)):
            Session.objects.create(session_id=name, user=owner)
        Session.objects.append("another's", [call("secret_tool")])
        Session.objects.append("mine", [call("find")])
        store([now("mine"), now("another's", agent_name="Secret"), now("gone", model="secret")])
        self.client.force_login(user)

        page = self.client.get(reverse("support:agent_sessions_session_usage")).content.decode()

        users = self.client.get(reverse("support:agent_sessions_session_usage"), {"by": "user"})
        page += users.content.decode()

        for name in ("Bot", "support", "find"):
            self.assertIn(f"<bdi>{name}</bdi>", page)
        self.assertNotIn("ecret", page)
        self.assertIn(f'href="{reverse("support:agent_sessions_session_changelist")}"', page)


def call(name: str) -> dict[str, str]:
    return {"type": "function_call", "name": name, "call_id": "1", "arguments": "{}"}


def output() -> dict[str, str]:
    return {"type": "shell_call_output", "call_id": "1", "output": "done"}


def days_ago(number: int) -> Any:
    """Return noon of a day, or for today a moment that is over."""
    noon = timezone.localtime().replace(hour=12) - timedelta(days=number)
    return noon if number else timezone.now()


def now(session_id: str = "one", **values: Any) -> Usage:
    return step(session_id, **{"created_at": timezone.now(), **values})


def hide_tokens(page: str) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page)
