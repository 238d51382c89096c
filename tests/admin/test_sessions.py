"""The admin: sessions found and read, nothing written."""

from __future__ import annotations

from html import unescape
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import TestCase, override_settings
from django.urls import reverse

from agent_sessions import Message, Session
from tests.contract import LONE_SURROGATES, STRANGE_ITEMS, TURN, numbered
from tests.samples import SAMPLES
from tests.statements import statements

User = get_user_model()
VIEW = Permission.objects.filter(content_type__app_label="agent_sessions", codename="view_session")
LIST = reverse("admin:agent_sessions_session_changelist", urlconf="tests.admin_urls")


@override_settings(ROOT_URLCONF="tests.admin_urls")
class AdminTests(TestCase):
    """What a superuser sees."""

    @classmethod
    def setUpTestData(cls) -> None:
        cls.superuser = User.objects.create_superuser("root")
        cls.owner = User.objects.create_user("annelies")

    def setUp(self) -> None:
        self.client.force_login(self.superuser)

    def page(self, session_id: str, **query: Any) -> str:
        url = reverse("admin:agent_sessions_session_change", args=[session_id])
        response = self.client.get(url, query)
        self.assertEqual(response.status_code, 200)
        return unescape(response.content.decode())

    def test_list(self) -> None:
        """Sessions are listed with title, owner and number of messages, newest activity first."""
        Session.objects.append("older", TURN, user=self.owner)
        Session.objects.append("newer", TURN[:1])
        Session.objects.filter(pk="older").update(
            title="Jazz tonight", updated_at="2020-01-01T00:00Z"
        )

        rows = self.client.get(LIST).content.decode().split("<tbody>")[1].split("</tr>")

        self.assertIn("newer", rows[0])
        for shown in ("Jazz tonight", "annelies", '<td class="field-message_count">4</td>'):
            self.assertIn(shown, rows[1])

    def test_list_statements(self) -> None:
        """The list asks as often for fifty sessions as for one."""
        self.client.get(LIST)  # reads what Django keeps for all pages
        counts = []
        for number in (1, 50):
            for index in range(number):
                Session.objects.append(f"session {index}", TURN, user=self.owner)
            with statements() as sent:
                self.client.get(LIST)
            counts.append(len(sent))

        self.assertEqual(counts[0], counts[1])

    def test_search(self) -> None:
        """A session is found by its id, its title and its owner."""
        Session.objects.append("abc-123", TURN, user=self.owner)
        Session.objects.filter(pk="abc-123").update(title="Jazz tonight")
        Session.objects.append("other", TURN)

        for words in ("abc-1", "jazz", "annel"):
            results = self.client.get(LIST, {"q": words}).context["cl"].result_list
            self.assertEqual([session.pk for session in results], ["abc-123"], words)

    def test_transcript(self) -> None:
        """A session's page shows its messages in order, each under who or what it is."""
        Session.objects.append("one", TURN)

        page = self.page("one")

        shown = [page.index(text) for text in ("Any jazz tonight?", "search_events(", "None ton")]
        self.assertEqual(shown, sorted(shown))
        self.assertIn("Function call: search_events", page)

    def test_every_kind_of_item(self) -> None:
        """No item, however strange or damaged, keeps the page from showing."""
        Session.objects.append("one", [sample.item for sample in SAMPLES.values()])
        Session.objects.append("one", [*STRANGE_ITEMS, *LONE_SURROGATES])
        Message.objects.create(session_id="one", message_data="not JSON")

        page = self.page("one")

        for name, sample in SAMPLES.items():
            self.assertIn(sample.text, page, name)
        self.assertIn("Unreadable", page)

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

    def test_ids_of_all_sorts(self) -> None:
        """A session is opened whatever its id holds."""
        for session_id in ("a/b", "a_2Fb", "ü ?#%&", '"quoted"', " "):
            Session.objects.append(session_id, TURN)
            response = self.client.get(LIST)
            link = response.content.decode().split('field-__str__"><a href="')[1].split('"')[0]
            self.assertEqual(self.client.get(unescape(link)).status_code, 200, session_id)
            Session.objects.all().delete()

    @override_settings(AGENT_SESSIONS_ADMIN_PAGE_SIZE=10)
    def test_long_sessions_by_window(self) -> None:
        """The newest messages are shown first; links lead to the earlier ones and back."""
        Session.objects.append("one", numbered(25))
        newest = Message.objects.order_by("-pk")

        self.assertEqual(self.shown(""), list(range(15, 25)))
        self.assertEqual(self.shown(newest[9].pk), list(range(5, 15)))
        self.assertEqual(self.shown(newest[19].pk), list(range(5)))
        self.assertIn(f"?before={newest[9].pk}#", self.page("one"))
        self.assertNotIn("Earlier messages", self.page("one", before=newest[19].pk))
        self.assertIn("Newest messages", self.page("one", before=newest[19].pk))

    @override_settings(AGENT_SESSIONS_ADMIN_PAGE_SIZE=10)
    def test_bad_windows(self) -> None:
        """A window that is no id shows the newest messages."""
        Session.objects.append("one", numbered(25))

        for before in ("x", "-1", "1e3", "9" * 30, "٣"):
            self.assertEqual(self.shown(before), list(range(15, 25)), before)

    def shown(self, before: Any) -> list[int]:
        page = self.page("one", before=before)
        return [number for number in range(25) if f">item {number}</pre>" in page]

    def test_page_statements(self) -> None:
        """A long session takes as many statements as a short one."""
        Session.objects.append("short", numbered(2))
        Session.objects.append("long", numbered(1_000))
        self.page("short")  # reads what Django keeps for all pages
        counts = []
        for session_id in ("short", "long"):
            with statements() as sent:
                self.page(session_id)
            counts.append(len(sent))

        self.assertEqual(counts[0], counts[1])

    def test_empty_session(self) -> None:
        """A session without messages says so."""
        Session.objects.create(session_id="one")

        self.assertIn("This session has no messages.", self.page("one"))

    def test_no_such_session(self) -> None:
        """An unknown id leads back to the admin, as everywhere in it."""
        for session_id in ("unknown", "nul\x00", "x" * 300):
            url = reverse("admin:agent_sessions_session_change", args=[session_id])
            self.assertRedirects(self.client.get(url), reverse("admin:index"))

    def test_huge_text(self) -> None:
        """A text of megabytes is cut on the page."""
        Session.objects.append("one", [{"role": "user", "content": "word " * 500_000}])

        self.assertLess(len(self.page("one")), 60_000)

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
        self.client.post(url, {"post": "yes"})

        self.assertIn("Messages: 300", unescape(page))
        self.assertLess(len(sent), 10)
        self.assertFalse(Message.objects.exists())

    def test_who_may_only_look(self) -> None:
        """With the permission to view one sees the page and cannot delete."""
        viewer = User.objects.create_user("viewer", is_staff=True)
        viewer.user_permissions.set(VIEW.all())
        Session.objects.append("one", TURN)
        self.client.force_login(viewer)

        self.assertIn("Any jazz tonight?", self.page("one"))
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
