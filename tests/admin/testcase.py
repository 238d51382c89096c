"""A test case with a superuser who is logged in to the admin, without a browser."""

from __future__ import annotations

from html import unescape
from typing import Any

from django.contrib.auth.models import User
from django.test import TestCase, override_settings
from django.urls import reverse

LIST = reverse("admin:agent_sessions_session_changelist", urlconf="tests.admin_urls")


@override_settings(ROOT_URLCONF="tests.admin_urls")
class AdminTestCase(TestCase):
    """A superuser, who is logged in, and an owner of sessions."""

    superuser: User
    owner: User

    @classmethod
    def setUpTestData(cls) -> None:
        cls.superuser = User.objects.create_superuser("root")
        cls.owner = User.objects.create_user("annelies")

    def setUp(self) -> None:
        self.client.force_login(self.superuser)

    def page(self, session_id: str, **query: Any) -> str:
        """Return the HTML of a session's page, with its entities replaced."""
        url = reverse("admin:agent_sessions_session_change", args=[session_id])
        response = self.client.get(url, query)
        self.assertEqual(response.status_code, 200)
        return unescape(response.content.decode())
