"""Imported events are stored in batches, not event by event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connections, router, transaction
from django.db.models import Q

from calendarclub.events.ics.report import Report
from calendarclub.events.ics.series import EventSeries
from calendarclub.events.models import Event

# Keeps queries below every database's limit of parameters.
CHUNK = 500
IMPORTED_FIELDS = [
    "title", "description", "start", "end", "timezone", "all_day", "venue", "city", "category",
    "url", "price", "currency",
]  # fmt: skip


def store(
    all_series: Sequence[EventSeries], start: datetime, end: datetime, report: Report
) -> None:
    """Create, update and remove events from `start` to `end`, and count them in the report."""
    using = router.db_for_write(Event)
    events = _by_uid(all_series, report)
    with transaction.atomic(using=using):
        rows = _rows({series.uid for series in all_series} | events.keys(), using)
        changed = [event for uid, event in events.items() if _differs(event, rows.get(uid))]
        _upsert(changed, using)
        own = {series.uid: series for series in all_series}
        gone = [
            row.pk
            for row in rows.values()
            if row.uid not in events
            and _is_gone(row, own.get(row.series_uid) or own.get(row.uid), start, end)
        ]
        for first in range(0, len(gone), CHUNK):
            Event.objects.using(using).filter(pk__in=gone[first : first + CHUNK]).delete()
    created = sum(event.uid not in rows for event in changed)
    report.created += created
    report.updated += len(changed) - created
    report.unchanged += len(events) - len(changed)
    report.removed += len(gone)


def _by_uid(all_series: Sequence[EventSeries], report: Report) -> dict[str, Event]:
    events: dict[str, Event] = {}
    for event in (event for series in all_series for event in series.events):
        if event.uid in events:
            report.skip(f"UID {event.uid}", "the file has it twice, once as a date of a series")
        events[event.uid] = event
    return events


def _rows(uids: set[str], using: str) -> dict[str, Event]:
    """Return the stored events of all series and dates in the calendar, by UID."""
    names = sorted(uids)
    chunks = (names[first : first + CHUNK] for first in range(0, len(names), CHUNK))
    return {
        row.uid: row
        for chunk in chunks
        for row in Event.objects.using(using).filter(Q(uid__in=chunk) | Q(series_uid__in=chunk))
    }


def _differs(event: Event, row: Event | None) -> bool:
    return row is None or any(
        getattr(event, name) != getattr(row, name) for name in IMPORTED_FIELDS
    )


def _upsert(events: list[Event], using: str) -> None:
    """Insert or update, because another import may have inserted rows in the meantime."""
    targeted = connections[using].features.supports_update_conflicts_with_target
    Event.objects.using(using).bulk_create(
        events,
        update_conflicts=True,
        update_fields=IMPORTED_FIELDS,
        unique_fields=["uid"] if targeted else None,
    )


def _is_gone(row: Event, series: EventSeries | None, start: datetime, end: datetime) -> bool:
    """Tell whether the stored event is no longer in its series."""
    if series is None:
        return False
    within = row.start < end and (row.end > start or row.start >= start)
    return row.uid in series.cancelled or (series.is_whole and within)
