"""Start and end of a VEVENT in UTC, and its time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from calendarclub.events.ics.vevents import moment
from calendarclub.events.zones import zone_named


@dataclass(frozen=True, slots=True)
class EventTime:
    """Start and end in UTC, the IANA name of the time zone, and whether it lasts all day."""

    start: datetime
    end: datetime
    timezone: str
    all_day: bool


def event_time(component: icalendar.Event, home: ZoneInfo) -> EventTime:
    """Return the time of a valid VEVENT. `home` is the zone of times that have none."""
    start = moment(component, "DTSTART")
    assert start is not None, "read_event() checks it"  # noqa: S101
    end = _end(component, start, home)
    all_day = not isinstance(start, datetime)
    if all_day and end <= start:
        # Outlook writes the same date twice for one day.
        end = start + timedelta(days=1)
    zone = home.key if all_day else _zone_name(component, home)
    return EventTime(utc(start, home), utc(end, home), zone, all_day)


def utc(moment: date, home: ZoneInfo) -> datetime:
    """Return the moment in UTC. Days, and times without a zone, are in `home`."""
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
        # Hours are elapsed time, even if the clock changes in between. Days are dates.
        return utc(start, home) + duration
    return start + duration


def _zone_name(component: icalendar.Event, home: ZoneInfo) -> str:
    """Return the IANA name of the start's zone, or of `home` if it has none.

    UTC counts as none: calendars write times in UTC that are shown in another zone.
    """
    value = component.get("DTSTART")
    written = str(value.params.get("TZID", ""))
    names = (getattr(value.dt.tzinfo, "key", ""), written, WINDOWS_TO_OLSON.get(written, ""))
    for name in names:
        if name and name not in ("UTC", "Etc/UTC") and len(name) <= 64 and zone_named(name):
            return str(name)
    return home.key
