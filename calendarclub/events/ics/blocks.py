"""The components of an .ics file, split so that a broken one does not affect the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from calendarclub.events.ics.lines import ContentLine
from calendarclub.events.ics.report import Report

# Components that are never inside another one. Where one begins, the one before it has ended, even
# if its END is missing.
TOP_LEVEL = {"VEVENT", "VTIMEZONE", "VTODO", "VJOURNAL", "VFREEBUSY"}


@dataclass(slots=True)
class Block:
    """The lines of one component, from BEGIN to END."""

    name: str
    number: int
    lines: list[ContentLine] = field(default_factory=list)

    @property
    def where(self) -> str:
        """Return the block's place for a report: its line, and its UID if it has one."""
        uid = self.value_of("UID")
        return f"line {self.number}, UID {uid[:80]}" if uid else f"line {self.number}"

    def value_of(self, name: str) -> str:
        """Return the raw value of the first line of that name, with its escapes."""
        for line in self.lines:
            key, _, value = line.text.partition(":")
            if key.partition(";")[0].strip().upper() == name:
                return value.strip()
        return ""


@dataclass(slots=True)
class CalendarText:
    """One VCALENDAR. `properties` has the lines that belong to no component."""

    properties: Block
    zones: list[Block] = field(default_factory=list)
    events: list[Block] = field(default_factory=list)


def calendars_in(lines: Iterable[ContentLine], report: Report) -> list[CalendarText]:
    """Split the file into calendars, and report incomplete components and those without events."""
    cutter = _Cutter(report)
    for line in lines:
        cutter.take(line)
    cutter.finish()
    return cutter.calendars


class _Cutter:
    """Reads lines and knows which component is open."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.calendars: list[CalendarText] = []
        self.in_calendar = False
        self.block: Block | None = None
        self.nested: list[str] = []
        self.others: Counter[str] = Counter()
        self.strays: list[int] = []

    def take(self, line: ContentLine) -> None:
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
        """Report components that are not closed, and those that are not events."""
        self._cut_off("the file ends")
        if self.in_calendar:
            self.report.note("end of file", "END:VCALENDAR is missing; the file may be incomplete")
        if not self.calendars:
            self.report.skip("line 1", "this is not a calendar: it has no BEGIN:VCALENDAR")
        elif self.strays:
            reason = f"outside any calendar and left out (such lines: {len(self.strays)})"
            self.report.note(f"line {self.strays[0]}", reason)
        for name, count in self.others.items():
            self.report.note("file", f"{count} {name} left out: only VEVENT is imported")

    def _begin(self, line: ContentLine, name: str) -> None:
        if name == "VCALENDAR":
            self._cut_off("a calendar begins")
            self._open_calendar(line)
        elif name in TOP_LEVEL:
            self._cut_off(f"the next {name} begins")
            self.block = Block(name, line.number, [line])
        else:
            self.nested.append(name)
            self._keep_in_zone(line)

    def _end(self, line: ContentLine, name: str) -> None:
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
            self.report.note(f"line {line.number}", f"END:{name} has no BEGIN and was ignored")

    def _property(self, line: ContentLine) -> None:
        if self.nested:
            self._keep_in_zone(line)
        elif self.block is not None:
            self.block.lines.append(line)
        elif self.in_calendar:
            self.calendars[-1].properties.lines.append(line)
        else:
            self.strays.append(line.number)

    def _keep_in_zone(self, line: ContentLine) -> None:
        """Keep the rules of a time zone. Alarms and other nested components are left out."""
        if self.block is not None and self.block.name == "VTIMEZONE":
            self.block.lines.append(line)

    def _open_calendar(self, line: ContentLine) -> None:
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
