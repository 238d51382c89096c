"""Files that calendar programs write are imported, and any bytes are imported or reported."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from dateutil.rrule import rrulestr  # type: ignore[import-untyped]  # it ships no types
from django.test import TestCase, override_settings
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from calendarclub.events.ics import import_calendar
from calendarclub.events.models import Event
from tests.calendarclub.events.ics.imports import (
    CALENDARS,
    amsterdam,
    import_events,
    import_file,
    told,
)
from tests.calendarclub.events.vcalendars import vevent

# Every line of the events in a file of Google, except the first and the last.
LINES = [
    line
    for block in (CALENDARS / "google.ics").read_text().split("BEGIN:VEVENT")[1:]
    for line in block.split("END:VEVENT")[0].splitlines()
]
OPEN_MIC = "weekly-open-mic@google.com"


def by_day(moment: datetime) -> datetime:
    """Return a time of that day at which no clock changes."""
    return moment.replace(hour=6 + moment.hour // 2, second=0, microsecond=0)


@override_settings(TIME_ZONE="Europe/Amsterdam")
class RealFileTests(TestCase):
    """Files of Google, Outlook, Apple and WordPress."""

    def test_google_series_across_dst(self) -> None:
        """A weekly event keeps its hour when summer time ends, except for changed dates."""
        report = import_file("google.ics")

        starts = [e.local_start for e in Event.objects.filter(series_uid=OPEN_MIC)]
        self.assertEqual(
            starts,
            [
                amsterdam("2026-10-13T20:00"),
                amsterdam("2026-10-20T20:00"),
                amsterdam("2026-10-28T21:00"),  # moved from the 27th by an override
                amsterdam("2026-11-17T20:00"),  # the 3rd is an EXDATE, the 10th cancelled
                amsterdam("2026-11-24T20:00"),
            ],
        )
        self.assertEqual((report.created, len(report.skipped)), (7, 0))

    def test_google_texts(self) -> None:
        """Folded lines, escapes and a location with a postal code are read."""
        import_file("google.ics")

        event = Event.objects.filter(series_uid=OPEN_MIC).earliest("start")
        self.assertEqual(event.uid, f"{OPEN_MIC}/20261013T180000Z")
        self.assertIn("Everybody is welcome: beginners, regulars", event.description)
        self.assertIn("Café open from seven; tickets", event.description)
        self.assertEqual(event.venue, "The Copper Lantern, Quayside 12")
        self.assertEqual(event.city, "Waterhaven")

    def test_google_utc(self) -> None:
        """A time in UTC is shown in the calendar's own zone."""
        import_file("google.ics")

        event = Event.objects.get(uid="utc-event@google.com")

        self.assertEqual(event.timezone, "Europe/Amsterdam")
        self.assertEqual(event.local_start, amsterdam("2026-10-17T20:00"))

    def test_google_all_day(self) -> None:
        """All-day events last from midnight to midnight, even when clocks change."""
        import_file("google.ics")

        event = Event.objects.get(uid="all-day@google.com")

        self.assertTrue(event.all_day)
        self.assertEqual(event.local_start, amsterdam("2026-10-31T00:00"))
        self.assertEqual(event.local_end, amsterdam("2026-11-02T00:00"))

    def test_outlook(self) -> None:
        """Windows zone names, a zone that the file defines and a byte order mark are read."""
        report = import_file("outlook.ics")

        evening, call, day = (
            Event.objects.get(title=title)
            for title in ("Python evening", "Call from far away", "One whole day")
        )
        self.assertEqual((evening.timezone, evening.start.hour), ("Europe/Berlin", 17))
        self.assertIn("Straße, café, naïve", evening.description)
        self.assertEqual(evening.venue, "The Switchyard; room 4")
        self.assertEqual(call.start, datetime.fromisoformat("2026-10-21T06:30Z"))
        self.assertEqual(call.timezone, "Europe/Amsterdam")
        self.assertEqual((day.end - day.start).days, 1)
        self.assertEqual(report.skipped, {})

    def test_apple(self) -> None:
        """Floating times, durations in hours and all-day events with a zone are read."""
        report = import_file("apple.ics")

        night, open_end, day = Event.objects.all()
        self.assertEqual(night.local_start, amsterdam("2026-10-24T23:00"))
        self.assertEqual((night.end - night.start).total_seconds(), 6 * 3600)
        self.assertEqual(
            (night.venue, night.city), ("Tidewater Theatre, Lock Street 3", "Waterhaven")
        )
        self.assertEqual(night.category, "theatre")
        self.assertEqual(night.description, "Categories: theatre, night life")
        self.assertEqual(open_end.start, open_end.end)
        self.assertEqual((day.all_day, day.local_start.day), (True, 27))
        self.assertEqual(
            [str(note) for note in report.notes],
            [
                "file: 1 VTODO left out: only VEVENT is imported",
                "line 21, UID 9A1E5F4A-2B0B-4F43-9E3A-0D2C9B7A1E12: "
                "URL is not a valid http or https address and was left out",
            ],
        )

    def test_duration_of_days(self) -> None:
        """A duration in days ends at midnight, even if one of the days has 25 hours."""
        import_events(vevent("a", "20261024", DURATION="P2D"))

        event = Event.objects.get()
        self.assertEqual(event.local_end, amsterdam("2026-10-26T00:00"))
        self.assertTrue(event.all_day)

    def test_wordpress(self) -> None:
        """Plain prices are read, and times without a zone are in the calendar's zone."""
        report = import_file("wordpress.ics")

        prices = dict(Event.objects.values_list("title", "price"))
        self.assertEqual(prices, {"Dear": Decimal("17.50"), "Free": Decimal(0), "Who knows": None})
        self.assertEqual({e.timezone for e in Event.objects.all()}, {"Europe/Brussels"})
        self.assertIn("free for members", told(report.notes))


class AnyFileTests(HypothesisTestCase):
    """Any file at all."""

    @given(
        start=st.datetimes(datetime(2026, 1, 1), datetime(2026, 10, 1)).map(by_day),
        zone=st.sampled_from(["Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe"]),
        frequency=st.sampled_from(["DAILY", "WEEKLY", "MONTHLY"]),
        interval=st.integers(1, 4),
    )
    def test_series(self, start: datetime, zone: str, frequency: str, interval: int) -> None:
        """Dates of a series have the same local hour, on the days of its rule."""
        rule = f"FREQ={frequency};INTERVAL={interval}"
        days = rrulestr(rule, dtstart=start).between(
            datetime(2026, 10, 3), datetime(2026, 12, 28), inc=True
        )

        import_events(
            f"BEGIN:VEVENT\nUID:a\nDTSTART;TZID={zone}:{start:%Y%m%dT%H%M%S}\n"
            f"RRULE:{rule}\nEND:VEVENT",
            horizon_days=92,
        )

        found = [event.local_start.replace(tzinfo=None) for event in Event.objects.all()]
        # The first and last days depend on the zone's midnight, so they are left out.
        inner = [day for day in found if datetime(2026, 10, 3) <= day < datetime(2026, 12, 28)]
        self.assertEqual(inner, days)

    @given(st.binary(max_size=300))
    def test_garbage(self, data: bytes) -> None:
        """Any bytes are reported without an exception."""
        report = import_calendar(data)

        self.assertTrue(report.skipped)

    @given(st.lists(st.sampled_from(LINES) | st.text(st.characters(codec="utf-8"))))
    def test_damage(self, lines: list[str]) -> None:
        """An event with any content does not affect the events before and after it."""
        before, after = (vevent(uid, "20261020T180000Z", SUMMARY=uid) for uid in ("b", "a"))
        inside = [" ".join(line.split()) for line in lines]
        kept = [line for line in inside if not line.upper().startswith(("BEGIN", "END"))]

        import_events(before, "\n".join(["BEGIN:VEVENT", *kept, "END:VEVENT"]), after)

        self.assertEqual(Event.objects.filter(uid__in=["b", "a"]).count(), 2)
