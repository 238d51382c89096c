"""Events as the JSON that the agent's tools return: at most fifteen of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from calendarclub.events.models import Event

MOST_EVENTS = 15


def events_json(events: Iterable[Event], *, total: int, **more: Any) -> str:
    """Return the tool's output; `total` is how many events matched, listed or not."""
    answer: dict[str, Any] = {
        "events": [event_fields(event) for event in events],
        "total": total,
        **more,
    }
    if total > len(answer["events"]):
        answer["note"] = (
            f"These are {len(answer['events'])} of {total}. Tell the user how many there are, and "
            "offer to narrow the search."
        )
    return to_json(answer)


def to_json(answer: dict[str, Any]) -> str:
    return json.dumps(answer, ensure_ascii=False)


def event_fields(event: Event) -> dict[str, Any]:
    return {
        "id": event.pk,
        "title": event.title,
        "start": event.local_start.isoformat(),
        "end": event.local_end.isoformat(),
        "all_day": event.all_day,
        "when": when_text(event),
        "venue": event.venue,
        "city": event.city,
        "category": event.category,
        "price": price_text(event),
        "url": event.url,
    }


def when_text(event: Event) -> str:
    """Return its time as a poster prints it: "Sat 28 Nov 2026, 20:00–22:30"."""  # noqa: RUF002
    start, end = event.local_start, event.local_end
    if event.all_day:
        # The end is the midnight after the last day.
        last = max(end - timedelta(days=1), start)
        days = dict.fromkeys([day_text(start), day_text(last)])
        return f"{' – '.join(days)}, all day"  # noqa: RUF001
    if end <= start:
        return f"{day_text(start)}, {start:%H:%M}"
    if end - start < timedelta(hours=18):
        return f"{day_text(start)}, {start:%H:%M}–{end:%H:%M}"  # noqa: RUF001
    return f"{day_text(start)}, {start:%H:%M} – {day_text(end)}, {end:%H:%M}"  # noqa: RUF001


def day_text(day: datetime) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"


def price_text(event: Event) -> str:
    if event.price is None:
        return ""
    return "free" if event.is_free else f"{event.currency} {event.price:.2f}"
