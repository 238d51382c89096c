"""admin.actions.export: the files that the admin sends, and the record of who exported."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Set
from datetime import UTC, datetime
from typing import Any
from unittest import mock

from django.contrib.admin import site
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection
from django.http import HttpRequest, StreamingHttpResponse
from django.test import RequestFactory, TestCase, TransactionTestCase, override_settings
from django.utils import timezone

from agent_sessions import DjangoSession, Message, Session
from agent_sessions.admin import SessionAdmin
from agent_sessions.admin.actions.export import FORMATS, PIECE_LENGTH, export_several
from agent_sessions.signals import content_viewed
from agent_sessions.transfer import imported
from tests.admin.actions.exporting import ExportTestCase, export_url
from tests.contract import LONE_SURROGATES, STRANGE_ITEMS, TURN, numbered
from tests.sample_items import SAMPLES
from tests.statements import statements


def fail(*args: Any) -> Any:
    raise DatabaseError("gone away")


class ExportTests(ExportTestCase):
    """The response of an export, and its record."""

    def test_every_format(self) -> None:
        """Each format is sent as a file of its type, sandboxed, to be saved."""
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
        """The file name consists of letters, digits and hyphens, whatever the id."""
        for session_id in ('"; filename=evil.exe\r\nX-Evil: 1', "../../etc", "日本", "x" * 255):
            Session.objects.append(session_id, TURN)
            response = self.export(session_id, "jsonl")
            name = 'attachment; filename="[a-z0-9-]{1,60}.jsonl"'
            self.assertRegex(response["Content-Disposition"], f"^{name}$")
            self.assertNotIn("X-Evil", response.headers)

    def test_unknown(self) -> None:
        """An unknown format or session is a 404."""
        Session.objects.append("one", TURN)

        for session_id, name in (("one", "pdf"), ("unknown", "json"), ("nul\x00", "json")):
            self.assertEqual(self.client.get(export_url(session_id, name)).status_code, 404)

    def test_recorded(self) -> None:
        """An export is logged under the session's id, and sends the signal."""
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
        """An exported JSON Lines file can be imported without a loss."""
        Session.objects.append("one", [*TURN, *STRANGE_ITEMS, *LONE_SURROGATES])

        lines = self.text("one", "jsonl").split("\n")
        Session.objects.append("two", imported(lines))

        self.assertEqual(Session.objects.items("two"), Session.objects.items("one"))

    def test_statements(self) -> None:
        """The number of queries besides those for messages does not grow with the session."""
        ContentType.objects.get_for_model(Session)  # cached from now on
        counts = []
        for session_id, length in (("short", 2), ("long", 90)):
            Session.objects.append(session_id, numbered(length))
            with statements() as sent:
                for name in FORMATS:
                    self.text(session_id, name)
            counts.append(len(sent))

        self.assertEqual(counts[0], counts[1])

    def test_every_item_in_every_format(self) -> None:
        """Sessions with strange and damaged items can be exported."""
        Session.objects.append("one", [sample.item for sample in SAMPLES.values()])
        Session.objects.append("one", [*STRANGE_ITEMS, *LONE_SURROGATES])
        Message.objects.create(session_id="one", message_data="not JSON")
        Message.objects.create(session_id="one", message_data="")

        for name in FORMATS:
            self.assertTrue(self.text("one", name))


class PiecesTests(ExportTestCase):
    """The pieces in which a file is sent."""

    def test_first_piece(self) -> None:
        """The first piece is sent before the session is read."""
        Session.objects.append("one", numbered(300))

        for name in FORMATS:
            first, *others = self.export("one", name)
            self.assertLess(len(first), 10_000, name)
            self.assertGreater(len(b"".join(others)), 3 * len(first), name)
            self.assertLess(max(map(len, others)), 2 * PIECE_LENGTH, name)

    def test_memory(self) -> None:
        """Only a few messages of a megabyte are in memory at a time."""
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
        """An error breaks the connection instead of ending the file, and is logged."""
        Session.objects.append("one", numbered(300))
        sent = iter(self.export("one", "jsonl"))
        next(sent)

        with (
            connection.execute_wrapper(fail),
            self.assertLogs("agent_sessions", "ERROR") as log,
            self.assertRaisesMessage(DatabaseError, "gone away"),
        ):
            list(sent)

        self.assertIn("An export failed after it had begun.", log.output[0])

    def test_time_zone(self) -> None:
        """Times are in the time zone of the request, even if the file is sent later."""
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

    def test_not_permitted(self) -> None:
        """Nothing is sent or recorded if the request may not see or export one session."""
        for denied in ("hidden", "kept"):
            with (
                mock.patch.object(self.admin, denied, {"two"}),
                self.assertRaises(PermissionDenied),
            ):
                self.export()
        self.assertFalse(LogEntry.objects.exists())

    def test_parents(self) -> None:
        """An exported fork names its parent only if the request may see the parent."""
        Session.objects.fork("one", "fork")
        [fork] = Session.objects.filter(pk="fork")

        shown = json.loads(export_several(self.admin, self.request, [fork]).getvalue())
        with mock.patch.object(self.admin, "hidden", {"one"}):
            hidden = json.loads(export_several(self.admin, self.request, [fork]).getvalue())

        self.assertEqual((shown["parent"], hidden["parent"]), ("one", None))

    def test_changes_meanwhile(self) -> None:
        """A session that is deleted or hidden before it is written is left out."""
        response = self.export()

        self.admin.kept = {"three"}
        Session.objects.filter(pk="two").delete()

        self.assertEqual(self.read(response), ["one"])


class PickyAdmin(SessionAdmin):
    """A project's subclass with permissions that differ by session."""

    hidden: Set[str] = frozenset()
    kept: Set[str] = frozenset()

    def has_view_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        return obj is None or obj.pk not in self.hidden

    def has_export_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        return obj is None or obj.pk not in self.kept


@override_settings(ROOT_URLCONF="tests.admin_urls")
class AsyncTests(TransactionTestCase):
    """Under ASGI."""

    async def test_in_pieces(self) -> None:
        """A session is read while it is sent."""
        user = await User.objects.acreate_superuser("root")
        await self.async_client.aforce_login(user)
        await DjangoSession("one").add_items(numbered(250))

        response = await self.async_client.get(export_url("one", "jsonl"))
        assert isinstance(response, StreamingHttpResponse)
        pieces = [piece async for piece in response]

        self.assertGreater(len(pieces), 1)
        lines = b"".join(pieces).splitlines()
        self.assertEqual([json.loads(line) for line in lines], numbered(250))
