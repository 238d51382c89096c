"""The conversation as the offline model reads it: turns, calls and what they answered."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

LOOKUPS = ("search_events", "refine_results", "find_similar")


@dataclass(frozen=True)
class Listing:
    """The events that a tool call listed, and how many matched in all."""

    cards: tuple[Mapping[str, Any], ...]
    total: int

    @property
    def ids(self) -> list[int]:
        return [card["id"] for card in self.cards]

    @property
    def is_complete(self) -> bool:
        return self.total <= len(self.cards)


@dataclass
class Call:
    """A tool call; `output` stays empty until its output item comes, or if that is not JSON."""

    name: str
    arguments: dict[str, Any]
    output: dict[str, Any] = field(default_factory=dict)

    @property
    def listing(self) -> Listing | None:
        events = self.output.get("events")
        if self.name not in LOOKUPS or not isinstance(events, list):
            return None
        cards = tuple(card for card in events if _is_card(card))
        total = self.output.get("total")
        return Listing(cards, total if isinstance(total, int) else len(cards))


@dataclass
class Turn:
    """A user message and all that answers it."""

    text: str
    calls: list[Call] = field(default_factory=list)
    answer: str = ""

    @property
    def lookups(self) -> list[Call]:
        return [call for call in self.calls if call.name in LOOKUPS]

    @property
    def listing(self) -> Listing | None:
        """What the page shows of this turn: the last list of it."""
        listings = [call.listing for call in self.lookups if call.listing is not None]
        return listings[-1] if listings else None


def turns(items: str | Iterable[Any]) -> list[Turn]:
    """Read the turns from the model's input; what is not understood is passed over."""
    if isinstance(items, str):
        return [Turn(items)]
    found: list[Turn] = []
    calls: dict[str, Call] = {}
    for item in items:
        if not isinstance(item, Mapping):
            continue
        role, kind = item.get("role"), item.get("type", "message")
        if role == "user":
            found.append(Turn(_text(item.get("content"))))
        elif not found:
            continue
        elif role == "assistant":
            found[-1].answer += _text(item.get("content"))
        elif kind == "function_call":
            call = Call(str(item.get("name")), _object(item.get("arguments")))
            calls[str(item.get("call_id"))] = call
            found[-1].calls.append(call)
        elif kind == "function_call_output" and str(item.get("call_id")) in calls:
            calls[str(item.get("call_id"))].output = _object(_text(item.get("output")))
    return found


def _text(content: Any) -> str:
    """Join the texts of a content, which is a text or a list of parts of many kinds."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = [part.get("text") for part in content if isinstance(part, Mapping)]
    return " ".join(part for part in parts if isinstance(part, str))


def _object(text: Any) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _is_card(card: Any) -> bool:
    return (
        isinstance(card, Mapping)
        and isinstance(card.get("id"), int)
        and isinstance(card.get("title"), str)
    )
