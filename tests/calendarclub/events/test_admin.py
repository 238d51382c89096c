"""Events in the admin."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from calendarclub.events.models import Event
from tests.calendarclub.events.event_rows import new_event

LIST = reverse("admin:events_event_changelist")


class EventAdminTests(TestCase):
    def setUp(self) -> None:
        self.client.force_login(get_user_model().objects.create_superuser("root"))

    def test_list(self) -> None:
        """The list shows title, start, city, category and price, with HTML escaped."""
        new_event(title="<script>alert(1)</script>", city="Waterhaven", category="music", price=5)

        page = self.client.get(LIST).content.decode()

        for shown in ("&lt;script&gt;", "Waterhaven", "music", "5.00", "March 7, 2031"):
            self.assertIn(shown, page)
        self.assertNotIn("<script>alert", page)

    def test_search_and_filters(self) -> None:
        """Search, date hierarchy and filters find events."""
        new_event(title="Jazz", category="music", city="Waterhaven")
        new_event(title="Pottery", category="art")

        for query in ("q=jazz", "category=music", "city=Waterhaven", "start__year=2031&q=jazz"):
            with self.subTest(query):
                page = self.client.get(f"{LIST}?{query}").content.decode()
                self.assertIn("Jazz", page)
                self.assertNotIn("Pottery", page)

    def test_queries(self) -> None:
        """The list makes as many queries for fifty events as for one."""
        counts = []
        for number in (1, 49):
            Event.objects.bulk_create(
                Event(title="x", start="2031-03-07T20:00Z", end="2031-03-07T20:00Z")
                for _ in range(number)
            )
            with CaptureQueriesContext(connection) as queries:
                self.client.get(LIST)
            counts.append(len(queries))

        self.assertEqual(counts[0], counts[1])
        self.assertLessEqual(counts[0], 12)

    def test_add(self) -> None:
        """The form accepts an event with a title and times, and rejects an end before the start."""
        form = {
            "uid": "mine", "title": "Mine", "start_0": "2031-03-07", "start_1": "20:00",
            "end_0": "2031-03-07", "end_1": "19:00", "timezone": "Europe/Amsterdam",
            "currency": "EUR",
        }  # fmt: skip
        add = reverse("admin:events_event_add")

        refused = self.client.post(add, form)
        accepted = self.client.post(add, form | {"end_1": "22:00"})

        self.assertContains(refused, "An event ends after it starts.")
        self.assertEqual(accepted.status_code, 302)
        self.assertEqual(Event.objects.get().title, "Mine")
