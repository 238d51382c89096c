"""A test case of a superuser who exports sessions."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.test import TestCase, override_settings
from django.urls import reverse


def export_url(session_id: str, file_format: str) -> str:
    args = [quote(session_id), file_format]
    return reverse("admin:agent_sessions_session_export", args=args, urlconf="tests.admin_urls")


@override_settings(ROOT_URLCONF="tests.admin_urls")
class ExportTestCase(TestCase):
    """A superuser who exports."""

    superuser: User

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
        return str(self.export(session_id, file_format).getvalue().decode())
