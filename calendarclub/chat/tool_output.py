"""The outputs of the agent's tools, read for the page: event cards, quick picks, a placeholder.

The tools return JSON, which the session stores as items. The live stream and the reloaded page
read it with the same function, so nothing else has to be stored.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.urls import reverse


@dataclass(frozen=True, kw_only=True)
class EventCard:
    """An event as the page shows it. Unknown texts are blank."""

    id: int
    title: str
    start: str = ""
    when: str = ""
    venue: str = ""
    city: str = ""
    category: str = ""
    price: str = ""
    url: str = ""

    @property
    def day(self) -> datetime | None:
        """The local time at which the event starts, or None if it is unknown."""
        try:
            return datetime.fromisoformat(self.start)
        except ValueError:
            return None

    @property
    def place(self) -> str:
        return ", ".join(filter(None, [self.venue, self.city]))


@dataclass(frozen=True)
class FoundEvents:
    """The events that a tool found: the cards to show, and how many events matched."""

    cards: tuple[EventCard, ...]
    total: int

    @property
    def calendar_url(self) -> str:
        """The address of one .ics file with all cards."""
        return f"{reverse('events:ics')}?{urlencode([('id', card.id) for card in self.cards])}"


@dataclass(frozen=True)
class Suggestions:
    """Suggestions for the visitor's next message."""

    quick_picks: tuple[str, ...]
    placeholder: str


def read_output(text: str) -> FoundEvents | Suggestions | None:
    """Read a tool's output; None if it has nothing for the page."""
    try:
        output = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(output, dict):
        return None
    if isinstance(events := output.get("events"), list):
        cards = tuple(card for card in map(_card, events) if card)
        return FoundEvents(cards, total=max(_integer(output.get("total")), len(cards)))
    if isinstance(picks := output.get("quick_picks"), list):
        return Suggestions(tuple(filter(None, map(_text, picks))), _text(output.get("placeholder")))
    return None


def _card(event: Any) -> EventCard | None:
    if not isinstance(event, dict) or not _integer(event.get("id")):
        return None
    names = ("title", "start", "when", "venue", "city", "category", "price")
    texts = {name: _text(event.get(name)) for name in names}
    return EventCard(id=event["id"], url=_web_address(_text(event.get("url"))), **texts)


def _text(value: Any) -> str:
    """Return a text that UTF-8 can encode: lone surrogates are replaced."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""


def _integer(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _web_address(url: str) -> str:
    """Return `url` if it is an http(s) address: a calendar may contain `javascript:`."""
    try:
        return url if urlsplit(url).scheme.lower() in {"http", "https"} else ""
    except ValueError:
        return ""
