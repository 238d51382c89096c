"""A test case with a superuser and a session that contains an image."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.test import TestCase, override_settings

from agent_sessions import Message, Session
from tests.admin.tenant_urls import addresses
from tests.contract import TURN

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


PICTURE = {
    "role": "user",
    "content": [{"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}"}],
}


@override_settings(ROOT_URLCONF="tests.admin.tenant_urls")
class PictureTestCase(TestCase):
    """A superuser, and a session with an image."""

    superuser: User
    message: Message

    @classmethod
    def setUpTestData(cls) -> None:
        cls.superuser = User.objects.create_superuser("root")
        Session.objects.append("one", [PICTURE, *TURN], user=cls.superuser)
        Session.objects.update(title="A secret title")
        cls.message = Message.objects.earliest("pk")

    def setUp(self) -> None:
        self.client.force_login(self.superuser)
        self.pages = addresses("one", self.message.pk)
