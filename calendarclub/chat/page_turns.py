"""The turns of a conversation as the page shows them, read from the session's items."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils.safestring import SafeString

from agent_sessions.text import markdown
from agent_sessions.transcript import Entry, entries
from calendarclub.chat.tool_output import FoundEvents, Suggestions, read_output


@dataclass
class PageTurn:
    """A visitor's message with its answers in Markdown, the events found and the suggestions."""

    question: str = ""
    answers: list[str] = field(default_factory=list)
    findings: FoundEvents | None = None
    suggestions: Suggestions | None = None
    # Some models write a text before they call a tool. Only a last text is an answer.
    is_answered: bool = False

    @property
    def answer_html(self) -> SafeString:
        return markdown.render("\n\n".join(self.answers))

    def take(self, entry: Entry) -> FoundEvents | Suggestions | None:
        """Add an entry, and return the events or suggestions that it holds.

        A later search of the same turn replaces the events of an earlier one: the agent searched
        again because the first result was not what the visitor wants.
        """
        is_text = entry.kind == "message" and entry.role == "assistant"
        self.is_answered = bool(is_text and entry.text)
        if self.is_answered:
            self.answers.append(entry.text)
        if entry.kind != "function_call_output":
            return None
        offer = read_output(entry.text)
        if isinstance(offer, FoundEvents):
            self.findings = offer
        if isinstance(offer, Suggestions):
            self.suggestions = offer
        return offer


def page_turns(items: Iterable[Any]) -> list[PageTurn]:
    """Group `items` into turns. Items before the first question are left out."""
    turns: list[PageTurn] = []
    for entry in entries(items):
        if entry.kind == "message" and entry.role == "user":
            turns.append(PageTurn(question=entry.text))
        elif turns:
            turns[-1].take(entry)
    return turns
