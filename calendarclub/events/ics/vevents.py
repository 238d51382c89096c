"""VEVENTs with valid times, rules and UIDs, read from blocks of lines."""

from __future__ import annotations

import hashlib
import re
import warnings
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import icalendar
from icalendar.parser import Contentline

from calendarclub.events.ics.blocks import Block
from calendarclub.events.ics.lines import ContentLine
from calendarclub.events.ics.report import EventRefusedError, Report

# Without one of these the time of an event is wrong or unknown. Other properties may be left out.
ESSENTIAL = {"DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "UID"}
_WHOLE_DAYS = re.compile(r"\d{8}(?:,\d{8})*")
# Outside these years arithmetic with time zones may overflow.
FIRST_YEAR, LAST_YEAR = 1900, 2200
LONGEST_DURATION = timedelta(days=3_660)
# The column also has to hold the start of a date of a series.
LONGEST_UID = 200


@dataclass(frozen=True, slots=True)
class SourceEvent:
    """A valid VEVENT. Several with one UID are a series and its changed dates."""

    uid: str
    component: icalendar.Event
    where: str
    cancelled: bool

    @property
    def overrides(self) -> date | None:
        """Return the date of a series that it replaces, or None."""
        return moment(self.component, "RECURRENCE-ID")

    @property
    def sequence(self) -> int:
        """Return the number of the revision. The highest is the newest."""
        return int(self.component.get("SEQUENCE", 0))

    @property
    def recurs(self) -> bool:
        """Tell whether it has several dates."""
        return "RRULE" in self.component or "RDATE" in self.component


def read_event(block: Block, report: Report, *, cancelled: bool) -> SourceEvent:
    """Return the event of a block; raise EventRefusedError if it is not valid.

    `cancelled` means that the whole calendar is a cancellation.
    """
    component = _parsed(block, report)
    start = moment(component, "DTSTART")
    if start is None:
        raise EventRefusedError("DTSTART is missing")
    _check_end(component, start)
    moment(component, "RECURRENCE-ID")
    _note_unknown_zone(component, block, report)
    uid = _uid(component, block, report)
    # recurring_ical_events groups by UID as well.
    component["UID"] = icalendar.vText(uid)
    gone = cancelled or is_cancelled(component)
    if is_private(component):
        report.skip(block.where, "its CLASS is private or confidential")
        gone = True  # it may have been public before
    return SourceEvent(uid, component, block.where, gone)


def is_cancelled(component: icalendar.Event) -> bool:
    """Tell whether the event was cancelled."""
    return str(component.get("STATUS", "")).upper() == "CANCELLED"


def is_private(component: icalendar.Event) -> bool:
    """Tell whether the event is private or confidential."""
    return str(component.get("CLASS", "")).upper() in ("PRIVATE", "CONFIDENTIAL")


def moment(component: icalendar.Event, name: str) -> date | None:
    """Return the date or time of a property, or None if there is none."""
    if name not in component:
        return None
    value = getattr(component.get(name), "dt", None)
    if not isinstance(value, date):
        raise EventRefusedError(f"{name} is not one date or time")
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise EventRefusedError(f"{name} is in the year {value.year}")
    return value


def _parsed(block: Block, report: Report) -> icalendar.Event:
    lines = [_readable(line, report) for line in block.lines]
    with warnings.catch_warnings():
        # icalendar warns when it reads /some-vendor/Europe/Berlin as Europe/Berlin.
        warnings.simplefilter("ignore")
        component = icalendar.Event.from_ical("\r\n".join(filter(None, lines)))
    assert isinstance(component, icalendar.Event), "the block begins with BEGIN:VEVENT"  # noqa: S101  # for mypy
    for name, error in component.errors:
        if name in ESSENTIAL:
            raise EventRefusedError(f"{name} cannot be read ({error})")
        report.note(block.where, f"{name} cannot be read and was left out ({error})")
        component.pop(str(name), None)
    return component


def _readable(line: ContentLine, report: Report) -> str:
    """Return the line as icalendar reads it, or "" if it is not a property."""
    try:
        name, parameters, value = Contentline(line.text).parts()  # type: ignore[no-untyped-call]  # theirs
    except ValueError:
        report.note(f"line {line.number}", f"“{line.text[:40]}” is not a property and was left out")
        return ""
    # A whole day has no time zone. icalendar would read it as midnight in the zone.
    if "TZID" in parameters and _WHOLE_DAYS.fullmatch(value):
        return f"{name};VALUE=DATE:{value}"
    return line.text


def _check_end(component: icalendar.Event, start: date) -> None:
    end = moment(component, "DTEND")
    if "DURATION" in component:
        _check_duration(getattr(component.get("DURATION"), "dt", None))
    if end is not None and _is_before(end, start):
        raise EventRefusedError("it ends before it starts")


def _check_duration(duration: object) -> None:
    if not isinstance(duration, timedelta):
        raise EventRefusedError("DURATION is not one duration")
    if duration < timedelta(0):
        raise EventRefusedError("DURATION is negative")
    if duration > LONGEST_DURATION:
        raise EventRefusedError("DURATION is longer than ten years")


def _is_before(end: date, start: date) -> bool:
    if isinstance(end, datetime) != isinstance(start, datetime):
        raise EventRefusedError("one of DTSTART and DTEND is a date, the other a time")
    if isinstance(end, datetime) and isinstance(start, datetime):
        # If one of them has no zone, it is in the zone of the other.
        zone = start.tzinfo or end.tzinfo
        return end.replace(tzinfo=end.tzinfo or zone) < start.replace(tzinfo=start.tzinfo or zone)
    return end < start


def _note_unknown_zone(component: icalendar.Event, block: Block, report: Report) -> None:
    start = component.get("DTSTART")
    zone = start.params.get("TZID")
    if zone and isinstance(start.dt, datetime) and start.dt.tzinfo is None:
        reason = f"time zone “{zone}” is unknown; the calendar's own zone was used"
        report.note(block.where, reason)


def _uid(component: icalendar.Event, block: Block, report: Report) -> str:
    uid = component.get("UID", "")
    if isinstance(uid, list):
        raise EventRefusedError("there is more than one UID")
    uid = re.sub(r"[\x00-\x1f\x7f]", "", str(uid)).strip()
    if not uid:
        report.note(block.where, "UID is missing; one was made from title and start")
        return _digest(block.value_of("SUMMARY"), block.value_of("DTSTART"))
    if len(uid) > LONGEST_UID:
        report.note(block.where, "UID is too long and was shortened")
        return f"{uid[:100]}~{_digest(uid)}"
    return uid


def _digest(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:40]
