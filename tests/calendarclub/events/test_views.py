"""The addresses of .ics files and of Google's form."""

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
        """It is a calendar file with a name that tells the event."""
        event = await sync_to_async(new_event)(title="Jazz: “late”\r\nSet-Cookie: a=b")

        response = await self.async_client.get(reverse("events:ics_one", args=[event.pk]))

        self.assertEqual(response["Content-Type"], "text/calendar; charset=utf-8")
        self.assertEqual(
            response["Content-Disposition"], 'attachment; filename="jazz-late-set-cookie-ab.ics"'
        )
        self.assertEqual(len(icalendar.Calendar.from_ical(response.content).walk("VEVENT")), 1)

    def test_name_without_latin_letters(self) -> None:
        """An event whose title gives no file name is named by its id."""
        event = new_event(title="爵士")

        response = self.client.get(reverse("events:ics_one", args=[event.pk]))

        self.assertIn(f'filename="event-{event.pk}.ics"', response["Content-Disposition"])

    def test_unknown(self) -> None:
        """An unknown id, however large, is not found."""
        for pk in (1, 2**63, 10**30):
            for name in ("events:ics_one", "events:google"):
                self.assertEqual(self.client.get(reverse(name, args=[pk])).status_code, 404)

    def test_methods(self) -> None:
        """It is read, and not written to."""
        url = reverse("events:ics_one", args=[new_event().pk])

        self.assertEqual(self.client.post(url).status_code, 405)
        self.assertEqual(self.client.head(url).status_code, 200)


class SeveralEventsTests(TestCase):
    """The file of the events that ?id= names."""

    def test_file(self) -> None:
        """It holds each event once, by start, in one query."""
        later, earlier = new_event("2031-03-08T20:00"), new_event("2031-03-07T20:00")

        with self.assertNumQueries(1):
            response = self.client.get(ICS, {"id": [later.pk, earlier.pk, later.pk]})

        read = icalendar.Calendar.from_ical(response.content).walk("VEVENT")
        self.assertEqual([str(event["UID"]) for event in read], [earlier.uid, later.uid])

    def test_unknown(self) -> None:
        """One unknown id is not found, rather than left out."""
        event = new_event()

        for unknown in (event.pk + 1, 10**17):
            response = self.client.get(ICS, {"id": [event.pk, unknown]})
            self.assertEqual(response.status_code, 404)

    def test_bad_ids(self) -> None:
        """What is no id is answered with a sentence."""
        sentences = {
            "": "Name the events",
            "id=": "whole number",
            "id=one": "whole number",
            "id=-1": "whole number",
            "id=1&id=1.5": "whole number",
            "id=%D9%A1": "whole number",  # an Arabic digit one
            "id=1%00": "whole number",
            f"id={'9' * 5_000}": "no id as long",
            "&".join(f"id={number}" for number in range(101)): "100 events at most",
        }
        for query, sentence in sentences.items():
            with self.subTest(query[:20]):
                response = self.client.get(f"{ICS}?{query}")

                self.assertContains(response, sentence, status_code=400)
                self.assertEqual(response["Content-Type"], "text/plain; charset=utf-8")


class GoogleViewTests(TestCase):
    """The link to Google's form."""

    def test_redirect(self) -> None:
        """It leads to Google, and nowhere that the event could choose."""
        event = new_event(title="Jazz", url="https://elsewhere.example.org")

        response = self.client.get(reverse("events:google", args=[event.pk]))

        self.assertEqual(response.status_code, 302)
        self.assertTrue(response["Location"].startswith("https://calendar.google.com/calendar/"))
