"""The import of one file, from its bytes to the table."""

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
from calendarclub.events.ics.series import Reader
from calendarclub.events.ics.store import store
from calendarclub.events.zones import project_zone_name, zone_named

HORIZON_DAYS = 180


def import_calendar(
    data: bytes, *, horizon_days: int = HORIZON_DAYS, today: date | None = None
) -> Report:
    """Bring the table of events to what an .ics file says, and report how far that went.

    Single events come in whatever their date; recurring ones with their dates from `today` (by
    the project's clock, unless it is given) until `horizon_days` later. Known events are
    updated, by their UID; dates that a series has no more, and cancelled events, are removed.
    Each calendar of the file is one transaction. Not for two threads at once: icalendar keeps
    the file's own time zones in one place for the whole process.
    """
    report = Report()
    midnight = datetime.combine(
        today or timezone.localdate(), time.min, ZoneInfo(project_zone_name())
    )
    for calendar in calendars_in(lines_of(data, report), report):
        _import(calendar, midnight, midnight + timedelta(days=horizon_days), report)
    return report


def _import(calendar: CalendarText, start: datetime, end: datetime, report: Report) -> None:
    # "Customized Time Zone" of the last file is another zone than this one's.
    tzp.use_default()
    for block in calendar.zones:
        _learn_zone(block, report)
    home = _home_zone(calendar.properties, report)
    reader = Reader(start.astimezone(home), end.astimezone(home), home, report)
    cancelled = calendar.properties.value_of("METHOD").upper() == "CANCEL"
    store(reader.series_in(calendar.events, cancelled=cancelled), start, end, report)


def _learn_zone(block: Block, report: Report) -> None:
    """Let icalendar know a time zone that has no name in the world, but only in this file."""
    name = block.value_of("TZID")
    if zone_named(name) or name in WINDOWS_TO_OLSON:
        return
    try:
        for line in block.lines:
            if line.text.upper().startswith("RRULE:"):
                check_rule(icalendar.vRecur.from_ical(line.text.partition(":")[2]))
        icalendar.Timezone.from_ical("\r\n".join(line.text for line in block.lines))
    # Any error: dateutil, which reads the zone, promises none in particular. Events in this
    # zone get a note of their own.
    except Exception as error:
        report.note(block.where, f"the time zone “{name}” cannot be read ({error})")


def _home_zone(properties: Block, report: Report) -> ZoneInfo:
    """Return the zone of times that name none: the calendar's, if it says one, or the project's."""
    name = properties.value_of("X-WR-TIMEZONE")
    zone = zone_named(WINDOWS_TO_OLSON.get(name, name)) if name else None
    if name and zone is None:
        report.note(properties.where, f"X-WR-TIMEZONE “{name}” is unknown")
    return zone or ZoneInfo(project_zone_name())
