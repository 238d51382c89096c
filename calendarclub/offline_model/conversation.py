"""The conversation as the offline model reads it from its input."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

LOOKUPS = ("search_events", "refine_results", "find_similar")


@dataclass(frozen=True)
class EventList:
    """The events that a tool call listed, and how many matched in all."""

    events: tuple[Mapping[str, Any], ...]
    total: int

    @property
    def ids(self) -> list[int]:
        return [event["id"] for event in self.events]

    @property
    def is_complete(self) -> bool:
        return self.total <= len(self.events)


@dataclass
class ToolCall:
    """A tool call. `output` is empty until there is one, and if it is not a JSON object."""

    name: str
    arguments: dict[str, Any]
    output: dict[str, Any] = field(default_factory=dict)

    @property
    def event_list(self) -> EventList | None:
        events = self.output.get("events")
        if not isinstance(events, list):
            return None
        usable = tuple(event for event in events if _is_usable(event))
        total = self.output.get("total")
        return EventList(usable, total if isinstance(total, int) else len(usable))


@dataclass
class Exchange:
    """A message of the user, and the calls and texts that follow it."""

    message: str
    calls: dict[str, ToolCall] = field(default_factory=dict)
    is_answered: bool = False

    @property
    def lookups(self) -> list[ToolCall]:
        return [call for call in self.calls.values() if call.name in LOOKUPS]

    @property
    def has_picks(self) -> bool:
        return any(call.name == "offer_quick_picks" for call in self.calls.values())

    def take(self, item: Mapping[str, Any]) -> None:
        """Add an item. An item of an unknown kind is ignored."""
        call_id = str(item.get("call_id"))
        if item.get("role") == "assistant":
            self.is_answered = True
        elif item.get("type") == "function_call":
            arguments = _json_object(item.get("arguments"))
            self.calls[call_id] = ToolCall(str(item.get("name")), arguments)
        elif item.get("type") == "function_call_output" and call_id in self.calls:
            self.calls[call_id].output = _json_object(item.get("output"))


def exchanges(items: str | Iterable[Any]) -> list[Exchange]:
    """Read the model's input. Items before the first message of the user are ignored."""
    if isinstance(items, str):
        return [Exchange(items)]
    found: list[Exchange] = []
    for item in items:
        if not isinstance(item, Mapping):
            continue
        if item.get("role") == "user":
            found.append(Exchange(_text(item.get("content"))))
        elif found:
            found[-1].take(item)
    return found


def _text(content: Any) -> str:
    """Join the texts of a content, which is a text or a list of parts of many kinds."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = [part.get("text") for part in content if isinstance(part, Mapping)]
    return " ".join(part for part in parts if isinstance(part, str))


def _json_object(content: Any) -> dict[str, Any]:
    try:
        value = json.loads(_text(content))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _is_usable(event: Any) -> bool:
    return (
        isinstance(event, Mapping)
        and isinstance(event.get("id"), int)
        and isinstance(event.get("title"), str)
    )
