"""The admin: sessions found and read, nothing written."""

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
    """What a superuser sees."""

    def test_everything_is_escaped(self) -> None:
        """Whatever a person or a model wrote is text to the browser."""
        script = "<script>alert(1)</script>"
        item = {"type": script, "role": script, "name": script, "content": script}
        Session.objects.append(script, [item, {"role": script, "content": script}])
        Session.objects.update(title=script)

        url = reverse("admin:agent_sessions_session_change", args=[script.replace("/", "_2F")])
        for address in (url, LIST):
            response = self.client.get(address)
            self.assertContains(response, "&lt;script&gt;alert(1)&lt;/script&gt;")
            self.assertNotContains(response, script)

    def test_no_such_session(self) -> None:
        """An unknown id leads back to the admin, as everywhere in it."""
        for session_id in ("unknown", "nul\x00", "x" * 300):
            url = reverse("admin:agent_sessions_session_change", args=[session_id])
            self.assertRedirects(self.client.get(url), reverse("admin:index"))

    def test_deleting_several(self) -> None:
        """The list's action deletes sessions with their messages, after counting them."""
        for session_id in ("one", "two"):
            Session.objects.append(session_id, TURN)
        data = {"action": "delete_selected", "_selected_action": ["one", "two"]}

        self.assertContains(self.client.post(LIST, data), "Messages: 8")
        self.client.post(LIST, {**data, "post": "yes"})

        self.assertFalse(Message.objects.exists())

    def test_nothing_is_written(self) -> None:
        """There is no way to add or change a session."""
        Session.objects.append("one", TURN)

        add = self.client.get(reverse("admin:agent_sessions_session_add"))
        change = self.client.post(
            reverse("admin:agent_sessions_session_change", args=["one"]), {"title": "changed"}
        )

        self.assertEqual((add.status_code, change.status_code), (403, 403))
        self.assertEqual(Session.objects.get().title, "")

    def test_deleting_counts_what_goes(self) -> None:
        """The confirmation counts messages instead of listing them; then all are gone."""
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
        """A window that another page has opened is closed, as everywhere in the admin."""
        Session.objects.append("one", TURN)
        url = reverse("admin:agent_sessions_session_delete", args=["one"])

        response = self.client.post(url, {"post": "yes", "_popup": "1"})

        self.assertTemplateUsed(response, "admin/popup_response.html")

    def test_who_may_only_look(self) -> None:
        """With the permission to view one sees the page, reads nothing and cannot delete."""
        viewer = User.objects.create_user("viewer", is_staff=True)
        viewer.user_permissions.set(VIEW.all())
        Session.objects.append("one", TURN)
        self.client.force_login(viewer)

        self.assertNotIn("Any jazz tonight?", self.page("one"))
        url = reverse("admin:agent_sessions_session_delete", args=["one"])
        self.assertEqual(self.client.post(url, {"post": "yes"}).status_code, 403)

    def test_who_may_only_look_at_the_list(self) -> None:
        """The list's action does not delete either."""
        viewer = User.objects.create_user("viewer", is_staff=True)
        viewer.user_permissions.set(VIEW.all())
        Session.objects.append("one", TURN)
        self.client.force_login(viewer)

        data = {"action": "delete_selected", "_selected_action": ["one"], "post": "yes"}
        self.client.post(LIST, data)

        self.assertTrue(Session.objects.exists())
