"""The import of one .ics file."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import icalendar
from django.utils import timezone
from icalendar.timezone import tzp
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from calendarclub.events.ics.blocks import Block, CalendarText, calendars_in
from calendarclub.events.ics.lines import lines_of
from calendarclub.events.ics.recurrence import check_rule
from calendarclub.events.ics.report import Report
from calendarclub.events.ics.series import SeriesReader
from calendarclub.events.ics.store import store
from calendarclub.events.zones import project_zone_name, zone_named

HORIZON_DAYS = 180


def import_calendar(
    data: bytes, *, horizon_days: int = HORIZON_DAYS, today: date | None = None
) -> Report:
    """Import the events of an .ics file, and return a report.

    Single events are imported whatever their date is, and recurring ones with their dates from
    `today` until `horizon_days` later. An event with a known UID is updated. Cancelled events, and
    dates that are no longer in their series, are removed. Each calendar of the file is one
    transaction. Do not call it in two threads at once: icalendar has one registry of time zones
    for the process.
    """
    report = Report()
    midnight = datetime.combine(
        today or timezone.localdate(), time.min, ZoneInfo(project_zone_name())
    )
    for calendar in calendars_in(lines_of(data, report), report):
        _import(calendar, midnight, midnight + timedelta(days=horizon_days), report)
    return report


def _import(calendar: CalendarText, start: datetime, end: datetime, report: Report) -> None:
    # Otherwise "Customized Time Zone" would be that of the last file.
    tzp.use_default()
    for block in calendar.zones:
        _learn_zone(block, report)
    home = _home_zone(calendar.properties, report)
    reader = SeriesReader(start.astimezone(home), end.astimezone(home), home, report)
    cancelled = calendar.properties.value_of("METHOD").upper() == "CANCEL"
    store(reader.series_in(calendar.events, cancelled=cancelled), start, end, report)


def _learn_zone(block: Block, report: Report) -> None:
    """Register a time zone that only this file defines with icalendar."""
    name = block.value_of("TZID")
    if zone_named(name) or name in WINDOWS_TO_OLSON:
        return
    lines = (line.text for line in block.lines)
    rules = [text.partition(":")[2] for text in lines if text.upper().startswith("RRULE:")]
    try:
        for rule in rules:
            check_rule(icalendar.vRecur.from_ical(rule))
        icalendar.Timezone.from_ical("\r\n".join(line.text for line in block.lines))
    # Any error, because dateutil, which reads the zone, documents none. Events in this zone get a
    # note of their own.
    except Exception as error:
        report.note(block.where, f"the time zone “{name}” cannot be read ({error})")


def _home_zone(properties: Block, report: Report) -> ZoneInfo:
    """Return the zone of times that have none: the calendar's, or else the project's."""
    name = properties.value_of("X-WR-TIMEZONE")
    zone = zone_named(WINDOWS_TO_OLSON.get(name, name)) if name else None
    if name and zone is None:
        report.note(properties.where, f"X-WR-TIMEZONE “{name}” is unknown")
    return zone or ZoneInfo(project_zone_name())
