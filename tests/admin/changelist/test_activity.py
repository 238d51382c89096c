"""The filter by days of last activity."""

from __future__ import annotations

from datetime import UTC, datetime
from unittest import mock
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.test import TestCase, override_settings
from django.utils import timezone

from agent_sessions import Session
from agent_sessions.admin.changelist.activity import ActivityFilter
from tests.admin.changelist.testcase import ListTestCase
from tests.admin.testcase import LIST

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


@override_settings(TIME_ZONE="America/New_York")
class ActivityTests(ListTestCase):
    """ActivityFilter, at noon UTC of a Thursday."""

    def setUp(self) -> None:
        super().setUp()
        self.enterContext(mock.patch.object(timezone, "now", return_value=NOON))
        for moment in (
            "2025-12-31T23:00",
            "2026-01-02T12:00",
            "2026-10-31T12:00",
            "2026-11-01T12:00",
            "2026-11-18T12:00",
            "2026-11-19T12:00",
            "2026-11-24T12:00",
            "2026-11-25T00:00",
            "2026-11-25T23:59",
            "2026-11-26T00:00",
        ):
            at = datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo("America/New_York"))
            Session.objects.create(session_id=moment[2:], updated_at=at)

    def days(self, **query: str) -> list[str]:
        return sorted(session_id[3:8] for session_id in self.found(**query))

    def test_names(self) -> None:
        """Named periods are days of the current time zone."""
        self.assertEqual(self.days(active="today"), ["11-26"])
        self.assertEqual(self.days(active="yesterday"), ["11-25", "11-25"])
        week = ["11-19", "11-24", "11-25", "11-25", "11-26"]
        self.assertEqual(self.days(active="week"), week)
        self.assertEqual(self.days(active="month"), ["11-01", "11-18", *week])
        self.assertEqual(self.days(active="year"), ["01-02", "10-31", "11-01", "11-18", *week])

    def test_another_zone(self) -> None:
        """A middleware that activates a time zone moves the days."""
        with timezone.override("Pacific/Auckland"):  # it is 01:00 of the 27th
            self.assertEqual(self.days(active="today"), [])
            self.assertEqual(self.found(active="yesterday"), ["26-11-26T00:00", "26-11-25T23:59"])

    def test_range(self) -> None:
        """A range includes both ends, and either may be left open."""
        both = {"from": "2026-11-19", "to": "2026-11-25"}

        self.assertEqual(self.days(**both), ["11-19", "11-24", "11-25", "11-25"])
        self.assertEqual(self.days(**{"from": "2026-11-26", "to": ""}), ["11-26"])
        self.assertEqual(self.days(to="2026-01-02"), ["01-02", "12-31"])
        self.assertEqual(self.days(**{"from": "2026-11-20", "to": "2026-11-01"}), [])
        self.assertEqual(len(self.days(**{"from": "", "to": ""})), 10)

    def test_invalid(self) -> None:
        """A text that is not a date, or a date at the ends of time, leads back to the list."""
        for value in ("x", "2026-13-01", "0001-01-01", "9999-12-31", "1" * 5_000, "\x00"):
            for name in ("from", "to", "active"):
                response = self.client.get(LIST, {name: value})
                self.assertRedirects(response, f"{LIST}?e=1")

    def test_choices(self) -> None:
        """The chosen period is marked, and the form keeps the other filters."""
        page = self.get(active="yesterday", state="empty").content.decode()

        chosen = page.partition(">Yesterday</a>")[0].rpartition("<li")[2]
        self.assertIn('class="selected"', chosen)
        form = page.partition('class="session-days"')[2].partition("</form>")[0]
        self.assertIn('<input type="hidden" name="state" value="empty">', form)
        self.assertNotIn("yesterday", form)

        form = self.get(**{"from": "2026-11-19"}).content.decode()
        self.assertIn('type="date" name="from" value="2026-11-19"', form)


class WithoutTimeZonesTests(TestCase):
    @override_settings(USE_TZ=False)
    def test_days(self) -> None:
        """In a project without time zones, days are those of the local clock."""
        Session.objects.create(session_id="today", updated_at=datetime.now())

        for name, expected in (("today", ["today"]), ("yesterday", [])):
            chosen = ActivityFilter(HttpRequest(), {"active": [name]}, Session, None)
            self.assertLessEqual(set(chosen.used_parameters), set(chosen.expected_parameters()))
            found = chosen.queryset(HttpRequest(), Session.objects.all())
            self.assertEqual([session.pk for session in found], expected)
