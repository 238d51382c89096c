"""The outputs of tools are read for the page."""

from __future__ import annotations

import json

from django.test import SimpleTestCase

from calendarclub.chat.tool_output import FoundEvents, read_output


class ReadOutputTests(SimpleTestCase):
    def test_output_of_another_kind(self) -> None:
        """An output without events or suggestions has nothing for the page."""
        for text in ["", "plain", "[1]", "{}", '{"events": 3}', "[" * 100_000]:
            with self.subTest(text[:20]):
                self.assertIsNone(read_output(text))

    def test_damaged_cards(self) -> None:
        """Events without an id are left out, and texts of a wrong type are blank."""
        text = json.dumps({"events": [None, {"id": "7"}, {"id": 7, "title": 5}], "total": "x"})

        findings = read_output(text)

        assert isinstance(findings, FoundEvents)
        self.assertEqual([(card.id, card.title) for card in findings.cards], [(7, "")])
        self.assertEqual(findings.total, 1)

    def test_address_of_an_event(self) -> None:
        """Only http and https addresses of events are shown."""
        addresses = ["https://example.org/a", "javascript:alert(1)", "https://[", "/x"]
        events = [{"id": number, "url": url} for number, url in enumerate(addresses, start=1)]

        findings = read_output(json.dumps({"events": events}))

        assert isinstance(findings, FoundEvents)
        shown = [card.url for card in findings.cards]
        self.assertEqual(shown, ["https://example.org/a", "", "", ""])

    def test_start(self) -> None:
        """A start in ISO 8601, with or without a time, has a day. Any other text has none."""
        starts = ["2026-11-28T20:30:00+01:00", "2026-11-28", "soon", ""]
        events = [{"id": number, "start": start} for number, start in enumerate(starts, start=1)]

        findings = read_output(json.dumps({"events": events}))

        assert isinstance(findings, FoundEvents)
        days = [card.day.day if card.day else None for card in findings.cards]
        self.assertEqual(days, [28, 28, None, None])

    def test_calendar_of_all(self) -> None:
        """One address downloads all events."""
        findings = read_output(json.dumps({"events": [{"id": 3}, {"id": 5}]}))

        assert isinstance(findings, FoundEvents)
        self.assertEqual(findings.calendar_url, "/events/calendar.ics?id=3&id=5")
