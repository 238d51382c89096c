"""Turns are read from the session's items."""

from __future__ import annotations

import json
from typing import Any

from django.test import SimpleTestCase

from calendarclub.chat.page_turns import page_turns
from calendarclub.chat.tool_output import Suggestions


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
