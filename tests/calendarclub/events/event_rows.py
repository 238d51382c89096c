"""Rows of events for tests, told by what matters in them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from calendarclub.events.models import Event

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def new_event(start: str = "2031-03-07T20:00", *, hours: float = 2, **fields: Any) -> Event:
    """Make and save an event that begins at a time of Amsterdam's."""
    begins = datetime.fromisoformat(start).replace(tzinfo=AMSTERDAM)
    given = {"title": "Something", "timezone": "Europe/Amsterdam"} | fields
    return Event.objects.create(start=begins, end=begins + timedelta(hours=hours), **given)
