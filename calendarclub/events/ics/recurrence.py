"""The dates of a recurring event within a range, by the library, after a look at its rules."""

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

    `start` and `end` are in the zone that times without one belong to: the library compares
    such times with them as a clock there shows them.
    """
    calendar = icalendar.Calendar()
    for event in series:
        _check_rules(event.component)
        calendar.add_component(event.component)
    found = recurring_ical_events.of(calendar).between(start, end)
    return [component for component in found if isinstance(component, icalendar.Event)]


def check_rule(rule: icalendar.vRecur) -> None:
    """Raise EventRefusedError for a rule that would expand for hours, or for ever."""
    frequency = str(rule.get("FREQ", [""])[0]).upper()
    times_a_day = prod(len(rule.get(f"BY{unit}", "1")) for unit in ("HOUR", "MINUTE", "SECOND"))
    if frequency not in FREQUENCIES or times_a_day > MOST_TIMES_A_DAY:
        raise EventRefusedError("RRULE repeats more often than an event does")
    # dateutil never returns from an interval of 0.
    if min(rule.get("INTERVAL", [1])) < 1:
        raise EventRefusedError("RRULE has an INTERVAL below 1")


def _check_rules(component: icalendar.Event) -> None:
    rules = component.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        check_rule(rule)


def occurrence_uid(series_uid: str, component: icalendar.Event, home: ZoneInfo) -> str:
    """Return the series' UID with the start that the occurrence had before it was moved.

    So it stays the same event when its organizer moves it, and whoever noted it finds it.
    """
    name = "RECURRENCE-ID"
    if "RANGE" in component.get(name).params:
        # The library gives the id of the first changed date to all that follow it.
        name = "DTSTART"
    original: date = component.get(name).dt
    if isinstance(original, datetime):
        return f"{series_uid}/{utc(original, home):%Y%m%dT%H%M%SZ}"
    return f"{series_uid}/{original:%Y%m%d}"
