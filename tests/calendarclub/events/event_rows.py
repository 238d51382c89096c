"""Events with default values, for tests that need a few of their fields."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from calendarclub.events.models import Event

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def new_event(start: str = "2031-03-07T20:00", *, hours: float = 2, **fields: Any) -> Event:
    """Create an event. `start` is a time in Amsterdam."""
    begins = datetime.fromisoformat(start).replace(tzinfo=AMSTERDAM)
    given = {"title": "Something", "timezone": "Europe/Amsterdam"} | fields
    return Event.objects.create(start=begins, end=begins + timedelta(hours=hours), **given)
