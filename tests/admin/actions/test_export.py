"""admin.exports, admin.web_page: what is taken along, by whom, and that it is harmless."""

from __future__ import annotations

import json
import re
import tracemalloc
from base64 import b64encode
from collections.abc import Set
from datetime import UTC, datetime
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any
from unittest import mock

from django.contrib.admin import site
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import quote
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection
from django.http import HttpRequest
from django.test import RequestFactory, TestCase, TransactionTestCase, override_settings
from django.urls import reverse
from django.utils import timezone

from agent_sessions import DjangoSession, Message, Session
from agent_sessions.admin import SessionAdmin
from agent_sessions.admin.actions import export_html
from agent_sessions.admin.actions.export import FORMATS, PIECE_LENGTH, export_several
from agent_sessions.signals import content_viewed
from agent_sessions.transfer import imported
from agent_sessions.usage.steps import Step, Tokens
from tests.contract import CALL, LONE_SURROGATES, OUTPUT, STRANGE_ITEMS, TURN, USER, numbered
from tests.sample_items import SAMPLES
from tests.statements import statements

User = get_user_model()
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def export_url(session_id: str, file_format: str) -> str:
    args = [quote(session_id), file_format]
    return reverse("admin:agent_sessions_session_export", args=args, urlconf="tests.admin_urls")


def gone_away(*args: Any) -> Any:
    raise DatabaseError("gone away")


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


class PiecesTests(Exporting):
    """How a file is sent."""

    def test_first_piece(self) -> None:
        """The first piece is sent at once, before the session is read."""
        Session.objects.append("one", numbered(300))

        for name in FORMATS:
            first, *others = self.export("one", name)
            self.assertLess(len(first), 10_000, name)
            self.assertGreater(len(b"".join(others)), 3 * len(first), name)
            self.assertLess(max(map(len, others)), 2 * PIECE_LENGTH, name)

    def test_memory(self) -> None:
        """Messages of a megabyte each are read one at a time."""
        length = 2**20
        for _ in range(20):
            Session.objects.append("one", [{"role": "user", "content": "x" * length}])

        for name in ("json", "jsonl", "markdown"):
            sent = iter(self.export("one", name))
            tracemalloc.start()
            self.addCleanup(tracemalloc.stop)
            total = sum(map(len, sent))
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            self.assertGreater(total, 20 * length)
            self.assertLess(peak, 12 * length, name)

    def test_error_in_the_middle(self) -> None:
        """An error ends the connection and not the file, and is in the log."""
        Session.objects.append("one", numbered(300))
        sent = iter(self.export("one", "jsonl"))
        next(sent)

        with (
            connection.execute_wrapper(gone_away),
            self.assertLogs("agent_sessions", "ERROR") as log,
            self.assertRaisesMessage(DatabaseError, "gone away"),
        ):
            list(sent)

        self.assertIn("An export broke off.", log.output[0])

    def test_time_zone(self) -> None:
        """Times are those of the zone in which the file was asked for, whenever it is sent."""
        Session.objects.append("one", TURN)
        noon = datetime(2026, 11, 24, 12, tzinfo=UTC)
        Session.objects.update(created_at=noon, updated_at=noon)
        with timezone.override("Asia/Tokyo"):
            response = self.export("one", "html")

        self.assertIn("9 p.m.", response.getvalue().decode())


@override_settings(ROOT_URLCONF="tests.admin_urls")
class SeveralTests(TestCase):
    """Several sessions in one file."""

    def setUp(self) -> None:
        for session_id in ("one", "two", "three"):
            Session.objects.append(session_id, TURN)
        self.request = RequestFactory().get("/")
        self.request.user = User.objects.create_superuser("root")
        self.admin = PickyAdmin(Session, site)

    def export(self) -> Any:
        chosen = [*Session.objects.order_by("pk")]
        return export_several(self.admin, self.request, chosen)

    def read(self, response: Any) -> list[str]:
        lines = response.getvalue().decode().splitlines()
        return [json.loads(line)["session_id"] for line in lines]

    def test_all(self) -> None:
        """Sessions that the request may export are sent."""
        self.assertEqual(self.read(self.export()), ["one", "three", "two"])

    def test_one_that_is_not_to_be_exported(self) -> None:
        """Nothing is sent or noted if the request may not see, or not export, one of them."""
        for denied in ("hidden", "kept"):
            with (
                mock.patch.object(self.admin, denied, {"two"}),
                self.assertRaises(PermissionDenied),
            ):
                self.export()
        self.assertFalse(LogEntry.objects.exists())

    def test_parents(self) -> None:
        """A fork names its parent to those who may see that one."""
        Session.objects.fork("one", "fork")
        [fork] = Session.objects.filter(pk="fork")

        shown = json.loads(export_several(self.admin, self.request, [fork]).getvalue())
        with mock.patch.object(self.admin, "hidden", {"one"}):
            hidden = json.loads(export_several(self.admin, self.request, [fork]).getvalue())

        self.assertEqual((shown["parent"], hidden["parent"]), ("one", None))

    def test_what_changes_meanwhile(self) -> None:
        """A session that goes, or is closed to the reader, before its turn is left out."""
        response = self.export()

        self.admin.kept = {"three"}
        Session.objects.filter(pk="two").delete()

        self.assertEqual(self.read(response), ["one"])


class PickyAdmin(SessionAdmin):
    """A model admin with permissions of each session, as a project may write it."""

    hidden: Set[str] = frozenset()
    kept: Set[str] = frozenset()

    def has_view_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        return obj is None or obj.pk not in self.hidden

    def has_export_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        return obj is None or obj.pk not in self.kept


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

    @override_settings(AGENT_SESSIONS_ADMIN_PAGE_SIZE=2)
    def test_longest_page(self) -> None:
        """A page ends after so many messages, and says so where there are more."""
        Session.objects.append("one", numbered(9))
        Session.objects.append("two", numbered(6))

        with mock.patch.object(export_html, "MOST_MESSAGES", 6):
            cut, whole = self.text("one", "html"), self.text("two", "html")

        self.assertEqual([f"item {n}</p>" in cut for n in (0, 5, 6, 8)], [True, True, False, False])
        self.assertIn("The page ends here, after 6 messages.", cut)
        self.assertNotIn("The page ends here", whole)
        self.assertTrue(cut.endswith("</html>\n"))

    @override_settings(AGENT_SESSIONS_ADMIN_PAGE_SIZE=2)
    def test_messages_that_go_meanwhile(self) -> None:
        """A page ends even if its last messages are deleted while it is written."""
        Session.objects.append("one", numbered(6))
        written = export_html.web_page(Session.objects.get())
        begun = [next(written), next(written), next(written)]
        newest = Message.objects.order_by("-pk").values_list("pk", flat=True)
        Message.objects.filter(pk__in=[*newest[:4]]).delete()

        text = "".join([*begun, *written])

        self.assertEqual(text.count("<article>"), 2)
        self.assertTrue(text.endswith("</html>\n"))
        self.assertNotIn("The page ends here", text)

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

        self.assertGreater(len(pieces), 1)
        lines = b"".join(pieces).splitlines()
        self.assertEqual([json.loads(line) for line in lines], numbered(250))
