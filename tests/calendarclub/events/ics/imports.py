"""Imports of .ics files, seen from 1 October 2026."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from calendarclub.events.ics import Problem, Report, import_calendar
from tests.calendarclub.events.vcalendars import vcalendar

CALENDARS = Path(__file__).parents[1] / "calendars"
TODAY = date(2026, 10, 1)
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def amsterdam(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=AMSTERDAM)


def told(problems: Iterable[Problem]) -> str:
    """Return the problems of a report as its reader sees them, one on each line."""
    return "\n".join(map(str, problems))


def import_file(name: str) -> Report:
    return import_calendar((CALENDARS / name).read_bytes(), today=TODAY)


def import_events(*events: str, properties: str = "", horizon_days: int = 60) -> Report:
    data = vcalendar(*events, properties=properties)
    return import_calendar(data, today=TODAY, horizon_days=horizon_days)
