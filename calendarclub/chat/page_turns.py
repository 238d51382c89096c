"""The turns of a conversation, read from the session's items."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils.safestring import SafeString

from agent_sessions.text import markdown
from agent_sessions.transcript import Entry, entries
from calendarclub.chat.tool_output import Findings, Suggestions, read_output


@dataclass
class Turn:
    """A visitor's message and all that answers it: Markdown, events and suggestions."""

    question: str = ""
    answers: list[str] = field(default_factory=list)
    findings: Findings | None = None
    suggestions: Suggestions | None = None
    # Some models talk before they call a tool: only what comes last is the answer.
    is_answered: bool = False

    @property
    def answer_html(self) -> SafeString:
        return markdown.render("\n\n".join(self.answers))

    def take(self, entry: Entry) -> Findings | Suggestions | None:
        """Add what `entry` says; return what it offers beside its text.

        A later search of the same turn replaces the events of an earlier one: the agent looked
        again because the first was not what the visitor wants.
        """
        self.is_answered = bool(
            entry.kind == "message" and entry.role == "assistant" and entry.text
        )
        if self.is_answered:
            self.answers.append(entry.text)
        if entry.kind != "function_call_output":
            return None
        offer = read_output(entry.text)
        if isinstance(offer, Findings):
            self.findings = offer
        if isinstance(offer, Suggestions):
            self.suggestions = offer
        return offer


def turns(items: Iterable[Any]) -> list[Turn]:
    """Return the turns that `items` make; what comes before the first question has none."""
    found: list[Turn] = []
    for entry in entries(items):
        if entry.kind == "message" and entry.role == "user":
            found.append(Turn(question=entry.text))
        elif found:
            found[-1].take(entry)
    return found
