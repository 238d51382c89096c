"""A second import updates and removes events that the first one created."""

from __future__ import annotations

from datetime import date

from django.db import connection
from django.test import TestCase, override_settings
from django.test.utils import CaptureQueriesContext

from calendarclub.events.ics import import_calendar
from calendarclub.events.models import Event
from tests.calendarclub.events.ics.imports import import_events, import_file, told
from tests.calendarclub.events.vcalendars import vcalendar, vevent


@override_settings(TIME_ZONE="Europe/Amsterdam")
class UpdateTests(TestCase):
    weekly = {"RRULE": "FREQ=WEEKLY"}

    def test_again(self) -> None:
        """Importing the same file again changes nothing."""
        import_file("google.ics")
        before = list(Event.objects.values())

        report = import_file("google.ics")

        self.assertEqual((report.unchanged, report.created, report.updated), (7, 0, 0))
        self.assertEqual(list(Event.objects.values()), before)

    def test_changed(self) -> None:
        """An event with a known UID is updated, even if everything else is new."""
        import_events(vevent("a", "20261020T180000Z", SUMMARY="Old"))
        pk = Event.objects.get().pk

        report = import_events(
            vevent("a", "20261105T190000Z", SUMMARY="New", LOCATION="Cellar Nine")
        )

        event = Event.objects.get()
        self.assertEqual((event.pk, event.title, event.venue), (pk, "New", "Cellar Nine"))
        self.assertEqual((report.updated, report.created, report.removed), (1, 0, 0))

    def test_dates_that_are_gone(self) -> None:
        """Dates in the horizon that are no longer in the series are removed. The others stay."""
        import_events(vevent("a", "20261006T180000Z", **self.weekly), horizon_days=60)
        self.assertEqual(Event.objects.count(), 8)

        report = import_events(
            vevent("a", "20261006T180000Z", RRULE="FREQ=WEEKLY;COUNT=2"), horizon_days=30
        )

        days = [event.start.strftime("%m-%d") for event in Event.objects.all()]
        self.assertEqual(days, ["10-06", "10-13", "11-03", "11-10", "11-17", "11-24"])
        self.assertEqual(report.removed, 2)

    def test_past_dates_stay(self) -> None:
        """Past dates are not removed when they are no longer in the series."""
        import_events(vevent("a", "20261006T180000Z", **self.weekly), horizon_days=30)

        data = vcalendar(vevent("a", "20261020T180000Z", **self.weekly))
        import_calendar(data, today=date(2026, 10, 15), horizon_days=10)

        first = Event.objects.earliest("start")
        self.assertEqual(first.start.day, 6)

    def test_moved_date(self) -> None:
        """A date that was moved keeps its row."""
        series = vevent("a", "20261006T180000Z", **self.weekly)
        import_events(series)
        pk = Event.objects.get(start="2026-10-13T18:00Z").pk

        override = {"RECURRENCE-ID": "20261013T180000Z"}
        report = import_events(series, vevent("a", "20261014T190000Z", **override))

        self.assertEqual(Event.objects.get(pk=pk).start.day, 14)
        self.assertEqual((report.updated, report.created, report.removed), (1, 0, 0))

    def test_override_alone(self) -> None:
        """A file with only one changed date does not remove the other dates of the series."""
        import_events(vevent("a", "20261006T180000Z", **self.weekly))
        count = Event.objects.count()

        override = {"RECURRENCE-ID": "20261013T180000Z", "SUMMARY": "Special"}
        report = import_events(vevent("a", "20261013T180000Z", **override))

        self.assertEqual((report.updated, Event.objects.count()), (1, count))

    def test_cancelled(self) -> None:
        """A cancelled event is removed, however far in the future it is."""
        for cancellation in ({"STATUS": "CANCELLED"}, {}):
            import_events(vevent("far", "20280101"), vevent("other", "20261020"))
            method = "" if cancellation else "METHOD:CANCEL"

            report = import_events(vevent("far", "20280101", **cancellation), properties=method)

            self.assertEqual(Event.objects.get().uid, "other")
            self.assertEqual(report.removed, 1)

    def test_private(self) -> None:
        """An event that became private is reported and removed."""
        for privacy in ("PRIVATE", "confidential"):
            import_events(vevent("a", "20261020T180000Z"))

            report = import_events(vevent("a", "20261020T180000Z", CLASS=privacy))

            self.assertIn("private or confidential", str(next(iter(report.skipped))))
            self.assertFalse(Event.objects.exists())

    def test_cancelled_date_alone(self) -> None:
        """The cancellation of one date, sent alone, removes that date."""
        import_events(vevent("a", "20261006T180000Z", **self.weekly))

        cancelled = {"RECURRENCE-ID": "20261013T180000Z", "STATUS": "CANCELLED"}
        report = import_events(vevent("a", "20261013T180000Z", **cancelled))

        self.assertEqual(report.removed, 1)
        self.assertFalse(Event.objects.filter(start="2026-10-13T18:00Z").exists())

    def test_broken_update(self) -> None:
        """An event whose update cannot be read is not changed."""
        import_events(vevent("a", "20261020T180000Z", SUMMARY="As it was"))

        report = import_events(vevent("a", "never", SUMMARY="Broken"))

        self.assertEqual(Event.objects.get().title, "As it was")
        self.assertEqual((len(report.skipped), report.removed), (1, 0))

    def test_newer_revision(self) -> None:
        """The version with the higher SEQUENCE is imported, and the other one is reported."""
        report = import_events(
            vevent("a", "20261020", SUMMARY="Newer", SEQUENCE="3"),
            vevent("a", "20261020", SUMMARY="Older", SEQUENCE="2"),
        )

        self.assertEqual(Event.objects.get().title, "Newer")
        self.assertIn("line 10", told(report.skipped))

    def test_this_and_future(self) -> None:
        """Dates that RANGE=THISANDFUTURE changes have different UIDs."""
        import_events(
            vevent("a", "20261006T180000Z", RRULE="FREQ=WEEKLY;COUNT=4"),
            vevent(
                "a", "20261013T190000Z", **{"RECURRENCE-ID;RANGE=THISANDFUTURE": "20261013T180000Z"}
            ),
        )

        hours = [(event.start.day, event.start.hour) for event in Event.objects.all()]
        self.assertEqual(hours, [(6, 18), (13, 19), (20, 19), (27, 19)])

    def test_same_date_twice(self) -> None:
        """A date that is also an event of its own is reported, and stored once."""
        report = import_events(
            vevent("a", "20261006T180000Z", RRULE="FREQ=WEEKLY;COUNT=2"),
            vevent("a/20261006T180000Z", "20261006T180000Z"),
        )

        self.assertEqual(Event.objects.count(), 2)
        self.assertIn("UID a/20261006T180000Z: the file has it twice", told(report.skipped))

    def test_uid_like_a_date_of_another(self) -> None:
        """A series whose UID looks like a date of another series is not affected."""
        import_events(vevent("a/20261006T180000Z", "20261006T180000Z", **self.weekly))
        count = Event.objects.count()

        report = import_events(vevent("a", "20261006T180000Z", RRULE="FREQ=WEEKLY;COUNT=1"))

        self.assertEqual((report.created, report.removed), (1, 0))
        self.assertEqual(Event.objects.count(), count + 1)

    def test_no_date_within_the_horizon(self) -> None:
        """A series without dates in the horizon is noted."""
        report = import_events(vevent("a", "20200101", RRULE="FREQ=DAILY;COUNT=2"))

        self.assertEqual(Event.objects.count(), 0)
        self.assertIn("no date within the horizon", told(report.notes))

    def test_queries(self) -> None:
        """An import makes one SELECT, one INSERT and one DELETE for hundreds of events."""
        daily = vevent("a", "20261001T180000Z", RRULE="FREQ=DAILY")
        import_events(daily, horizon_days=50)

        # SAVEPOINT, SELECT, INSERT ... ON CONFLICT, RELEASE
        with self.assertNumQueries(4):
            import_events(daily, *(vevent(f"b{n}", "20261020") for n in range(10)))
        # SAVEPOINT, SELECT, DELETE, RELEASE
        with self.assertNumQueries(4):
            import_events(vevent("a", "20261001T180000Z", RRULE="FREQ=DAILY;COUNT=1"))

    def test_queries_of_many(self) -> None:
        """A thousand events take as many queries as the database needs batches."""
        events = [vevent(f"many{number}", "20261020") for number in range(1000)]

        with CaptureQueriesContext(connection) as queries:
            import_events(*events)

        # SQLite takes 66 rows an INSERT by Django's bound on its parameters, others more.
        self.assertLessEqual(len(queries), 22)
        self.assertEqual(Event.objects.count(), 1000)
