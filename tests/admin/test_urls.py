"""Strange values in every parameter of every page: no page fails or takes long."""

from __future__ import annotations

import time
import warnings
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import transaction
from django.test import RequestFactory, TestCase, override_settings

from agent_sessions import Message, Session
from agent_sessions.admin import SessionAdmin
from agent_sessions.admin.changelist.lookups import is_of_a_popup, is_offered
from agent_sessions.admin.changelist.text_sql import MOST_LENGTH, MOST_WORDS, bounded
from tests.admin.tenant_urls import addresses, of_the_list
from tests.admin.testcase import LIST, AdminTestCase
from tests.contract import TURN

MOST_SECONDS = 15  # even on a busy machine
MANY_DIGITS = "9" * 5_000

NASTY = (
    "",
    "0",
    "-1",
    "1",
    "99999999999999999999",
    MANY_DIGITS,
    "1e999",
    "٣",
    "²",
    "\x00",
    "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
    "\u202e\U0001f600",
    "x" * 60_000,
    "word " * 1_000,
    '"' * 500,
    "'\"\\%_;--",
    "(x+)+y",
    "[",
    "{",
    "a,b",
    "None",
    "any",
    "0001-01-01",
    "9999-12-31",
    "9999-12-31 23:59:59.999999+00:00",
    "2026-02-30",
    "10000-01-01",
    "{}[].__class__",
    "updated_at__year",
)

# For tests of every run, and for pages that do less with a parameter.
FEW = ("", "-1", MANY_DIGITS, "²", "\x00", "x" * 60_000, "word " * 1_000, "'\"\\%_;--", "{")

# Parameters of the list: the filters', Django's, and (REFUSED) lookups of no filter.
OF_THE_LIST = (
    *("q", "p", "o", "all", "e", "_facets", "_popup", "_to_field", "_source_model"),
    *("says", "state", "owner", "agent", "tool", "cost"),
    *("updated_at", "updated_at__gte", "updated_at__lt", "updated_at__isnull", "updated_at__in"),
    *("updated_at__year", "updated_at__month", "updated_at__day", "updated_at__exact"),
    *("_changelist_filters", "unknown_parameter"),
)
REFUSED = (
    *("session_id", "session_id__regex", "session_id__iregex", "pk__in", "updated_at__range"),
    *("updated_at__regex", "updated_at__date", "updated_at__year__gte", "title", "title__contains"),
    *("metadata", "metadata__contains", "metadata__door", "user", "user__id__exact"),
    *("user__password__startswith", "user__groups__name", "parent", "parent__title"),
    *("messages__message_data__contains", "usage__model", "forked_at__isnull", "forks__title"),
    *("session_id__exact", "created_at__lt"),
)
OF_A_PAGE = ("at", "before", "after", "find", "_to_field", "_popup", "_changelist_filters", "p")
OF_USAGE = ("period", "by", "measure", "format", "from", "to")


@override_settings(ROOT_URLCONF="tests.admin.tenant_urls")
class FuzzTests(TestCase):
    """Strange addresses, opened by a superuser."""

    superuser: User
    message: int

    @classmethod
    def setUpTestData(cls) -> None:
        cls.superuser = User.objects.create_superuser("root")
        Session.objects.append("one", TURN, user=cls.superuser)
        cls.message = Message.objects.earliest("pk").pk

    def setUp(self) -> None:
        self.client.force_login(self.superuser)

    def status(self, address: str, query: dict[str, Any], method: str = "get") -> int:
        """Request a page, roll its changes back, and return the status."""
        started = time.monotonic()
        with transaction.atomic(), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # about naive datetimes
            response = getattr(self.client, method)(address, query)
            body = response.getvalue()
            transaction.set_rollback(True)
        self.assertLess(time.monotonic() - started, MOST_SECONDS, (address, query))
        self.assertNotIn(b"Traceback", body)
        return int(response.status_code)

    @pytest.mark.exhaustive
    def test_list(self) -> None:
        """No value of any parameter of the list is a server error."""
        address = of_the_list()["changelist"]
        for name in OF_THE_LIST:
            for value in NASTY:
                with self.subTest(name=name, value=value[:40]):
                    self.assertIn(self.status(address, {name: value}), (200, 302, 400))

    def test_two_at_once(self) -> None:
        """No combination of a filter and a date is a server error."""
        address = of_the_list()["changelist"]
        for name, value in (("state", "complete"), ("says", "jazz"), ("q", "one"), ("cost", "0")):
            for other in ("updated_at__gte", "updated_at__lt", "updated_at__year", "owner"):
                for moment in ("0001-01-01", "9999-12-31"):
                    with self.subTest(name=name, other=other, moment=moment):
                        status = self.status(address, {name: value, other: moment})
                        self.assertIn(status, (200, 302))

    def test_lookups(self) -> None:
        """A lookup that no filter uses is a 400, whatever its value."""
        address = of_the_list()["changelist"]
        for name in REFUSED:
            for value in ("1", "(x+)+y"):
                with self.subTest(name=name, value=value):
                    self.assertEqual(self.status(address, {name: value}), 400)

    @pytest.mark.exhaustive
    def test_actions(self) -> None:
        """No value in the form of an action is a server error."""
        address = of_the_list()["changelist"]
        for name in ("action", "_selected_action", "select_across", "index", "post"):
            for value in FEW:
                data = {"action": "delete_selected", "_selected_action": "two", name: value}
                with self.subTest(name=name, value=value[:40]):
                    self.assertIn(self.status(address, data, "post"), (200, 302, 400))

    @pytest.mark.exhaustive
    def test_usage(self) -> None:
        """No value of any parameter of the usage page is a server error."""
        address = of_the_list()["usage"]
        for name in OF_USAGE:
            for value in FEW:
                with self.subTest(name=name, value=value[:40]):
                    self.assertIn(self.status(address, {name: value}), (200, 302, 400))

    @pytest.mark.exhaustive
    def test_pages(self) -> None:
        """No value of any parameter of a session's page is a server error."""
        pages = addresses("one", self.message)
        for page in ("change", "history", "delete", "purge", "item", "export json"):
            for name in OF_A_PAGE:
                for value in FEW:
                    with self.subTest(page=page, name=name, value=value[:40]):
                        status = self.status(pages[page], {name: value})
                        self.assertIn(status, (200, 302, 400, 404))

    def test_numbers_in_addresses(self) -> None:
        """A number too large for a database is an unknown message."""
        page = addresses("one", self.message)["item"].removesuffix(f"{self.message}/")
        for number in ("99999999999999999999", MANY_DIGITS, "0"):
            self.assertIn(self.status(f"{page}{number}/", {}), (302, 404), number[:30])

    @pytest.mark.exhaustive
    def test_forks(self) -> None:
        """No place for a fork is a server error."""
        address = addresses("one", self.message)["fork"]
        for name in ("at", "before"):
            for value in FEW:
                with self.subTest(name=name, value=value[:40]):
                    status = self.status(address, {name: value}, "post")
                    self.assertIn(status, (200, 302, 400))

    def test_autocomplete(self) -> None:
        """Autocomplete accepts any term."""
        field = {"app_label": "agent_sessions", "model_name": "message", "field_name": "session"}
        for value in FEW:
            with self.subTest(value=value[:40]):
                status = self.status("/admin/autocomplete/", {**field, "term": value})
                self.assertEqual(status, 200)


class BoundsTests(AdminTestCase):
    """The limits of a search."""

    def test_words(self) -> None:
        """A search uses the first ten words, and the page says so if there are more."""
        Session.objects.append("one", [{"role": "user", "content": " ".join("abcdefghij")}])
        words = " ".join("abcdefghij")
        self.assertEqual(len(words.split()), MOST_WORDS)

        for name in ("says", "q"):
            few = self.client.get(LIST, {name: words})
            many = self.client.get(LIST, {name: f"{words} nobody-says-this"})
            self.assertNotContains(few, "A search takes up to 10 words")
            self.assertContains(many, "A search takes up to 10 words and 200 characters.")
            if name == "says":
                self.assertContains(many, "/one/change")

    def test_length(self) -> None:
        """Long words are cut."""
        self.assertEqual(bounded("x" * 1_000), "x" * MOST_LENGTH)
        self.assertEqual(bounded("two  words"), "two  words")
        self.assertContains(self.client.get(LIST, {"says": "x" * 300}), "and 200 characters.")


class LookupTests(TestCase):
    """Lookups that a project's filters use."""

    def test_offered(self) -> None:
        """Django's field filters use some lookups, a project's filter class any."""

        class Ours(admin.AllValuesFieldListFilter):
            pass

        filters: list[Any] = ["created_at", "user", ("title", admin.EmptyFieldListFilter)]
        offered = ["created_at__gte", "user__id__exact", "user__isnull", "title__isempty", "user"]
        refused = ["created_at__range", "created_at__regex", "title__regex", "user__a__b__exact"]

        self.assertTrue(all(is_offered(lookup, filters) for lookup in offered))
        self.assertFalse(any(is_offered(lookup, filters) for lookup in (*refused, "titles")))
        self.assertTrue(is_offered("title__regex", [("title", Ours)]))

    def test_popup(self) -> None:
        """The limits of a foreign key are lookups that its popup may use."""
        limits = Session._meta.related_fkey_lookups
        limits.extend([{"user__isnull": False}, lambda: {"title": "Jazz"}])
        self.addCleanup(limits.clear)

        self.assertTrue(is_of_a_popup(Session, "user__isnull", "0"))
        self.assertTrue(is_of_a_popup(Session, "title", "Jazz"))
        self.assertFalse(is_of_a_popup(Session, "title", "Blues"))

    def test_filter_of_a_project(self) -> None:
        """A value that cannot be compared redirects to the list."""

        class Dated(SessionAdmin):
            list_filter = ("created_at",)

        request = RequestFactory().get(LIST, {"created_at__lt": "0001-01-01"})
        request.user = User.objects.create_superuser("root")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            with override_settings(TIME_ZONE="Europe/Amsterdam"):
                response = Dated(Session, admin.site).changelist_view(request)

        self.assertIn(response.status_code, (200, 302))
