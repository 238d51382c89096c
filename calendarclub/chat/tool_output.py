"""What the agent's tools hand to the page: cards of events, quick picks and a placeholder.

The tools answer in JSON, and their answers are items of the session. The live stream and the
page that is loaded again read them with the same function, so nothing else is stored.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.urls import reverse


@dataclass(frozen=True, kw_only=True)
class Card:
    """An event as the page shows it; unknown texts are blank."""

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
        """The local day and time on which the event starts, if it is known."""
        try:
            return datetime.fromisoformat(self.start)
        except ValueError:
            return None

    @property
    def place(self) -> str:
        return ", ".join(filter(None, [self.venue, self.city]))


@dataclass(frozen=True)
class Findings:
    """The events that a tool found: the cards to show, and how many there are in all."""

    cards: tuple[Card, ...]
    total: int

    @property
    def calendar_url(self) -> str:
        """The address of one .ics file with all the cards."""
        return f"{reverse('events:ics')}?{urlencode([('id', card.id) for card in self.cards])}"


@dataclass(frozen=True)
class Suggestions:
    """What the visitor may want to say next."""

    quick_picks: tuple[str, ...]
    placeholder: str


def read_output(text: str) -> Findings | Suggestions | None:
    """Return what a tool's output offers to the page, or None if it offers nothing."""
    try:
        output = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(output, dict):
        return None
    if isinstance(events := output.get("events"), list):
        cards = tuple(card for card in map(_card, events) if card)
        return Findings(cards, total=max(_integer(output.get("total")), len(cards)))
    if isinstance(picks := output.get("quick_picks"), list):
        return Suggestions(tuple(filter(None, map(_text, picks))), _text(output.get("placeholder")))
    return None


def _card(event: Any) -> Card | None:
    if not isinstance(event, dict) or not _integer(event.get("id")):
        return None
    names = ("title", "start", "when", "venue", "city", "category", "price")
    texts = {name: _text(event.get(name)) for name in names}
    return Card(id=event["id"], url=_web_address(_text(event.get("url"))), **texts)


def _text(value: Any) -> str:
    """Return a text that can be written as UTF-8, which has no lone surrogates."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""


def _integer(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _web_address(url: str) -> str:
    """Return `url` if it leads to the web: a calendar may hold `javascript:` as well."""
    try:
        return url if urlsplit(url).scheme.lower() in {"http", "https"} else ""
    except ValueError:
        return ""
