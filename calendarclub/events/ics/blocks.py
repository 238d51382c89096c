"""An .ics file cut into its components, so that a broken one harms no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from calendarclub.events.ics.lines import Line
from calendarclub.events.ics.report import Report

# Components that stand in a calendar and in nothing else: where one begins, the one before it
# is over, whether it says so or not.
TOP_LEVEL = {"VEVENT", "VTIMEZONE", "VTODO", "VJOURNAL", "VFREEBUSY"}


@dataclass(slots=True)
class Block:
    """The lines of one component, from BEGIN to END."""

    name: str
    number: int
    lines: list[Line] = field(default_factory=list)

    @property
    def where(self) -> str:
        """Return the place as a report names it: its line, and its UID if it has one."""
        uid = self.value_of("UID")
        return f"line {self.number}, UID {uid[:80]}" if uid else f"line {self.number}"

    def value_of(self, name: str) -> str:
        """Return the raw value of the first line of that name, without any escape undone."""
        for line in self.lines:
            key, _, value = line.text.partition(":")
            if key.partition(";")[0].strip().upper() == name:
                return value.strip()
        return ""


@dataclass(slots=True)
class CalendarText:
    """One VCALENDAR in pieces; `properties` holds the lines that belong to no component."""

    properties: Block
    zones: list[Block] = field(default_factory=list)
    events: list[Block] = field(default_factory=list)


def calendars_in(lines: Iterable[Line], report: Report) -> list[CalendarText]:
    """Cut the file into calendars; report what is cut off, or is no event."""
    cutter = _Cutter(report)
    for line in lines:
        cutter.take(line)
    cutter.finish()
    return cutter.calendars


class _Cutter:
    """Reads line after line and remembers which component is open."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.calendars: list[CalendarText] = []
        self.in_calendar = False
        self.block: Block | None = None
        self.nested: list[str] = []
        self.others: Counter[str] = Counter()
        self.strays: list[int] = []

    def take(self, line: Line) -> None:
        keyword, _, rest = line.text.partition(":")
        name = rest.strip().upper()
        match keyword.strip().upper():
            case "BEGIN":
                self._begin(line, name)
            case "END":
                self._end(line, name)
            case _:
                self._property(line)

    def finish(self) -> None:
        """Report what is still open at the end of the file, and what is no event."""
        self._cut_off("the file ends")
        if self.in_calendar:
            self.report.note("end of file", "END:VCALENDAR is missing; the file may be cut off")
        if not self.calendars:
            self.report.skip("line 1", "this is no calendar: BEGIN:VCALENDAR is not in it")
        elif self.strays:
            reason = f"outside any calendar and left out (lines like that: {len(self.strays)})"
            self.report.note(f"line {self.strays[0]}", reason)
        for name, count in self.others.items():
            self.report.note("file", f"{count} {name} left out: only VEVENT is an event")

    def _begin(self, line: Line, name: str) -> None:
        if name == "VCALENDAR":
            self._cut_off("a calendar begins")
            self._open_calendar(line)
        elif name in TOP_LEVEL:
            self._cut_off(f"the next {name} begins")
            self.block = Block(name, line.number, [line])
        else:
            self.nested.append(name)
            self._keep_in_zone(line)

    def _end(self, line: Line, name: str) -> None:
        if name == "VCALENDAR":
            self._cut_off("the calendar ends")
            self.in_calendar = False
        elif self.block is not None and name == self.block.name:
            self.block.lines.append(line)
            self._close(self.block)
        elif self.nested and name == self.nested[-1]:
            self.nested.pop()
            self._keep_in_zone(line)
        else:
            self.report.note(f"line {line.number}", f"END:{name} ends nothing and was ignored")

    def _property(self, line: Line) -> None:
        if self.nested:
            self._keep_in_zone(line)
        elif self.block is not None:
            self.block.lines.append(line)
        elif self.in_calendar:
            self.calendars[-1].properties.lines.append(line)
        else:
            self.strays.append(line.number)

    def _keep_in_zone(self, line: Line) -> None:
        """Keep the rules inside a time zone; alarms and whatever else is nested are left out."""
        if self.block is not None and self.block.name == "VTIMEZONE":
            self.block.lines.append(line)

    def _open_calendar(self, line: Line) -> None:
        self.calendars.append(CalendarText(Block("VCALENDAR", line.number)))
        self.in_calendar = True

    def _close(self, block: Block) -> None:
        if self.nested:
            reason = f"END:{self.nested[0]} is missing; the lines after its BEGIN were left out"
            self.report.note(block.where, reason)
        if not self.in_calendar:
            self.report.note(f"line {block.number}", "BEGIN:VCALENDAR is missing before it")
            self._open_calendar(block.lines[0])
        calendar = self.calendars[-1]
        match block.name:
            case "VEVENT":
                calendar.events.append(block)
            case "VTIMEZONE":
                calendar.zones.append(block)
            case other:
                self.others[other] += 1
        self.block, self.nested = None, []

    def _cut_off(self, why: str) -> None:
        if self.block is not None:
            self.report.skip(self.block.where, f"END:{self.block.name} is missing before {why}")
        self.block, self.nested = None, []
