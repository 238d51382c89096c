"""A test case for the list of sessions."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from django.contrib.auth.models import Permission, User
from django.utils.html import strip_tags

from agent_sessions.admin.changelist.changelist import SessionList
from tests.admin.testcase import LIST, AdminTestCase


class ListTestCase(AdminTestCase):
    """A superuser who looks at the list."""

    def login_without_content(self) -> None:
        viewer = User.objects.create_user("viewer", is_staff=True)
        viewer.user_permissions.set(Permission.objects.filter(codename="view_session"))
        self.client.force_login(viewer)

    def get(self, **query: Any) -> Any:
        response = self.client.get(LIST, query)
        self.assertEqual(response.status_code, 200, query)
        return response

    def found(self, **query: Any) -> list[str]:
        """Return the ids of the sessions on a page, in order."""
        return [session.pk for session in self.session_list(**query).result_list]

    def session_list(self, **query: Any) -> SessionList:
        """Return the list that is on a page."""
        found: SessionList = self.get(**query).context["cl"]
        return found

    def cells(self, **query: Any) -> list[dict[str, str]]:
        """Return the text of each row's cells by column."""
        body = self.get(**query).content.decode().partition("<tbody>")[2].partition("</tbody>")[0]
        cell = re.compile(r'<t[dh] class="field-(\w+)[^"]*">(.*?)</t[dh]>', re.DOTALL)
        return [
            {name: unescape(strip_tags(html)).strip() for name, html in cell.findall(row)}
            for row in body.split("</tr>")[:-1]
        ]
