"""The arguments of a search, as they grow with the conversation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from calendarclub.offline_model.conversation import Exchange
from calendarclub.offline_model.parsed_message import Intent, ParsedMessage, parse


@dataclass(frozen=True)
class SearchArguments:
    """The arguments of search_events. `start` and `end` are in ISO 8601, empty if unknown."""

    start: str = ""
    end: str = ""
    words: str = ""
    category: str = ""
    free_only: bool = False

    @property
    def has_range(self) -> bool:
        return bool(self.start and self.end)

    @property
    def has_subject(self) -> bool:
        return bool(self.words or self.category or self.free_only)

    def changed_by(self, message: ParsedMessage) -> SearchArguments:
        """Change the arguments that the message names, and keep the others.

        A new time keeps the subject, and a new subject the time. A message with both is a new
        search.
        """
        changes: dict[str, Any] = {}
        if message.wants_everything or (message.time and message.has_subject):
            changes |= {"words": "", "category": "", "free_only": False}
        if message.category:
            changes |= {"category": message.category, "words": message.words}
        elif message.words:
            changes |= {"words": message.words}
        if message.free_only:
            changes |= {"free_only": True}
        if message.time:
            start, end = message.time
            changes |= {"start": start.isoformat(), "end": end.isoformat()}
        return replace(self, **changes)


def arguments_after(exchanges: Iterable[Exchange], now: datetime) -> SearchArguments:
    """Return the arguments of the current search.

    Times come from the calls and not from the texts: "tomorrow" in yesterday's message is today.
    """
    arguments = SearchArguments()
    for exchange in exchanges:
        message = parse(exchange.message, now)
        if exchange.lookups:
            arguments = _after_lookup(arguments, exchange)
        elif message.intent is Intent.SEARCH:
            arguments = arguments.changed_by(replace(message, time=None))
    return arguments


def _after_lookup(arguments: SearchArguments, exchange: Exchange) -> SearchArguments:
    call = exchange.lookups[0]
    if call.name == "search_events":
        return SearchArguments(**_usable(call.arguments))
    if call.name == "refine_results" and call.event_list and call.event_list.events:
        # A condition that found something stays in force.
        conditions = {name: value for name, value in _usable(call.arguments).items() if value}
        return replace(arguments, **conditions)
    return arguments


def _usable(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Drop arguments of a wrong name or type: another model may have made the call."""
    given = {name: arguments.get(name) for name in SearchArguments.__dataclass_fields__}
    texts = {name: value for name, value in given.items() if isinstance(value, str)}
    return texts | {"free_only": given.get("free_only") is True}
