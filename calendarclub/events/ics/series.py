"""The events of a calendar, grouped by UID."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from zoneinfo import ZoneInfo

import icalendar

from calendarclub.events.ics.blocks import Block
from calendarclub.events.ics.fields import event_of
from calendarclub.events.ics.recurrence import occurrence_uid, occurrences
from calendarclub.events.ics.report import Report
from calendarclub.events.ics.vevents import SourceEvent, is_cancelled, read_event
from calendarclub.events.models import Event


@dataclass(slots=True)
class EventSeries:
    """The events of one UID.

    `events` are its unsaved dates in the range, or its only date. If it `is_whole`, other stored
    dates of the UID in the range are removed. Events whose UID is in `cancelled` are removed
    whatever their date is.
    """

    uid: str
    events: list[Event] = field(default_factory=list)
    is_whole: bool = True
    cancelled: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class SeriesReader:
    """Reads the series of a calendar, and expands them from `start` to `end`.

    `home` is the zone of times that have none.
    """

    start: datetime
    end: datetime
    home: ZoneInfo
    report: Report

    def series_in(self, blocks: Sequence[Block], *, cancelled: bool) -> list[EventSeries]:
        """Return the series of the blocks, and report blocks that cannot be read."""
        by_uid: dict[str, list[SourceEvent]] = {}
        for block in blocks:
            with self.report.skipping(block.where):
                event = read_event(block, self.report, cancelled=cancelled)
                by_uid.setdefault(event.uid, []).append(event)
        found = []
        for events in by_uid.values():
            with self.report.skipping(events[0].where):
                found.append(self._series(self._newest(events)))
        return found

    def _newest(self, events: list[SourceEvent]) -> dict[date | None, SourceEvent]:
        """Return the newest revision of the event itself (at None) and of each override."""
        newest: dict[date | None, SourceEvent] = {}
        for event in sorted(events, key=lambda event: event.sequence):
            older = newest.get(event.overrides)
            newest[event.overrides] = event
            if older is not None:
                self.report.skip(older.where, f"the file has another version of it ({event.where})")
        return newest

    def _series(self, newest: dict[date | None, SourceEvent]) -> EventSeries:
        """Return the series of one UID, from its event (at None) and its overrides."""
        main = newest.get(None)
        if main is None:
            return self._overrides_alone(list(newest.values()))
        if main.cancelled:
            return EventSeries(main.uid, cancelled={main.uid})
        if not main.recurs and len(newest) == 1:
            return EventSeries(main.uid, [self._event(main, main.component, main.uid)])
        return self._recurring(main, list(newest.values()))

    def _recurring(self, main: SourceEvent, events: list[SourceEvent]) -> EventSeries:
        found = EventSeries(main.uid)
        for component in occurrences(events, self.start, self.end):
            if not is_cancelled(component):
                uid = occurrence_uid(main.uid, component, self.home)
                found.events.append(self._event(main, component, uid))
        if not found.events:
            self.report.note(main.where, "it has no date within the horizon")
        return found

    def _overrides_alone(self, events: list[SourceEvent]) -> EventSeries:
        """Return changed dates of a series whose event is not in the file. The others stay."""
        found = EventSeries(events[0].uid, is_whole=False)
        for event in events:
            uid = occurrence_uid(event.uid, event.component, self.home)
            if event.cancelled:
                found.cancelled.add(uid)
            else:
                found.events.append(self._event(event, event.component, uid))
        return found

    def _event(self, source: SourceEvent, component: icalendar.Event, uid: str) -> Event:
        note = partial(self.report.note, source.where)
        event = event_of(component, uid=uid, home=self.home, note=note)
        event.series_uid = source.uid
        return event
