"""The URLs of .ics files and of Google's form."""

from __future__ import annotations

import icalendar
from asgiref.sync import sync_to_async
from django.test import TestCase
from django.urls import reverse

from tests.calendarclub.events.event_rows import new_event

ICS = reverse("events:ics")


class OneEventTests(TestCase):
    """The file of one event."""

    async def test_file(self) -> None:
        """The response is a calendar file that is named after the event."""
        event = await sync_to_async(new_event)(title="Jazz: “late”\r\nSet-Cookie: a=b")

        response = await self.async_client.get(reverse("events:ics_one", args=[event.pk]))

        self.assertEqual(response["Content-Type"], "text/calendar; charset=utf-8")
        self.assertEqual(
            response["Content-Disposition"], 'attachment; filename="jazz-late-set-cookie-ab.ics"'
        )
        self.assertEqual(len(icalendar.Calendar.from_ical(response.content).walk("VEVENT")), 1)

    def test_name_without_latin_letters(self) -> None:
        """A file is named by the event's id if the title has no Latin letters."""
        event = new_event(title="爵士")

        response = self.client.get(reverse("events:ics_one", args=[event.pk]))

        self.assertIn(f'filename="event-{event.pk}.ics"', response["Content-Disposition"])

    def test_unknown(self) -> None:
        """An unknown id gets a 404, however large it is."""
        for pk in (1, 2**63, 10**30):
            for name in ("events:ics_one", "events:google"):
                self.assertEqual(self.client.get(reverse(name, args=[pk])).status_code, 404)

    def test_methods(self) -> None:
        """HEAD requests are answered, and POST requests get a 405."""
        url = reverse("events:ics_one", args=[new_event().pk])

        self.assertEqual(self.client.post(url).status_code, 405)
        self.assertEqual(self.client.head(url).status_code, 200)


class SeveralEventsTests(TestCase):
    """The file of the events that ?id= names."""

    def test_file(self) -> None:
        """The file contains each event once, sorted by start, after one query."""
        later, earlier = new_event("2031-03-08T20:00"), new_event("2031-03-07T20:00")

        with self.assertNumQueries(1):
            response = self.client.get(ICS, {"id": [later.pk, earlier.pk, later.pk]})

        read = icalendar.Calendar.from_ical(response.content).walk("VEVENT")
        self.assertEqual([str(event["UID"]) for event in read], [earlier.uid, later.uid])

    def test_unknown(self) -> None:
        """One unknown id gets a 404 for the whole file."""
        event = new_event()

        for unknown in (event.pk + 1, 10**17):
            response = self.client.get(ICS, {"id": [event.pk, unknown]})
            self.assertEqual(response.status_code, 404)

    def test_bad_ids(self) -> None:
        """A wrong id gets a 400 with a sentence."""
        sentences = {
            "": "Name the events",
            "id=": "whole number",
            "id=one": "whole number",
            "id=-1": "whole number",
            "id=1&id=1.5": "whole number",
            "id=%D9%A1": "whole number",  # an Arabic digit one
            "id=1%00": "whole number",
            f"id={'9' * 5_000}": "at most 18 digits",
            "&".join(f"id={number}" for number in range(101)): "at most 100 events",
        }
        for query, sentence in sentences.items():
            with self.subTest(query[:20]):
                response = self.client.get(f"{ICS}?{query}")

                self.assertContains(response, sentence, status_code=400)
                self.assertEqual(response["Content-Type"], "text/plain; charset=utf-8")


class GoogleViewTests(TestCase):
    """The link to Google's form."""

    def test_redirect(self) -> None:
        """The redirect goes to Google, whatever the event's address is."""
        event = new_event(title="Jazz", url="https://elsewhere.example.org")

        response = self.client.get(reverse("events:google", args=[event.pk]))

        self.assertEqual(response.status_code, 302)
        self.assertTrue(response["Location"].startswith("https://calendar.google.com/calendar/"))
