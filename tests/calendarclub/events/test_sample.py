"""The sample calendar has events on every day, and is imported like any other."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from io import StringIO

from django.core.management import call_command
from django.test import TestCase
from django.utils import timezone

from calendarclub.events.ics import import_calendar
from calendarclub.events.models import Event
from calendarclub.events.sample import DAYS, sample_calendar

# Before summer time ends, before it begins, and before the end of a year.
DAYS_OF_LOADING = (date(2026, 10, 1), date(2027, 3, 15), date(2026, 12, 20))


class SampleTests(TestCase):
    def load(self, today: date) -> None:
        Event.objects.all().delete()
        report = import_calendar(sample_calendar(today), today=today, horizon_days=DAYS)
        self.assertEqual((report.skipped, report.notes), ({}, {}))

    def on(self, day: date, hour: int = 0) -> list[Event]:
        begins = timezone.make_aware(datetime.combine(day, time(hour)))
        ends = timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))
        return list(Event.objects.between(begins, ends))

    def test_enough(self) -> None:
        """There are 120 to 200 events in one city, at many venues and in all categories."""
        for today in DAYS_OF_LOADING:
            self.load(today)

            events = Event.objects.all()
            self.assertTrue(120 <= len(events) <= 200, len(events))
            self.assertEqual({event.city for event in events}, {"Waterhaven"})
            self.assertGreater(len({event.venue for event in events}), 10)
            self.assertEqual(
                set(Event.objects.categories()),
                {
                    "music", "comedy", "food", "market", "sports", "art", "theatre", "film",
                    "family", "tech", "outdoors",
                },
            )  # fmt: skip

    def test_every_day(self) -> None:
        """Every evening has music, and every day of a weekend a free event and one for families."""
        for today in DAYS_OF_LOADING:
            self.load(today)

            for day in (today + timedelta(days=offset) for offset in range(DAYS)):
                evening = {event.category for event in self.on(day, hour=18)}
                self.assertIn("music", evening, day)
                if day.weekday() > 4:
                    self.assertGreaterEqual(len(self.on(day)), 6, day)
                    self.assertIn("family", {event.category for event in self.on(day)}, day)
                    self.assertTrue(any(event.is_free for event in self.on(day)), day)

    def test_same_again(self) -> None:
        """The file for a day is always the same."""
        self.assertEqual(sample_calendar(date(2026, 10, 1)), sample_calendar(date(2026, 10, 1)))

    def test_tomorrow(self) -> None:
        """The file of the next day adds events and changes none."""
        self.load(date(2026, 10, 1))
        count = Event.objects.count()

        tomorrow = date(2026, 10, 2)
        report = import_calendar(sample_calendar(tomorrow), today=tomorrow, horizon_days=DAYS)

        self.assertEqual((report.updated, report.removed), (0, 0))
        self.assertEqual(Event.objects.count(), count + report.created)
        self.assertTrue(3 <= report.created <= 9)

    def test_addresses(self) -> None:
        """All addresses are on example.org."""
        self.load(date(2026, 10, 1))

        for url in Event.objects.values_list("url", flat=True):
            self.assertTrue(url.startswith("https://example.org/"))


class CommandTests(TestCase):
    """The command load_sample_events."""

    def test_twice(self) -> None:
        """The first run creates events around today, and the second one changes nothing."""
        first, second = StringIO(), StringIO()

        call_command("load_sample_events", stdout=first)
        count = Event.objects.count()
        call_command("load_sample_events", stdout=second)

        self.assertIn(f"Sample events: {count} created", first.getvalue())
        self.assertIn(f"0 created, 0 updated, 0 removed, {count} unchanged", second.getvalue())
        self.assertTrue(Event.objects.not_over(timezone.now()).exists())
