"""A test case that sends the admin's actions."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import quote
from django.contrib.messages import get_messages
from django.urls import reverse

from tests.admin.testcase import LIST, AdminTestCase


def url(view: str, session_id: str) -> str:
    name = f"admin:agent_sessions_session_{view}"
    return reverse(name, args=[quote(session_id)], urlconf="tests.admin_urls")


class ActionTestCase(AdminTestCase):
    """A superuser who sends actions."""

    def said(self, response: Any) -> str:
        """Return the messages that the admin shows after a request."""
        return " ".join(map(str, get_messages(response.wsgi_request)))

    def act(self, action: str, session_ids: list[str], **data: Any) -> Any:
        return self.client.post(LIST, {"action": action, "_selected_action": session_ids, **data})

    def logged(self) -> list[tuple[str, str]]:
        entries = LogEntry.objects.order_by("pk")
        return list(entries.values_list("object_repr", "change_message"))
