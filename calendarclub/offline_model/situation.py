"""Everything that the offline model's next step depends on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from calendarclub.offline_model.conversation import EventList, Exchange
from calendarclub.offline_model.parsed_message import Intent, ParsedMessage, parse
from calendarclub.offline_model.search_arguments import SearchArguments, arguments_after


@dataclass(frozen=True)
class Situation:
    """The exchange to go on with, what its message means, and what came before it.

    `shown` is the last list of events, unless it was empty. `event` is the one of them that the
    message means: "the second".
    """

    now: datetime
    earlier: Sequence[Exchange]
    current: Exchange
    message: ParsedMessage
    search: SearchArguments
    shown: EventList | None
    event: Mapping[str, Any] | None

    @property
    def is_first_answer(self) -> bool:
        return not any(exchange.is_answered for exchange in self.earlier)


def situation_after(exchanges: Sequence[Exchange], now: datetime) -> Situation:
    earlier, current = exchanges[:-1], exchanges[-1] if exchanges else Exchange("")
    message, search = parse(current.message, now), arguments_after(earlier, now)
    if message.intent is Intent.SEARCH:
        search = search.changed_by(message)
    shown = _last_list(earlier)
    event = None
    if shown and message.number and message.number <= len(shown.events):
        event = shown.events[message.number - 1]
    return Situation(now, earlier, current, message, search, shown, event)


def _last_list(exchanges: Sequence[Exchange]) -> EventList | None:
    lists = [call.event_list for exchange in exchanges for call in exchange.lookups[-1:]]
    return lists[-1] if lists and lists[-1] and lists[-1].events else None
