"""admin.session_admin: escaping, deletion, and no way to write."""

from __future__ import annotations

from html import unescape

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.urls import reverse

from agent_sessions import Message, Session
from tests.admin.testcase import LIST, AdminTestCase
from tests.contract import TURN, numbered
from tests.statements import statements

User = get_user_model()
VIEW = Permission.objects.filter(content_type__app_label="agent_sessions", codename="view_session")


class AdminTests(AdminTestCase):
    """The admin of a superuser."""

    def test_everything_is_escaped(self) -> None:
        """Texts of people and models are escaped."""
        script = "<script>alert(1)</script>"
        item = {"type": script, "role": script, "name": script, "content": script}
        Session.objects.append(script, [item, {"role": script, "content": script}])
        Session.objects.update(title=script)

        url = reverse("admin:agent_sessions_session_change", args=[script.replace("/", "_2F")])
        for address in (url, LIST):
            response = self.client.get(address)
            self.assertContains(response, "&lt;script&gt;alert(1)&lt;/script&gt;")
            self.assertNotContains(response, script)

    def test_unknown_session(self) -> None:
        """An unknown id redirects to the index, as everywhere in the admin."""
        for session_id in ("unknown", "nul\x00", "x" * 300):
            url = reverse("admin:agent_sessions_session_change", args=[session_id])
            self.assertRedirects(self.client.get(url), reverse("admin:index"))

    def test_deleting_several(self) -> None:
        """The list's action counts messages, then deletes them with their sessions."""
        for session_id in ("one", "two"):
            Session.objects.append(session_id, TURN)
        data = {"action": "delete_selected", "_selected_action": ["one", "two"]}

        self.assertContains(self.client.post(LIST, data), "Messages: 8")
        self.client.post(LIST, {**data, "post": "yes"})

        self.assertFalse(Message.objects.exists())

    def test_nothing_is_written(self) -> None:
        """Adding or changing a session is a 403."""
        Session.objects.append("one", TURN)

        add = self.client.get(reverse("admin:agent_sessions_session_add"))
        change = self.client.post(
            reverse("admin:agent_sessions_session_change", args=["one"]), {"title": "changed"}
        )

        self.assertEqual((add.status_code, change.status_code), (403, 403))
        self.assertEqual(Session.objects.get().title, "")

    def test_deleting_counts_what_goes(self) -> None:
        """The confirmation counts messages instead of listing them."""
        Session.objects.append("one", numbered(300))
        url = reverse("admin:agent_sessions_session_delete", args=["one"])

        with statements() as sent:
            page = self.client.get(url).content.decode()
        response = self.client.post(url, {"post": "yes"})

        self.assertRedirects(response, LIST)
        self.assertIn("Messages: 300", unescape(page))
        self.assertLess(len(sent), 10)
        self.assertFalse(Message.objects.exists())

    def test_deleting_in_a_window_of_its_own(self) -> None:
        """A deletion in a popup closes it, as everywhere in the admin."""
        Session.objects.append("one", TURN)
        url = reverse("admin:agent_sessions_session_delete", args=["one"])

        response = self.client.post(url, {"post": "yes", "_popup": "1"})

        self.assertTemplateUsed(response, "admin/popup_response.html")

    def test_viewer(self) -> None:
        """A user who may only view sees the page without content, and cannot delete."""
        viewer = User.objects.create_user("viewer", is_staff=True)
        viewer.user_permissions.set(VIEW.all())
        Session.objects.append("one", TURN)
        self.client.force_login(viewer)

        self.assertNotIn("Any jazz tonight?", self.page("one"))
        url = reverse("admin:agent_sessions_session_delete", args=["one"])
        self.assertEqual(self.client.post(url, {"post": "yes"}).status_code, 403)

    def test_viewer_on_the_list(self) -> None:
        """A user who may only view cannot delete by the list's action."""
        viewer = User.objects.create_user("viewer", is_staff=True)
        viewer.user_permissions.set(VIEW.all())
        Session.objects.append("one", TURN)
        self.client.force_login(viewer)

        data = {"action": "delete_selected", "_selected_action": ["one"], "post": "yes"}
        self.client.post(LIST, data)

        self.assertTrue(Session.objects.exists())
