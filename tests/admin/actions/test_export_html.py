"""admin.actions.export_html: a session as a web page in one file."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any
from unittest import mock

from django.contrib.auth.models import User
from django.test import override_settings

from agent_sessions import Message, Session
from agent_sessions.admin.actions import export_html
from agent_sessions.usage.steps import Step, Tokens
from tests.admin.actions.exporting import ExportTestCase
from tests.contract import CALL, OUTPUT, TURN, USER, numbered

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def picture(url: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "input_image", "image_url": url}]}


class WebPageTests(ExportTestCase):
    """web_page()."""

    @override_settings(AGENT_SESSIONS_ADMIN_PAGE_SIZE=2)
    def test_whole_conversation(self) -> None:
        """The page has all turns once, in order, with agents and usage."""
        owner = User.objects.create_user("annelies")
        step = Step("Calendar Club", tokens=Tokens(1, 10, 0, 5, 0, 1_015))
        Session.objects.append("parent", TURN, user=owner, step=step)
        Session.objects.fork("parent", "one")
        for number in range(3):
            item = {"role": "user", "content": f"question {number}"}
            Session.objects.append("one", [item, *TURN[1:]], step=step)
        Session.objects.filter(pk="one").update(title="Jazz")

        text = self.text("one", "html")

        self.assertEqual(
            re.findall(r"question \d</p>", text), [f"question {n}</p>" for n in range(3)]
        )
        self.assertEqual(re.findall("<h2>Turn ([0-9])", text), ["1", "2", "3", "4"])
        for shown in (
            "<title>Jazz</title>",
            "annelies",
            "parent",
            "search_events",
            "Calendar Club",
        ):
            self.assertIn(shown, text)
        self.assertEqual(text.count("None tonight."), 4)
        self.assertIn("1,015", text.replace("\xa0", ","))
        self.assertTrue(text.endswith("</html>\n"))

    @override_settings(AGENT_SESSIONS_ADMIN_PAGE_SIZE=2)
    def test_longest_page(self) -> None:
        """A page ends after MOST_MESSAGES, and says so if there are more."""
        Session.objects.append("one", numbered(9))
        Session.objects.append("two", numbered(6))

        with mock.patch.object(export_html, "MOST_MESSAGES", 6):
            cut, whole = self.text("one", "html"), self.text("two", "html")

        self.assertEqual([f"item {n}</p>" in cut for n in (0, 5, 6, 8)], [True, True, False, False])
        self.assertIn("This page ends after 6 messages.", cut)
        self.assertNotIn("This page ends after", whole)
        self.assertTrue(cut.endswith("</html>\n"))

    @override_settings(AGENT_SESSIONS_ADMIN_PAGE_SIZE=2)
    def test_messages_that_go_meanwhile(self) -> None:
        """The page ends properly if its last messages are deleted while it is written."""
        Session.objects.append("one", numbered(6))
        written = export_html.web_page(Session.objects.get())
        begun = [next(written), next(written), next(written)]
        newest = Message.objects.order_by("-pk").values_list("pk", flat=True)
        Message.objects.filter(pk__in=[*newest[:4]]).delete()

        text = "".join([*begun, *written])

        self.assertEqual(text.count("<article>"), 2)
        self.assertTrue(text.endswith("</html>\n"))
        self.assertNotIn("This page ends after", text)

    def test_empty_session(self) -> None:
        """A session without messages can be exported."""
        Session.objects.create(session_id="one")

        self.assertIn("<title>one</title>", self.text("one", "html"))

    def test_handoffs_and_images(self) -> None:
        """A handoff is one line; an image is embedded."""
        handoff = OUTPUT | {"output": '{"assistant": "Bookings"}'}
        Session.objects.append(
            "one", [USER, CALL, handoff, picture(f"data:image/svg+xml;base64,{PIXEL}")]
        )

        text = self.text("one", "html")

        self.assertIn("→ Bookings", text)
        self.assertEqual(re.findall('src="([^"]*)"', text), [f"data:image/png;base64,{PIXEL}"])

    def test_no_other_images(self) -> None:
        """External images, SVG and data that is not an image are only named."""
        svg = b64encode(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>").decode()
        urls = [
            "https://evil.example/x.png",
            f"data:image/svg+xml;base64,{svg}",
            f"data:image/png;base64,{svg}",
            "data:text/html,<script>alert(1)</script>",
            "javascript:alert(1)",
            "data:image/png;base64,!",
        ]
        Session.objects.append("one", map(picture, urls))

        self.assertNotIn("src=", self.text("one", "html"))

    def test_policy_allows_the_style_alone(self) -> None:
        """The policy allows the page's style sheet by its hash, and nothing else."""
        Session.objects.append("one", TURN)

        text = self.text("one", "html")

        (style,) = re.findall("<style>(.*?)</style>", text, re.DOTALL)
        digest = b64encode(sha256(style.encode()).digest()).decode()
        (policy,) = re.findall('http-equiv="Content-Security-Policy" content="([^"]*)"', text)
        self.assertEqual(
            policy.replace("&#x27;", "'").split("; "),
            [
                "default-src 'none'",
                f"style-src 'sha256-{digest}'",
                "img-src data:",
                "base-uri 'none'",
                "form-action 'none'",
            ],
        )
        self.assertLess(text.index("http-equiv"), text.index("<style>"))

    def test_everything_is_escaped(self) -> None:
        """No text of a session becomes an element, an attribute or an address to load."""
        evil = "\"'></title></style><script>alert(1)</script><img src=x onerror=alert(1)>\u202e"
        items = [
            {"role": "user", "content": evil},
            {
                "role": "assistant",
                "content": [{"type": "output_text", "text": f"![x](https://e.example/{evil})"}],
            },
            CALL | {"name": evil, "arguments": evil},
            OUTPUT | {"output": evil},
            {"type": evil, "role": evil, "name": evil},
            {"type": "input_file", "filename": evil, "file_url": evil},
        ]
        owner = User.objects.create_user(evil[:100])
        Session.objects.append("one", items, step=Step(evil), user=owner)
        Session.objects.append(evil, items)
        Session.objects.update(title=evil)

        for session_id in ("one", evil):
            found = _Elements()
            found.feed(self.text(session_id, "html"))
            self.assertEqual(found.loaded, [])
            self.assertEqual({name for name in found.attributes if name.startswith("on")}, set())
            self.assertLessEqual(
                found.names & {"script", "iframe", "link", "object", "form"}, set()
            )
            self.assertNotIn("style", found.attributes)

    @override_settings(LANGUAGE_CODE="ar")
    def test_other_languages(self) -> None:
        """The page declares its language and its direction."""
        Session.objects.append("one", TURN)

        self.assertIn('<html lang="ar" dir="rtl">', self.text("one", "html"))


class _Elements(HTMLParser):
    """Collects the elements, attributes and loaded addresses of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.loaded += [f"{tag} {value}" for name, value in attrs if name in ("src", "srcset")]
