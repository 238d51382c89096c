"""The times of a VEVENT as aware ones, and the time zone that they are announced in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from calendarclub.events.ics.vevents import moment
from calendarclub.events.zones import zone_named


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when, in UTC, and how it is announced."""

    start: datetime
    end: datetime
    timezone: str
    all_day: bool


def span_of(component: icalendar.Event, home: ZoneInfo) -> Span:
    """Return the span of a sound VEVENT; `home` is the zone of times that name none."""
    start = moment(component, "DTSTART")
    assert start is not None, "read_event() lets no other pass"  # noqa: S101
    end = _end(component, start, home)
    all_day = not isinstance(start, datetime)
    if all_day and end <= start:
        # Outlook writes the same date twice; it means that day.
        end = start + timedelta(days=1)
    zone = home.key if all_day else _zone_name(component, home)
    return Span(utc(start, home), utc(end, home), zone, all_day)


def utc(moment: date, home: ZoneInfo) -> datetime:
    """Return the moment in UTC: of a day its midnight in `home`, of a floating time the same."""
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)  # zone follows
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=home)
    return moment.astimezone(UTC)


def _end(component: icalendar.Event, start: date, home: ZoneInfo) -> date:
    end = moment(component, "DTEND")
    if end is not None:
        return end
    if "DURATION" not in component:
        return start
    duration: timedelta = component.get("DURATION").dt
    if isinstance(start, datetime) and duration.seconds:
        # Hours are hours, also in the night when the clock changes; days are dates.
        return utc(start, home) + duration
    return start + duration


def _zone_name(component: icalendar.Event, home: ZoneInfo) -> str:
    """Return the IANA name of the start's zone, or that of `home` where it has none.

    A time in UTC is such a case: it is how a calendar writes a moment, not a place.
    """
    value = component.get("DTSTART")
    written = str(value.params.get("TZID", ""))
    names = (getattr(value.dt.tzinfo, "key", ""), written, WINDOWS_TO_OLSON.get(written, ""))
    for name in names:
        if name and name not in ("UTC", "Etc/UTC") and len(name) <= 64 and zone_named(name):
            return str(name)
    return home.key
