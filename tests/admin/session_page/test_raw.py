"""session_page.raw: raw items and attachments."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from django.contrib.auth.models import Permission, User
from django.http import HttpResponse
from django.test import TestCase, override_settings
from django.urls import reverse

from agent_sessions import Message, Session
from agent_sessions.signals import content_viewed

PNG = b"\x89PNG\r\n\x1a\n and more"


def url_of(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{b64encode(data).decode()}"


@override_settings(ROOT_URLCONF="tests.admin_urls")
class AnswerTestCase(TestCase):
    """A superuser, and a session whose id has to be quoted."""

    superuser: User

    @classmethod
    def setUpTestData(cls) -> None:
        cls.superuser = User.objects.create_superuser("root")

    def setUp(self) -> None:
        self.client.force_login(self.superuser)

    def store(self, *items: Any) -> list[int]:
        Session.objects.append("a/b", items)
        return list(Message.objects.order_by("pk").values_list("pk", flat=True))

    def get(self, name: str, *args: Any, session_id: str = "a_2Fb") -> HttpResponse:
        url = reverse(f"admin:agent_sessions_session_{name}", args=[session_id, *args])
        response = self.client.get(url)
        assert isinstance(response, HttpResponse)
        return response

    def check_sandboxed(self, response: HttpResponse) -> None:
        policy = response.headers["Content-Security-Policy"]
        self.assertEqual(policy, "default-src 'none'; sandbox")
        self.assertEqual(response.headers["X-Content-Type-Options"], "nosniff")
        self.assertIn("no-store", response.headers["Cache-Control"])


class ItemTests(AnswerTestCase):
    """item_view()."""

    def test_raw(self) -> None:
        """An item is sent exactly as it is stored, as plain text."""
        self.store({"role": "user", "content": "<script>alert(1)</script> 日本語"})
        message = Message.objects.create(session_id="a/b", message_data="not JSON <b>")

        response = self.get("item", message.pk - 1)

        self.assertEqual(response.headers["Content-Type"], "text/plain; charset=utf-8")
        self.assertEqual(response.content.decode(), Message.objects.earliest("pk").message_data)
        self.check_sandboxed(response)
        self.assertEqual(self.get("item", message.pk).content, b"not JSON <b>")

    def test_unknown_message(self) -> None:
        """Messages of other sessions and numbers of any size are a 404."""
        self.store({"role": "user"})
        Session.objects.append("other", [{"role": "user"}])
        other = Message.objects.get(session_id="other").pk

        for message_id in (other, 0, 10**30):
            self.assertEqual(self.get("item", message_id).status_code, 404, message_id)
        self.assertEqual(self.get("item", other, session_id="none").status_code, 404)

    def test_permission(self) -> None:
        """A user without the permission to read content gets a 403."""
        [pk] = self.store(
            {"role": "user", "content": [{"type": "input_file", "file_data": "AAAA"}]}
        )
        viewer = User.objects.create_user("viewer", is_staff=True)
        ours = Permission.objects.filter(content_type__app_label="agent_sessions")
        viewer.user_permissions.set(ours.filter(codename="view_session"))
        self.client.force_login(viewer)

        self.assertEqual(self.get("item", pk).status_code, 403)
        self.assertEqual(self.get("media", pk, 0).status_code, 403)

    def test_recorded(self) -> None:
        """Reading an item or an attachment sends the signal."""
        [pk] = self.store(
            {"role": "user", "content": [{"type": "input_file", "file_data": "AAAA"}]}
        )
        views: list[Any] = []

        def note(view: str, **kwargs: Any) -> None:
            views.append(view)

        content_viewed.connect(note)
        self.addCleanup(content_viewed.disconnect, note)
        self.get("item", pk)
        self.get("media", pk, 0)

        self.assertEqual(views, ["item", "media"])


class MediaTests(AnswerTestCase):
    """media_view()."""

    def test_image(self) -> None:
        """An image is sent to be shown, with the type that its bytes have."""
        parts = [
            {"type": "input_text"},
            {"type": "input_image", "image_url": url_of(PNG, "text/html")},
        ]
        [pk] = self.store({"role": "user", "content": parts})

        response = self.get("media", pk, 0)

        self.assertEqual((response.content, response.headers["Content-Type"]), (PNG, "image/png"))
        self.assertEqual(response.headers["Content-Disposition"], f'inline; filename="{pk}-0.png"')
        self.check_sandboxed(response)

    def test_everything_else(self) -> None:
        """SVG, HTML and other attachments are sent to be saved, under a safe file name."""
        bad = 'x/..\\"\r\nSet-Cookie: a=b\u202egpj.html'
        parts = [
            {"type": "input_image", "image_url": url_of(b"<svg onload=alert(1)>", "image/svg+xml")},
            {"type": "input_file", "file_data": url_of(PNG), "filename": bad},
            {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "../"}},
        ]
        [pk] = self.store({"role": "user", "content": parts})

        names = []
        for place in range(3):
            response = self.get("media", pk, place)
            self.assertEqual(response.headers["Content-Type"], "application/octet-stream")
            self.check_sandboxed(response)
            names.append(response.headers["Content-Disposition"])

        expected = (f"{pk}-image", f"{pk}-x_.._Set-Cookie_a_b_gpj.html", f"{pk}-audio")
        self.assertEqual(names, [f'attachment; filename="{name}"' for name in expected])

    def test_nothing_there(self) -> None:
        """External, damaged and missing attachments are a 404; nothing is fetched."""
        parts = [
            {"type": "input_image", "image_url": "https://example.org/a.png"},
            {"type": "input_image", "image_url": "data:image/png;base64,ääää"},
        ]
        [pk] = self.store({"role": "user", "content": parts})
        damaged = Message.objects.create(session_id="a/b", message_data="not JSON").pk

        for message_id, place in ((pk, 0), (pk, 1), (pk, 2), (pk, 10**30), (damaged, 0)):
            self.assertEqual(self.get("media", message_id, place).status_code, 404)
