"""A block of lines as a VEVENT whose times, rules and UID can be relied on."""

from __future__ import annotations

import hashlib
import re
import warnings
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import icalendar
from icalendar.parser import Contentline

from calendarclub.events.ics.blocks import Block
from calendarclub.events.ics.lines import Line
from calendarclub.events.ics.report import EventRefusedError, Report

# Without these an event is at the wrong time, or not at all; the others only adorn it.
ESSENTIAL = {"DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "UID"}
_WHOLE_DAYS = re.compile(r"\d{8}(?:,\d{8})*")
# Outside of these years arithmetic with time zones overflows, and no event is announced.
FIRST_YEAR, LAST_YEAR = 1900, 2200
LONGEST_DURATION = timedelta(days=3_660)
# Leaves room in the column for the start of a date of a series.
LONGEST_UID = 200


@dataclass(frozen=True, slots=True)
class SourceEvent:
    """A sound VEVENT; several with one UID are a series and what was changed in it."""

    uid: str
    component: icalendar.Event
    where: str
    cancelled: bool

    @property
    def overrides(self) -> date | None:
        """Return which date of a series it stands for instead, or None if it is no override."""
        return moment(self.component, "RECURRENCE-ID")

    @property
    def sequence(self) -> int:
        """Return which revision it is; the highest is the newest."""
        return int(self.component.get("SEQUENCE", 0))

    @property
    def recurs(self) -> bool:
        """Tell whether it stands for several dates."""
        return "RRULE" in self.component or "RDATE" in self.component


def read_event(block: Block, report: Report, *, cancelled: bool) -> SourceEvent:
    """Return the event of a block; raise EventRefusedError if it is not sound.

    `cancelled` says that the whole calendar is a cancellation.
    """
    component = _parsed(block, report)
    start = moment(component, "DTSTART")
    if start is None:
        raise EventRefusedError("DTSTART is missing")
    _check_end(component, start)
    moment(component, "RECURRENCE-ID")
    _note_unknown_zone(component, block, report)
    uid = _uid(component, block, report)
    # The library, too, tells what belongs together by the UID.
    component["UID"] = icalendar.vText(uid)
    gone = cancelled or is_cancelled(component)
    if is_private(component):
        report.skip(block.where, "its CLASS says that it is not for everybody")
        gone = True  # if it was public before, it is taken back
    return SourceEvent(uid, component, block.where, gone)


def is_cancelled(component: icalendar.Event) -> bool:
    """Tell whether the event was called off."""
    return str(component.get("STATUS", "")).upper() == "CANCELLED"


def is_private(component: icalendar.Event) -> bool:
    """Tell whether the event is its owner's business."""
    return str(component.get("CLASS", "")).upper() in ("PRIVATE", "CONFIDENTIAL")


def moment(component: icalendar.Event, name: str) -> date | None:
    """Return the date or time of a property, or None if it is not there."""
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
        # icalendar warns where it guesses Europe/Berlin from /some-vendor/Europe/Berlin.
        warnings.simplefilter("ignore")
        component = icalendar.Event.from_ical("\r\n".join(filter(None, lines)))
    assert isinstance(component, icalendar.Event), "the block begins so"  # noqa: S101  # for mypy
    for name, error in component.errors:
        if name in ESSENTIAL:
            raise EventRefusedError(f"{name} cannot be read ({error})")
        report.note(block.where, f"{name} cannot be read and was left out ({error})")
        component.pop(str(name), None)
    return component


def _readable(line: Line, report: Report) -> str:
    """Return the line as icalendar takes it, or "" if it is no property."""
    try:
        name, parameters, value = Contentline(line.text).parts()  # type: ignore[no-untyped-call]  # theirs
    except ValueError:
        report.note(f"line {line.number}", f"“{line.text[:40]}” is no property and was left out")
        return ""
    # A whole day has no time zone. icalendar would take it for midnight in the zone.
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
        # A time without a zone beside one with: both are of the same place.
        zone = start.tzinfo or end.tzinfo
        return end.replace(tzinfo=end.tzinfo or zone) < start.replace(tzinfo=start.tzinfo or zone)
    return end < start


def _note_unknown_zone(component: icalendar.Event, block: Block, report: Report) -> None:
    start = component.get("DTSTART")
    zone = start.params.get("TZID")
    if zone and isinstance(start.dt, datetime) and start.dt.tzinfo is None:
        reason = f"time zone “{zone}” is unknown; the time was read in the calendar's own zone"
        report.note(block.where, reason)


def _uid(component: icalendar.Event, block: Block, report: Report) -> str:
    uid = component.get("UID", "")
    if isinstance(uid, list):
        raise EventRefusedError("UID is there more than once")
    uid = re.sub(r"[\x00-\x1f\x7f]", "", str(uid)).strip()
    if not uid:
        report.note(block.where, "UID is missing; title and start stand in for it")
        return _digest(block.value_of("SUMMARY"), block.value_of("DTSTART"))
    if len(uid) > LONGEST_UID:
        report.note(block.where, "UID is too long and was shortened")
        return f"{uid[:100]}~{_digest(uid)}"
    return uid


def _digest(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:40]
