"""admin.exports, admin.web_page: what is taken along, by whom, and that it is harmless."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import quote
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.test import TestCase, TransactionTestCase, override_settings
from django.urls import reverse

from agent_sessions import DjangoSession, Message, Session
from agent_sessions.admin.exports import FORMATS
from agent_sessions.signals import content_viewed
from agent_sessions.steps import Step, Tokens
from agent_sessions.transfer import imported
from tests.contract import CALL, LONE_SURROGATES, OUTPUT, STRANGE_ITEMS, TURN, USER, numbered
from tests.samples import SAMPLES
from tests.statements import statements

User = get_user_model()
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def export_url(session_id: str, file_format: str) -> str:
    args = [quote(session_id), file_format]
    return reverse("admin:agent_sessions_session_export", args=args, urlconf="tests.admin_urls")


def picture(url: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "input_image", "image_url": url}]}


@override_settings(ROOT_URLCONF="tests.admin_urls")
class Exporting(TestCase):
    """Tests of a superuser."""

    @classmethod
    def setUpTestData(cls) -> None:
        cls.superuser = User.objects.create_superuser("root")

    def setUp(self) -> None:
        self.client.force_login(self.superuser)

    def export(self, session_id: str, file_format: str) -> Any:
        response = self.client.get(export_url(session_id, file_format))
        self.assertEqual(response.status_code, 200)
        return response

    def text(self, session_id: str, file_format: str) -> str:
        return self.export(session_id, file_format).getvalue().decode()


class ExportTests(Exporting):
    """What a browser is sent, and what is noted of it."""

    def test_every_format(self) -> None:
        """A file of its type is sent to be saved, and no browser takes it for a page of ours."""
        Session.objects.append("Jazz tonight", TURN)

        for name, kind in FORMATS.items():
            response = self.export("Jazz tonight", name)
            self.assertIn("None tonight.", response.getvalue().decode(), name)
            self.assertEqual(response["Content-Type"], kind.content_type)
            self.assertEqual(
                response["Content-Disposition"],
                f'attachment; filename="jazz-tonight.{kind.suffix}"',
            )
            self.assertEqual(response["X-Content-Type-Options"], "nosniff")
            self.assertIn("sandbox", response["Content-Security-Policy"])

    def test_names_of_files(self) -> None:
        """Whatever an id holds, the name of its file is letters, digits and hyphens."""
        for session_id in ('"; filename=evil.exe\r\nX-Evil: 1', "../../etc", "日本", "x" * 255):
            Session.objects.append(session_id, TURN)
            response = self.export(session_id, "jsonl")
            name = 'attachment; filename="[a-z0-9-]{1,60}.jsonl"'
            self.assertRegex(response["Content-Disposition"], f"^{name}$")
            self.assertNotIn("X-Evil", response.headers)

    def test_what_is_not_there(self) -> None:
        """Neither an unknown format nor an unknown session is found."""
        Session.objects.append("one", TURN)

        for session_id, name in (("one", "pdf"), ("unknown", "json"), ("nul\x00", "json")):
            self.assertEqual(self.client.get(export_url(session_id, name)).status_code, 404)

    def test_noted(self) -> None:
        """Who takes a session along is in the log under its id, and told to who listens."""
        heard = []

        def hear(session_id: str, user: Any, view: str, **facts: Any) -> None:
            heard.append((session_id, user, view))

        content_viewed.connect(hear)
        self.addCleanup(content_viewed.disconnect, hear)
        Session.objects.append("one", TURN)
        Session.objects.update(title="Secret")

        self.export("one", "json")

        entry = LogEntry.objects.get()
        self.assertEqual((entry.object_repr, entry.change_message), ("one", "Exported: json."))
        self.assertEqual((entry.user, entry.object_id), (self.superuser, "one"))
        self.assertEqual(heard, [("one", self.superuser, "export json")])

    def test_import_again(self) -> None:
        """Lines that the admin sends are imported as they were."""
        Session.objects.append("one", [*TURN, *STRANGE_ITEMS, *LONE_SURROGATES])

        lines = self.text("one", "jsonl").split("\n")
        Session.objects.append("two", imported(lines))

        self.assertEqual(Session.objects.items("two"), Session.objects.items("one"))

    def test_statements(self) -> None:
        """What is asked beside the messages does not grow with the session."""
        ContentType.objects.get_for_model(Session)  # Django keeps it from then on
        counts = []
        for session_id, length in (("short", 2), ("long", 90)):
            Session.objects.append(session_id, numbered(length))
            with statements() as sent:
                for name in FORMATS:
                    self.text(session_id, name)
            counts.append(len(sent))

        self.assertEqual(counts[0], counts[1])

    def test_every_item_in_every_format(self) -> None:
        """No item, however strange or damaged, keeps a session from being exported."""
        Session.objects.append("one", [sample.item for sample in SAMPLES.values()])
        Session.objects.append("one", [*STRANGE_ITEMS, *LONE_SURROGATES])
        Message.objects.create(session_id="one", message_data="not JSON")
        Message.objects.create(session_id="one", message_data="")

        for name in FORMATS:
            self.assertTrue(self.text("one", name))


class WebPageTests(Exporting):
    """The page in one file."""

    @override_settings(AGENT_SESSIONS_ADMIN_PAGE_SIZE=2)
    def test_whole_conversation(self) -> None:
        """All turns are on the page, once, in order, with what they cost and who spoke."""
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

    def test_empty_session(self) -> None:
        """A session without messages is a page as well."""
        Session.objects.create(session_id="one")

        self.assertIn("<title>one</title>", self.text("one", "html"))

    def test_handoffs_and_images(self) -> None:
        """A handoff is a line; a picture that holds nothing else stands in the page."""
        handoff = OUTPUT | {"output": '{"assistant": "Bookings"}'}
        Session.objects.append(
            "one", [USER, CALL, handoff, picture(f"data:image/svg+xml;base64,{PIXEL}")]
        )

        text = self.text("one", "html")

        self.assertIn("→ Bookings", text)
        self.assertEqual(re.findall('src="([^"]*)"', text), [f"data:image/png;base64,{PIXEL}"])

    def test_no_other_images(self) -> None:
        """Images from elsewhere, and data that is none or may hold a script, are only named."""
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
        """The hash in the policy is that of the page's style, and nothing else is allowed."""
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
        """Nothing that anybody wrote becomes an element, an attribute or an address to load."""
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
        """The page says which language its words are in, and in which direction it is read."""
        Session.objects.append("one", TURN)

        self.assertIn('<html lang="ar" dir="rtl">', self.text("one", "html"))


class _Elements(HTMLParser):
    """Collects what a browser would find in a page."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.loaded += [f"{tag} {value}" for name, value in attrs if name in ("src", "srcset")]


@override_settings(ROOT_URLCONF="tests.admin_urls")
class AsyncTests(TransactionTestCase):
    """Under ASGI."""

    async def test_in_pieces(self) -> None:
        """A session is read while it is sent, and never held as a whole."""
        user = await User.objects.acreate_superuser("root")
        await self.async_client.aforce_login(user)
        await DjangoSession("one").add_items(numbered(250))

        response = await self.async_client.get(export_url("one", "jsonl"))
        pieces = [piece async for piece in response.streaming_content]

        self.assertEqual(len(pieces), 3)
        lines = b"".join(pieces).splitlines()
        self.assertEqual([json.loads(line) for line in lines], numbered(250))
