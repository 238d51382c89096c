"""The usage page: its chart and its tables, and who may see it."""

from __future__ import annotations

import re
from html import unescape
from itertools import product
from typing import Any
from xml.etree import ElementTree

from django.contrib.auth.models import Permission, User
from django.test import TestCase, override_settings
from django.urls import reverse
from django.utils import translation

from agent_sessions.admin.usage_page.tables import quantity
from agent_sessions.models import Session
from tests.admin.usage_page.usage_rows import PRICES, call, days_ago, now, output, store, unknown
from tests.statements import statements

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
    """The page that a superuser sees."""

    superuser: User

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
        """Return the text of the page, without tags."""
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", self.page(**query))).split())

    def picture(self, **query: Any) -> ElementTree.Element:
        return ElementTree.fromstring(PICTURE.findall(self.page(**query))[0])

    def test_nothing(self) -> None:
        """A page without usage says so, and has no chart and no table."""
        page = self.page()

        self.assertIn("Nothing was recorded in this period.", page)
        self.assertNotIn("<table", page.split('id="content"')[1])
        self.assertEqual(PICTURE.findall(page), [])

    def test_numbers(self) -> None:
        """Tables contain the numbers of the period, of agents, models and days."""
        store([now(), now("two"), now("two", agent_name="Desk", model="large", total_tokens=5_000)])

        page = self.shown()

        self.assertIn("Desk 1 1 1 100 10 20 5 5,000", page)
        self.assertIn("Bot 2 2 2 200 20 40 10 240", page)
        self.assertIn("large 1 1 1 100 10 20 5 5,000", page)
        self.assertIn("Total 2 3 3 300 30 60 15 5,240", page)

    def test_picture(self) -> None:
        """The chart is an image with a title, a description, and a bar for each day and agent."""
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
        """The chart shows tokens, sessions or, if there are prices, costs."""
        store([now(), now(agent_name="Desk"), now("two")])

        self.assertIn("2 sessions in total", self.shown(measure="sessions"))
        self.assertNotIn("Cost", self.shown(measure="cost"))
        with override_settings(AGENT_SESSIONS_PRICES=PRICES):
            page = self.shown(measure="cost", by="model")
        self.assertIn("Cost by model", page)
        self.assertIn("cost 0.0003 in total", page)  # of 0.000393

    def test_unknown_tokens(self) -> None:
        """Unknown is never shown as 0: incomplete sums are marked, and others are "unknown"."""
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
        self.assertIn("the tokens of some steps are unknown", page)
        self.assertEqual(self.page().count('class="usage-mark"'), 2)
        self.assertIn("120 tokens, without 1 unknown step", page)

    def test_nothing_known(self) -> None:
        """If all numbers are unknown, there are tables and no chart."""
        store([unknown(created_at=days_ago(0))])

        page = self.shown()

        self.assertIn("There is no chart", page)
        self.assertIn("Bot 1 1 (1 unknown)", page)

    def test_unpriced(self) -> None:
        """A model without a price has no cost, and the total is marked as incomplete."""
        store([now(input_tokens=9_000_000), now(model="large")])

        with override_settings(AGENT_SESSIONS_PRICES=PRICES):
            page = self.shown(by="model")

        self.assertIn("120 unknown", page)
        self.assertIn("≥ 9.00", page)
        self.assertIn("the cost of some steps is unknown", page)

    def test_names(self) -> None:
        """Names of agents and models are escaped."""
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
        """An agent without a name is told apart from one that is called "unknown"."""
        store([now(agent_name=""), now(agent_name="unknown"), now(agent_name="all others")])

        page = self.page()

        self.assertIn('<th scope="row"><em>unknown</em></th>', page)
        self.assertIn('<th scope="row"><bdi>unknown</bdi></th>', page)

    def test_many_names(self) -> None:
        """A page with thousands of agents stays small."""
        store(
            now(f"s{at}", agent_name=f"agent {at}", created_at=days_ago(at % 90))
            for at in range(5_000)
        )

        page = self.page(period="90d")

        self.assertLess(len(page), 600_000)
        self.assertIn("<em>all others</em>", page)
        self.assertLess(page.count("<tr"), 90 * 8 + 60)

    def test_bad_parameters(self) -> None:
        """Invalid choices in the address are replaced by the defaults."""
        store([now()])
        default = self.page()

        for name, value in product(
            ("period", "by", "measure"), ("", "x", "cost", "-1", "\x00", "7D")
        ):
            self.assertEqual(hide_tokens(self.page(**{name: value})), hide_tokens(default))

    def test_links(self) -> None:
        """Links change one choice and keep the others; the current choice is marked."""
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
        """Tables have captions, and their headings have a scope."""
        store([now()])

        tables = re.findall(r"<table>.*?</table>", self.page().split('id="content"')[1], re.S)

        self.assertEqual(len(tables), 3)
        for table in tables:
            self.assertIn("<caption>", table)
            self.assertEqual(table.count("<th "), table.count("<th scope="))

    def test_statements(self) -> None:
        """The number of statements does not depend on the number of agents and days."""
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
        """Owners have the names by which they log in; sessions without one share a row."""
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
        """Calls are counted by tool and kind, even if no usage is recorded."""
        Session.objects.append("one", [call("find"), call("find"), {"type": "web_search_call"}])
        Session.objects.append("two", [call("find"), output()])

        page = self.shown()

        self.assertIn("find Function call 3 2", page)
        self.assertIn("web_search Web search call 1 1", page)
        store([now()])
        self.assertIn("find Function call 3 2", self.shown(period="12m"))

    def test_other_language(self) -> None:
        """Coordinates have no comma in a language that writes decimals with one."""
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
        """The page sends the content security policy and has no inline script or style."""
        store([now()])

        response = self.client.get(PAGE)
        content = response.content.decode().split('id="content"')[1].split("</main>")[0]

        self.assertIn("default-src 'none'", response.headers["Content-Security-Policy"])
        for forbidden in ("<script", "<style", " style=", " onclick", "javascript:"):
            self.assertNotIn(forbidden, content)


@override_settings(ROOT_URLCONF="tests.admin_urls")
class PermissionTests(TestCase):
    """Who may see the page, and whose numbers are on it."""

    def test_who_may_see_it(self) -> None:
        """The permission to view sessions is required, and is enough."""
        user = User.objects.create_user("staff", is_staff=True)
        self.client.force_login(user)
        self.assertEqual(self.client.get(PAGE).status_code, 403)

        user.user_permissions.add(VIEW.get())

        self.assertEqual(self.client.get(PAGE).status_code, 200)
        self.client.logout()
        self.assertEqual(self.client.get(PAGE).status_code, 302)

    @override_settings(ROOT_URLCONF="tests.admin.tenant_urls")
    def test_tenants(self) -> None:
        """If get_queryset() leaves sessions out, their usage is left out too."""
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


def hide_tokens(page: str) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page)
