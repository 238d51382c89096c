"""The dates of a recurring event within a range."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from math import prod
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from calendarclub.events.ics.clock import utc
from calendarclub.events.ics.report import EventRefusedError
from calendarclub.events.ics.vevents import SourceEvent

FREQUENCIES = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}
MOST_TIMES_A_DAY = 24


def occurrences(
    series: Sequence[SourceEvent], start: datetime, end: datetime
) -> list[icalendar.Event]:
    """Return a VEVENT for each date of the series that overlaps the range.

    `start` and `end` are in the zone of times that have none: recurring_ical_events compares such
    times with them by the clock of that zone.
    """
    calendar = icalendar.Calendar()
    for event in series:
        _check_rules(event.component)
        calendar.add_component(event.component)
    found = recurring_ical_events.of(calendar).between(start, end)
    return [component for component in found if isinstance(component, icalendar.Event)]


def check_rule(rule: icalendar.vRecur) -> None:
    """Raise EventRefusedError for a rule that would take hours, or for ever, to expand."""
    frequency = str(rule.get("FREQ", [""])[0]).upper()
    times_a_day = prod(len(rule.get(f"BY{unit}", "1")) for unit in ("HOUR", "MINUTE", "SECOND"))
    if frequency not in FREQUENCIES or times_a_day > MOST_TIMES_A_DAY:
        raise EventRefusedError("RRULE repeats too often for an event")
    # dateutil never returns from an interval of 0.
    if min(rule.get("INTERVAL", [1])) < 1:
        raise EventRefusedError("RRULE has an INTERVAL below 1")


def _check_rules(component: icalendar.Event) -> None:
    rules = component.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        check_rule(rule)


def occurrence_uid(series_uid: str, component: icalendar.Event, home: ZoneInfo) -> str:
    """Return the series' UID with the original start of the occurrence.

    It stays the same when the organizer moves the occurrence.
    """
    name = "RECURRENCE-ID"
    if "RANGE" in component.get(name).params:
        # recurring_ical_events gives all later dates the id of the first changed one.
        name = "DTSTART"
    original: date = component.get(name).dt
    if isinstance(original, datetime):
        return f"{series_uid}/{utc(original, home):%Y%m%dT%H%M%SZ}"
    return f"{series_uid}/{original:%Y%m%d}"
