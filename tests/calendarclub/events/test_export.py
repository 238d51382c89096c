"""Exported calendars can be read by icalendar and imported again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import icalendar
from django.test import TestCase, override_settings
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from calendarclub.events.export import calendar_of, google_calendar_url
from calendarclub.events.ics import import_calendar
from calendarclub.events.ics.store import IMPORTED_FIELDS
from calendarclub.events.models import Event
from tests.calendarclub.events.event_rows import new_event


def imported_values() -> list[dict[str, Any]]:
    return list(Event.objects.values("uid", *IMPORTED_FIELDS))


def vevents(data: bytes) -> list[icalendar.Component]:
    return icalendar.Calendar.from_ical(data).walk("VEVENT")


@override_settings(TIME_ZONE="Europe/Amsterdam")
class CalendarTests(TestCase):
    """calendar_of()."""

    def test_event(self) -> None:
        """icalendar reads every field, with local time and zone."""
        event = new_event(
            title="Jazz; with, signs\\", description="Two\nlines", venue="Cellar Nine, room 2",
            city="Waterhaven", category="music", url="https://example.org/a?b=1,2;c",
            price=Decimal("12.5"), uid="a@example.org",
        )  # fmt: skip

        (read,) = vevents(calendar_of([event]))

        self.assertEqual(read["SUMMARY"], "Jazz; with, signs\\")
        self.assertEqual(read["DESCRIPTION"], "Two\nlines")
        self.assertEqual(read["LOCATION"], "Cellar Nine, room 2, Waterhaven")
        self.assertEqual(read["URL"], "https://example.org/a?b=1,2;c")
        self.assertEqual(read["X-COST"], "12.50 EUR")
        self.assertEqual(read["UID"], "a@example.org")
        self.assertEqual(read.decoded("dtstart"), event.start)
        self.assertEqual(read["DTSTART"].params["TZID"], "Europe/Amsterdam")

    def test_zones(self) -> None:
        """The file contains the rules of each zone, only for the years of the events."""
        events = [new_event(), new_event(timezone="America/New_York"), new_event(timezone="UTC")]

        data = calendar_of(events)

        zones = icalendar.Calendar.from_ical(data).walk("VTIMEZONE")
        self.assertEqual({zone["TZID"] for zone in zones}, {"Europe/Amsterdam", "America/New_York"})
        self.assertLess(len(data), 4_000)

    def test_all_day(self) -> None:
        """All-day events have dates, and the end is the day after the last one."""
        event = new_event("2031-03-07T00:00", hours=48, all_day=True)

        (read,) = vevents(calendar_of([event]))

        self.assertEqual(read["DTSTART"].to_ical(), b"20310307")
        self.assertEqual(read["DTEND"].to_ical(), b"20310309")

    def test_hour_that_comes_twice(self) -> None:
        """The second 02:30 of the night when summer time ends is not read as the first."""
        start = datetime(2031, 10, 26, 1, 30, tzinfo=UTC)
        event = Event.objects.create(title="Late", start=start, end=start + timedelta(hours=1))

        (read,) = vevents(calendar_of([event]))

        self.assertEqual((event.local_start.hour, event.local_start.fold), (2, 1))
        self.assertEqual(read.decoded("dtstart"), start)

    def test_hostile_texts(self) -> None:
        """No text or address can begin a line of its own."""
        attack = "x\r\nEND:VEVENT\rBEGIN:VEVENT\nSUMMARY:y"
        event = new_event(url="https://example.org/\r\nX-EVIL:1")
        for name in ("title", "description", "venue", "city", "category", "uid"):
            setattr(event, name, attack)

        data = calendar_of([event])

        self.assertEqual(len(vevents(data)), 1)
        self.assertEqual(data.splitlines().count(b"BEGIN:VEVENT"), 1)
        self.assertNotIn(b"X-EVIL", data)

    def test_no_events(self) -> None:
        """Without events the calendar is empty."""
        self.assertEqual(vevents(calendar_of([])), [])

    def test_queries(self) -> None:
        """Writing makes no queries."""
        events = [new_event() for _ in range(3)]

        with self.assertNumQueries(0):
            calendar_of(events)


def one_line(longest: int) -> st.SearchStrategy[str]:
    letters = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Z"))
    return st.text(letters | st.sampled_from(',;\\:"'), max_size=longest)


@st.composite
def events(draw: st.DrawFn) -> Event:
    """Draw an event that an import could have created."""
    start = draw(st.datetimes(datetime(2000, 1, 1), datetime(2060, 1, 1))).replace(microsecond=0)
    zone = draw(st.sampled_from(["Europe/Amsterdam", "America/New_York", "Asia/Kolkata"]))
    event = Event(
        title=draw(one_line(200)) or "x",
        description=draw(one_line(300)),
        start=start.replace(tzinfo=UTC),
        end=start.replace(tzinfo=UTC) + draw(st.timedeltas(timedelta(0), timedelta(days=9))),
        timezone=zone,
        venue=draw(one_line(100)),
        city=draw(one_line(50)),
        category=draw(st.sampled_from(["", "music", "live music"])),
        url=draw(st.sampled_from(["", "https://example.org/?a=1,2;b#c"])),
        price=draw(st.none() | st.decimals(0, 9999, places=2)),
        currency="EUR",
    )
    event.end = event.end.replace(microsecond=0)
    # The second of the hours that come twice is written in UTC, so its zone is lost.
    if event.local_start.fold or event.local_end.fold:
        event.timezone = "Asia/Kolkata"
    return event


@override_settings(TIME_ZONE="Europe/Amsterdam")
class RoundTripTests(HypothesisTestCase):
    """Any exported events are imported unchanged."""

    @given(st.lists(events(), min_size=1, max_size=3))
    def test_round_trip(self, written: list[Event]) -> None:
        """Importing an export changes no column of any event."""
        Event.objects.bulk_create(written)
        before = imported_values()
        data = calendar_of(Event.objects.all())

        again = import_calendar(data)
        Event.objects.all().delete()
        fresh = import_calendar(data)

        self.assertEqual((again.unchanged, again.updated), (len(written), 0), again)
        self.assertEqual((fresh.skipped, fresh.notes), ({}, {}))
        self.assertEqual(imported_values(), before)


@override_settings(TIME_ZONE="Europe/Amsterdam")
class KnownRoundTripTests(TestCase):
    """Single cases of the round trip."""

    def test_venue_with_a_comma(self) -> None:
        """A venue with a comma stays a venue, with a city and without."""
        for city in ("", "Waterhaven"):
            event = new_event(venue="Pier Four,Long Quay", city=city)

            report = import_calendar(calendar_of([event]))

            self.assertEqual((report.unchanged, report.updated), (1, 0))

    def test_date_of_a_series(self) -> None:
        """A date of a series is updated in place, and still belongs to its series."""
        weekly = (
            b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART:20310101T180000Z\r\n"
            b"RRULE:FREQ=WEEKLY;COUNT=3\r\nSUMMARY:x\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        )
        today = datetime(2031, 1, 1).date()
        import_calendar(weekly, today=today)

        report = import_calendar(calendar_of(Event.objects.all()), today=today)

        self.assertEqual((report.unchanged, Event.objects.count()), (3, 3))
        self.assertEqual(Event.objects.filter(series_uid="a").count(), 3)


class GoogleTests(TestCase):
    """google_calendar_url()."""

    def query(self, **fields: Any) -> dict[str, str]:
        url = urlsplit(google_calendar_url(new_event(**fields)))
        self.assertEqual(url.hostname, "calendar.google.com")
        return {name: values[0] for name, values in parse_qs(url.query).items()}

    def test_times(self) -> None:
        """Times are in UTC, with the zone beside them."""
        query = self.query(title="A & B", venue="Cellar Nine", city="Waterhaven")

        self.assertEqual(query["dates"], "20310307T190000Z/20310307T210000Z")
        self.assertEqual((query["text"], query["ctz"]), ("A & B", "Europe/Amsterdam"))
        self.assertEqual(query["location"], "Cellar Nine, Waterhaven")

    def test_all_day(self) -> None:
        """All-day events have dates, and the end is the day after the last one."""
        query = self.query(start="2031-03-07T00:00", hours=24, all_day=True)

        self.assertEqual(query["dates"], "20310307/20310308")

    def test_long_description(self) -> None:
        """A long description is cut, because Google limits the URL. The event's link is kept."""
        query = self.query(description="é" * 5_000, url="https://example.org/a")

        self.assertTrue(query["details"].endswith("\n\nhttps://example.org/a"))
        self.assertLess(len(query["details"]), 1_100)
