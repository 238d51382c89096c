"""Turns, and the outputs of tools in them, are read from the session's items."""

from __future__ import annotations

import json
from typing import Any

from django.test import SimpleTestCase

from calendarclub.chat.page_turns import page_turns
from calendarclub.chat.tool_output import FoundEvents, Suggestions, read_output


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"type": "message", "role": "assistant", "content": content}


def output(**data: Any) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": "call", "output": json.dumps(data)}


class TurnsTests(SimpleTestCase):
    def test_turn(self) -> None:
        """A turn collects events, suggestions and answers that follow its question."""
        items = [
            user("Music?"),
            {"type": "function_call", "call_id": "call", "name": "search_events", "arguments": ""},
            output(events=[{"id": 7, "title": "Trio"}], total=3),
            output(quick_picks=["Free ones"], placeholder="Which day?"),
            assistant("**One**"),
            assistant("more"),
            user("And?"),
        ]

        first, second = page_turns(items)

        self.assertEqual(first.question, "Music?")
        self.assertEqual(first.answers, ["**One**", "more"])
        assert first.findings is not None
        self.assertEqual([card.title for card in first.findings.cards], ["Trio"])
        self.assertEqual(first.findings.total, 3)
        self.assertEqual(first.suggestions, Suggestions(("Free ones",), "Which day?"))
        self.assertTrue(first.is_answered)
        self.assertFalse(second.is_answered)

    def test_second_search(self) -> None:
        """A turn shows the events of its last search."""
        items = [user("?"), output(events=[{"id": 1}, {"id": 2}]), output(events=[{"id": 2}])]

        (turn,) = page_turns(items)

        assert turn.findings is not None
        self.assertEqual([card.id for card in turn.findings.cards], [2])

    def test_items_before_the_first_question(self) -> None:
        """Items before the first question belong to no turn."""
        self.assertEqual(page_turns([assistant("late"), {"type": "reasoning", "summary": []}]), [])

    def test_words_before_a_tool(self) -> None:
        """A text before a tool call is not an answer."""
        call = {"type": "function_call", "name": "search_events", "call_id": "c", "arguments": ""}
        items = [user("Jazz?"), assistant("Let me look."), call]

        self.assertFalse(page_turns(items)[0].is_answered)
        self.assertTrue(page_turns([*items, assistant("None.")])[0].is_answered)

    def test_lone_surrogate(self) -> None:
        """A text that UTF-8 cannot write does not break the page."""
        (turn,) = page_turns([user("half \ud83d"), assistant("half \ud83d")])

        self.assertEqual(turn.question, "half \N{REPLACEMENT CHARACTER}")
        self.assertIn("half \N{REPLACEMENT CHARACTER}", turn.answer_html)


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
