"""Events in the words of an answer, from what the tools gave."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from calendarclub.offline_model.conversation import Listing

MOST_LISTED = 5
MARKDOWN = re.compile(r"([\\`*_\[\]<>~|&#])")


def marked_down(text: str) -> str:
    """Take the meaning from Markdown: titles are strangers' texts and may hold links or images."""
    return MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def numbered(listing: Listing) -> str:
    """List the first events by the numbers that "the second" refers to."""
    cards = listing.cards[:MOST_LISTED]
    lines = [f"{number}. {_line(card)}" for number, card in enumerate(cards, start=1)]
    left = len(listing.cards) - len(cards)
    if left:
        lines.append(f"\nThe cards show {left} more.")
    return "\n".join(lines)


def _line(card: Mapping[str, Any]) -> str:
    facts = [f"**{_fact(card, 'title')}**", _fact(card, "when"), place(card), _fact(card, "price")]
    return " · ".join(filter(None, facts))


def details(card: Mapping[str, Any]) -> str:
    """Say all that is known of an event."""
    facts = {
        "When": _fact(card, "when"),
        "Where": place(card) or "not known",
        "Category": _fact(card, "category"),
        "Price": _fact(card, "price") or "not known",
    }
    lines = [f"- {name}: {fact}" for name, fact in facts.items() if fact]
    return "\n".join(
        [f"**{_fact(card, 'title')}**", "", *lines, "", "Its card has the link and the .ics file."]
    )


def place(card: Mapping[str, Any]) -> str:
    return ", ".join(filter(None, [_fact(card, "venue"), _fact(card, "city")]))


def _fact(card: Mapping[str, Any], name: str) -> str:
    value = card.get(name)
    return marked_down(value) if isinstance(value, str) else ""


def price_of(card: Mapping[str, Any]) -> Decimal | None:
    """Read the price on a card: "free", "EUR 12.50"; None where it says nothing."""
    text = str(card.get("price") or "")
    number = re.search(r"\d+(?:\.\d+)?", text)
    if number:
        return Decimal(number[0])
    return Decimal(0) if text == "free" else None


def subject(arguments: Mapping[str, Any], *, plural: bool) -> str:
    """Name what a search is for: "free music events matching “jazz”"."""
    words, category = str(arguments.get("words") or ""), str(arguments.get("category") or "")
    free = "free" if arguments.get("free_only") else ""
    event = "events" if plural else "event"
    matching = f"matching “{marked_down(words)}”" if words else ""
    return " ".join(filter(None, [free, marked_down(category), event, matching]))


def day_range(start: str, end: str, now: datetime) -> str:
    """Name a half-open range of ISO moments: "on Friday 27 November from 17:00 to midnight"."""
    try:
        first, after = datetime.fromisoformat(start), datetime.fromisoformat(end)
        last = after - timedelta(minutes=1)
    except (ValueError, OverflowError):
        return "in that time"
    # A night ends in the small hours of the next day.
    if last.date() > first.date() and last - first < timedelta(hours=18):
        return f"on {_day(first, now)} from {first:%H:%M} to {after:%H:%M}"
    if last.date() > first.date():
        return f"from {_day(first, now)} to {_day(last, now)}"
    hours = [] if first.time() == time.min else [f"from {first:%H:%M}"]
    hours += [] if after.time() == time.min else [f"to {after:%H:%M}"]
    return " ".join([f"on {_day(first, now)}", *hours])


def _day(day: datetime, now: datetime) -> str:
    year = "" if day.year == now.year else f" {day.year}"
    return f"{day:%A} {day.day} {day:%B}{year}"
