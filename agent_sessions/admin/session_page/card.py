"""A card: one message on the page, or a call together with its output."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from agent_sessions.admin.session_page.parts import CardPart
from agent_sessions.admin.session_page.titles import Face


class Mark(NamedTuple):
    """A word or two that a reader should notice about a card."""

    text: str
    is_fault: bool = True


class RawItem(NamedTuple):
    """A message whose stored item the card links to."""

    pk: int
    label: str
    size: int


@dataclass(slots=True)
class MessageCard:
    """A message, or a call and its output.

    `parts` are the content of the message or the input of a tool, `answers` the tool's result.
    `answer_pk` is the message with the result, if that is another one. `elsewhere` is the other
    message of the pair, if it is outside the window.
    """

    face: Face
    pk: int
    title: str
    created_at: datetime
    agent: str = ""
    handed_to: str = ""
    parts: list[CardPart] = field(default_factory=list)
    answers: list[CardPart] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    raws: list[RawItem] = field(default_factory=list)
    is_named: bool = False
    answer_pk: int | None = None
    elsewhere: int | None = None

    @property
    def is_aside(self) -> bool:
        """Whether the conversation can be followed without this card."""
        return self.face in ("system", "tool", "reasoning", "approval", "other")

    @property
    def is_folded(self) -> bool:
        return self.face == "reasoning"

    @property
    def size(self) -> int:
        return sum(raw.size for raw in self.raws)
