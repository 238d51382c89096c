"""Events in Markdown, from the output of a tool."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

from calendarclub.offline_model.conversation import EventList

MOST_LISTED = 5
MARKDOWN = re.compile(r"([\\`*_\[\]<>~|&#])")


def escaped(text: str) -> str:
    """Escape Markdown: titles are strangers' texts and may contain links or images."""
    return MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def numbered(shown: EventList) -> str:
    """List the first events. "The second" refers to these numbers."""
    lines = [f"{number}. {_line(e)}" for number, e in enumerate(shown.events[:MOST_LISTED], 1)]
    left = len(shown.events) - len(lines)
    if left:
        lines.append(f"\nThe cards show {left} more.")
    return "\n".join(lines)


def details(event: Mapping[str, Any]) -> str:
    """Describe one event."""
    facts = {
        "When": _fact(event, "when"),
        "Where": _place(event) or "not known",
        "Category": _fact(event, "category"),
        "Price": _fact(event, "price") or "not known",
    }
    lines = [f"- {name}: {fact}" for name, fact in facts.items() if fact]
    title, note = f"**{_fact(event, 'title')}**", "Its card has the link and the .ics file."
    return "\n".join([title, "", *lines, "", note])


def subject(arguments: Mapping[str, Any], *, plural: bool = True) -> str:
    """Describe the events that a search is for: "free music events matching “jazz”"."""
    words, category = str(arguments.get("words") or ""), str(arguments.get("category") or "")
    free = "free" if arguments.get("free_only") else ""
    event = "events" if plural else "event"
    matching = f"matching “{escaped(words)}”" if words else ""
    return " ".join(filter(None, [free, escaped(category), event, matching]))


def day_range(arguments: Mapping[str, Any], now: datetime) -> str:
    """Describe the range of a search: "on Friday 27 November from 17:00"."""
    try:
        first = datetime.fromisoformat(str(arguments.get("start")))
        after = datetime.fromisoformat(str(arguments.get("end")))
        last = after - timedelta(minutes=1)
    except (ValueError, OverflowError):
        return "in that time"
    # A night ends in the small hours of the next day.
    if last.date() > first.date() and last - first >= timedelta(hours=18):
        return f"from {_day(first, now)} to {_day(last, now)}"
    begin = "" if first.time() == time.min else f" from {first:%H:%M}"
    end = "" if after.time() == time.min else f" to {after:%H:%M}"
    return f"on {_day(first, now)}{begin}{end}"


def _line(event: Mapping[str, Any]) -> str:
    facts = [_fact(event, "when"), _place(event), _fact(event, "price")]
    return " · ".join(filter(None, [f"**{_fact(event, 'title')}**", *facts]))


def _place(event: Mapping[str, Any]) -> str:
    return ", ".join(filter(None, [_fact(event, "venue"), _fact(event, "city")]))


def _fact(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    return escaped(value) if isinstance(value, str) else ""


def _day(day: datetime, now: datetime) -> str:
    year = "" if day.year == now.year else f" {day.year}"
    return f"{day:%A} {day.day} {day:%B}{year}"
