"""Events and their queryset."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import TestCase, override_settings
from django.utils import timezone

from calendarclub.events.models import Event
from tests.calendarclub.events.event_rows import AMSTERDAM, new_event


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=AMSTERDAM)


def titles(events: Iterable[Event]) -> list[str]:
    return [event.title for event in events]


class BetweenTests(TestCase):
    """between()."""

    def test_overlap(self) -> None:
        """Events that overlap the range are in it, and those that touch it are not."""
        new_event("2031-03-07T18:00", hours=2, title="ends as it begins")
        new_event("2031-03-07T19:00", hours=2, title="runs into it")
        new_event("2031-03-07T12:00", hours=24, title="around it")
        new_event("2031-03-07T21:00", hours=2, title="within")
        new_event("2031-03-07T23:00", hours=2, title="begins as it ends")

        found = Event.objects.between(at("2031-03-07T20:00"), at("2031-03-07T23:00"))

        self.assertEqual(titles(found), ["around it", "runs into it", "within"])

    def test_no_length(self) -> None:
        """An event without a length is in the range that it starts in, even at its first moment."""
        new_event("2031-03-07T20:00", hours=0)

        for start, end, count in (("20:00", "21:00", 1), ("19:00", "20:00", 0)):
            found = Event.objects.between(at(f"2031-03-07T{start}"), at(f"2031-03-07T{end}"))
            self.assertEqual(found.count(), count)


class MatchingTests(TestCase):
    """matching()."""

    def test_every_word(self) -> None:
        """Every word has to be in some field, in upper or lower case."""
        new_event(title="Jazz night", venue="Cellar Nine", category="music")
        new_event(title="Jazz breakfast", venue="Pier Four")

        self.assertEqual(titles(Event.objects.matching("JAZZ cellar")), ["Jazz night"])
        self.assertEqual(Event.objects.matching("jazz").count(), 2)
        self.assertEqual(Event.objects.matching("  ").count(), 2)
        self.assertEqual(Event.objects.matching("jazz opera").count(), 0)

    def test_signs(self) -> None:
        """Wildcards and quotes of SQL are ordinary characters."""
        new_event(title="100% art")

        self.assertEqual(Event.objects.matching("100%").count(), 1)
        self.assertEqual(Event.objects.matching("1_0%").count(), 0)
        self.assertEqual(Event.objects.matching("'; --").count(), 0)
        self.assertEqual(Event.objects.matching("100%\0").count(), 1)

    def test_too_many_words(self) -> None:
        """Very long texts cause no database error."""
        new_event(title="word")

        self.assertEqual(Event.objects.matching("word " * 10_000).count(), 1)
        self.assertEqual(Event.objects.matching("x" * 200_000).count(), 0)


class ChoiceTests(TestCase):
    def test_category(self) -> None:
        """A category is compared as a whole, in upper or lower case."""
        new_event(category="music")
        new_event(category="musical")

        self.assertEqual(Event.objects.in_category(" Music ").count(), 1)

    def test_free(self) -> None:
        """An unknown price is not free."""
        for price in (None, Decimal(0), Decimal("0.01")):
            new_event(price=price)

        self.assertEqual([event.is_free for event in Event.objects.free()], [True])

    def test_categories(self) -> None:
        """Each category is returned once, sorted, without the blank one."""
        for name in ("theatre", "", "art", "theatre"):
            new_event(category=name)

        self.assertEqual(list(Event.objects.categories()), ["art", "theatre"])

    async def test_categories_async(self) -> None:
        """categories() can be iterated with `async for`."""
        self.assertEqual([name async for name in Event.objects.categories()], [])

    def test_order(self) -> None:
        """Events are sorted by start, then by id."""
        later, first, second = (
            new_event(start)
            for start in ("2031-03-08T20:00", "2031-03-07T20:00", "2031-03-07T20:00")
        )

        self.assertEqual(list(Event.objects.all()), [first, second, later])


class SimilarTests(TestCase):
    """similar_to()."""

    def test_best_first(self) -> None:
        """The category counts more than a word of the title. One of them has to be shared."""
        event = new_event(title="Winter jazz quartet", category="music")
        new_event("2031-03-06T20:00", title="Winter market", category="market")
        new_event(title="Folk", category="music")
        new_event(title="Quartet for winter", category="music")
        new_event(title="Pottery", category="art")

        self.assertEqual(
            titles(Event.objects.similar_to(event)), ["Quartet for winter", "Folk", "Winter market"]
        )

    def test_left_out(self) -> None:
        """The event itself, other dates of its series and past events are left out."""
        event = new_event(title="Quartet", category="music", series_uid="quartet")
        new_event("2031-03-14T20:00", title="Quartet", category="music", series_uid="quartet")
        new_event("2001-03-07T20:00", title="Quartet", category="music")
        now = timezone.now()
        running = Event.objects.create(
            title="Quartet now", start=now - timedelta(hours=1), end=now + timedelta(hours=1)
        )

        self.assertEqual(list(Event.objects.similar_to(event)), [running])

    def test_nothing_in_common(self) -> None:
        """An event without a category or long words has no similar events."""
        event = new_event(title="It")
        new_event(title="It", category="")

        self.assertEqual(list(Event.objects.similar_to(event)), [])


class EventTests(TestCase):
    def test_local_times(self) -> None:
        """Local times are in the event's own zone, whatever the active one is."""
        event = new_event("2031-03-07T20:00", timezone="America/New_York")

        with timezone.override("Asia/Tokyo"):
            self.assertEqual(event.local_start.isoformat(), "2031-03-07T14:00:00-05:00")
            self.assertEqual(event.local_end.isoformat(), "2031-03-07T16:00:00-05:00")

    @override_settings(TIME_ZONE="Europe/Amsterdam")
    def test_unknown_zone(self) -> None:
        """An event in an unknown zone is shown in the project's zone."""
        event = new_event("2031-03-07T20:00", timezone="Mars/Olympus")

        self.assertEqual(event.local_start.isoformat(), "2031-03-07T20:00:00+01:00")
        for name in ("Mars/Olympus", "../../etc/passwd", "Europe", "", "x" * 64):
            event.timezone = name
            self.assertRaises(ValidationError, event.full_clean)

    def test_constraints(self) -> None:
        """The database rejects an end before the start, and a negative price."""
        with self.assertRaises(IntegrityError), transaction.atomic():
            new_event(hours=-1)
        with self.assertRaises(IntegrityError), transaction.atomic():
            new_event(price=Decimal(-1))

    def test_own_uid(self) -> None:
        """A new event gets a UID of its own."""
        self.assertNotEqual(new_event().uid, new_event().uid)

    def test_str(self) -> None:
        """An event is shown as its title and local start."""
        self.assertEqual(str(new_event(title="Jazz")), "Jazz (2031-03-07 20:00)")
