"""The list of sessions: its end, its order, its pages, its search, and its subclasses."""

from __future__ import annotations

from html import unescape
from unittest import mock

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.test import RequestFactory

from agent_sessions import Session
from agent_sessions.admin import SessionAdmin
from agent_sessions.admin.changelist import changelist
from tests.admin.changelist.testcase import ListTestCase
from tests.admin.testcase import LIST
from tests.contract import CALL, TURN, USER, numbered
from tests.statements import statements


class BoundsTests(ListTestCase):
    """The list has an end, an order and pages."""

    def make(self, count: int) -> None:
        Session.objects.bulk_create(
            Session(session_id=f"session {number:03}", updated_at=f"2026-01-01T00:{number:02}Z")
            for number in range(count)
        )

    def test_statements(self) -> None:
        """The number of statements depends on neither the number of sessions nor their length."""
        self.get()  # reads what Django keeps for all pages
        counts = set()
        for number, items in ((1, TURN), (50, TURN), (1, numbered(500))):
            Session.objects.all().delete()
            for index in range(number):
                Session.objects.append(f"session {index}", items, user=self.owner)
            with statements() as sent:
                self.get()
            counts.add(len(sent))

        self.assertEqual(len(counts), 1)
        self.assertLess(counts.pop(), 18)

    def test_an_end(self) -> None:
        """The newest of many sessions are listed, and a sentence says that there are more."""
        self.make(31)

        with mock.patch.object(changelist, "MOST_LISTED", 20):
            response = self.get()

        self.assertContains(response, "20+ sessions")
        self.assertContains(response, "More than 20 sessions match")
        found = [session.pk for session in response.context["cl"].result_list]
        self.assertEqual(found, [f"session {number:03}" for number in range(30, 10, -1)])

    def test_no_more_than_there_are(self) -> None:
        """If all sessions are listed, all are counted, and no sentence is above the list."""
        self.make(20)

        with mock.patch.object(changelist, "MOST_LISTED", 20):
            response = self.get()

        self.assertContains(response, "20 sessions")
        self.assertNotContains(response, "More than")

    def test_actions_on_all(self) -> None:
        """An action on all matches applies to the listed sessions only."""
        self.make(31)
        chosen = {"_selected_action": ["session 030"], "select_across": "1"}

        with mock.patch.object(changelist, "MOST_LISTED", 20):
            self.client.post(LIST, {"action": "delete_selected", "post": "yes", **chosen})

        left = Session.objects.order_by("pk").values_list("pk", flat=True)
        self.assertEqual(list(left), [f"session {number:03}" for number in range(11)])

    def test_pages(self) -> None:
        """Each page shows its part; a page that does not exist redirects to the first."""
        self.make(60)

        self.assertEqual(len(self.found()), 50)
        self.assertEqual(self.found(p=2), [f"session {n:03}" for n in range(9, -1, -1)])
        self.assertEqual(len(self.found(all="")), 60)
        self.assertRedirects(self.client.get(LIST, {"p": 9}), f"{LIST}?e=1")

    def test_order(self) -> None:
        """The list is sorted by activity in either direction, and by nothing else."""
        self.make(3)
        Session.objects.filter(pk="session 001").update(title="Zebra", user=self.owner)
        activity = SessionAdmin.list_display.index("updated_at") + 1
        newest, oldest = self.found(), self.found()[::-1]

        self.assertEqual(self.found(o=activity), oldest)
        self.assertEqual(self.found(o=f"-{activity}"), newest)
        for order in ("1", "-2", "2.1", "99", "x", ""):
            self.assertEqual(self.found(o=order), newest, order)

    def test_one_way_through_the_index(self) -> None:
        """Sessions with the same activity are sorted by id in the direction of the index."""
        self.make(3)
        Session.objects.update(updated_at="2026-01-01T00:00Z")
        activity = SessionAdmin.list_display.index("updated_at") + 1

        self.assertEqual(self.found(), ["session 002", "session 001", "session 000"])
        self.assertEqual(self.found(o=activity), ["session 000", "session 001", "session 002"])

    def test_strange_ids(self) -> None:
        """The list links to a session whatever characters its id contains."""
        for session_id in ("a/b", "a_2Fb", "ü ?#%&", '"quoted"', " "):
            Session.objects.append(session_id, TURN)
            row = self.get().content.decode().split('field-conversation"><a href="')[1]
            link = unescape(row.split('"')[0])
            self.assertEqual(self.client.get(link).status_code, 200, session_id)
            Session.objects.all().delete()


class SearchTests(ListTestCase):
    """The search field."""

    def test_search(self) -> None:
        """A session is found by its id, its title and its owner."""
        Session.objects.append("abc-123", TURN, user=self.owner)
        Session.objects.filter(pk="abc-123").update(title="Jazz tonight")
        Session.objects.append("other", TURN)

        for words in ("abc-1", "jazz", "annel"):
            self.assertEqual(self.found(q=words), ["abc-123"], words)

    def test_titles_are_content(self) -> None:
        """A user without the permission to read content cannot search titles."""
        Session.objects.append("one", TURN)
        Session.objects.update(title="Jazz tonight", metadata={"mood": "blue"})
        self.assertEqual(self.found(q="Jazz"), ["one"])
        self.login_without_content()

        self.assertEqual(self.found(q="Jazz"), [])


class SubclassTests(ListTestCase):
    """A project's subclass of SessionAdmin."""

    class Admin(SessionAdmin):
        list_display = (*SessionAdmin.list_display, "shouted", "created_at")
        list_filter = (*SessionAdmin.list_filter, "created_at")
        date_hierarchy = None  # type: ignore[assignment]  # Django allows None

        @admin.display(ordering="session_id")
        def shouted(self, session: Session) -> str:
            return str(session.pk).upper()

        def get_queryset(self, request: HttpRequest) -> QuerySet[Session]:
            return super().get_queryset(request).filter(pk__startswith="mine")

    def response(self, **query: str) -> TemplateResponse:
        request = RequestFactory().get(LIST, query)
        request.user = self.superuser
        model_admin = self.Admin(Session, admin.AdminSite(name="other"))
        with self.settings(ROOT_URLCONF="tests.admin_urls"):
            response = model_admin.changelist_view(request)
            assert isinstance(response, TemplateResponse)
            response.render()
            return response

    def test_columns(self) -> None:
        """A subclass adds columns, and its get_queryset() applies to the names in filters too."""
        Session.objects.append("mine", TURN)
        Session.objects.append("theirs", [CALL | {"name": "secret_tool"}])

        response = self.response()

        self.assertContains(response, '<td class="field-shouted">MINE</td>')
        self.assertContains(response, "search_events")
        self.assertNotContains(response, "theirs")
        self.assertNotContains(response, "secret_tool")

    def test_another_order(self) -> None:
        """A subclass may change the order."""
        for session_id in ("mine 2", "mine 1"):
            Session.objects.append(session_id, TURN)

        with mock.patch.object(self.Admin, "ordering", ("session_id",)):
            context = self.response().context_data or {}

        found = context["cl"].result_list
        self.assertEqual([session.pk for session in found], ["mine 1", "mine 2"])

    def test_readable_by_session(self) -> None:
        """A permission that depends on the session is asked for each row."""
        Session.objects.append("mine", TURN)
        Session.objects.append("mine too", TURN)
        allowed = mock.Mock(side_effect=lambda _, obj=None: obj is not None and obj.pk == "mine")

        with mock.patch.object(self.Admin, "has_view_content_permission", allowed):
            page = self.response().content.decode()

        self.assertEqual(page.count(USER["content"]), 1)
