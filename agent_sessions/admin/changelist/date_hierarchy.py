"""The years, months and days above the list: Django's date hierarchy, found by an index.

Django's own truncates the time of every session to its day: on SQLite by a Python function for each
row, on MariaDB by time zone tables that may not be loaded. Here the database answers a yes or no
question for each period on offer: is there a session between its start and the next one's?
https://docs.djangoproject.com/en/stable/ref/databases/#time-zone-definitions
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Any, TypeAlias

from django.db.models import Exists, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from agent_sessions.admin.local_days import start_of
from agent_sessions.models import Session

if TYPE_CHECKING:
    from django.contrib.admin.views.main import ChangeList
    from django.db.models import QuerySet

DateParts: TypeAlias = tuple[int, ...]
"""A year, a year and a month, or a year, a month and a day. Empty stands for all dates."""

ACTIVITY = "updated_at"
PARTS = ("year", "month", "day")
FORMATS = ("", "YEAR_MONTH_FORMAT", "MONTH_DAY_FORMAT")
MOST_YEARS = 100  # a session may have any date


def periods(
    changelist: ChangeList, queryset: QuerySet[Session], ends: QuerySet[Session]
) -> dict[str, Any]:
    """Return the context of Django's template admin/date_hierarchy.html.

    `ends` are sessions that include the first and the last one of the queryset.
    """
    chosen = _chosen(changelist)
    if len(chosen) == len(PARTS):
        choices = [{"title": _title(chosen)}]
    else:
        inner = _inside(chosen) if chosen else _between(*_moments(ends))
        offered = _with_sessions(queryset, list(inner))
        choices = [{"title": _title(parts), "link": _link(changelist, parts)} for parts in offered]
    outer = chosen[:-1]
    back = {"title": _title(outer) if outer else _("All dates"), "link": _link(changelist, outer)}
    return {
        "back": back if chosen else None,
        "choices": choices,
        "field_name": Session._meta.get_field("updated_at").verbose_name,
    }


def _chosen(changelist: ChangeList) -> DateParts:
    """Return the period in the address, which the list has validated."""
    values = (changelist.params.get(f"{ACTIVITY}__{part}", "") for part in PARTS)
    return tuple(int(value) for value in takewhile(bool, values))


def _moments(ends: QuerySet[Session]) -> list[datetime]:
    """Return the first and the last activity in the current time zone; nothing if there is none."""
    moments = [
        moment
        for order in (ACTIVITY, f"-{ACTIVITY}")
        for moment in ends.order_by(order).values_list(ACTIVITY, flat=True)[:1]
    ]
    return [timezone.localtime(at) if timezone.is_aware(at) else at for at in moments]


def _between(first: datetime | None = None, last: datetime | None = None) -> Iterator[DateParts]:
    """Return the years from first to last; the months if it is one year, the days if one month."""
    if first is None or last is None:
        return iter(())
    if first.year < last.year:
        return ((year,) for year in range(max(first.year, last.year - MOST_YEARS), last.year + 1))
    if first.month < last.month:
        return _inside((first.year,))
    return _inside((first.year, first.month))


def _inside(parts: DateParts) -> Iterator[DateParts]:
    """Return the months of a year, or the days of a month."""
    if len(parts) == 1:
        return ((*parts, month) for month in range(1, 13))
    _, days = monthrange(parts[0], parts[1])
    return ((*parts, day) for day in range(1, days + 1))


def _with_sessions(queryset: QuerySet[Session], candidates: list[DateParts]) -> list[DateParts]:
    """Return the periods with a session in them, found by one statement."""
    if not candidates or queryset.query.is_empty():
        return []
    answers = {
        f"period_{number}": Exists(queryset.filter(_within(parts)))
        for number, parts in enumerate(candidates)
    }
    any_session = Session.objects.using(queryset.db).order_by().annotate(**answers)
    found = any_session.values_list(*answers)[:1]
    return [
        parts for row in found for parts, is_used in zip(candidates, row, strict=True) if is_used
    ]


def _within(parts: DateParts) -> Q:
    """Return the condition of sessions that were last active in a period."""
    year, month, day = (*parts, 1, 1)[: len(PARTS)]
    first = date(year, month, day)
    match len(parts):
        case 1:
            end = first.replace(year=first.year + 1)
        case 2:
            end = (first + timedelta(days=31)).replace(day=1)
        case _:
            end = first + timedelta(days=1)
    return Q((f"{ACTIVITY}__gte", start_of(first)), (f"{ACTIVITY}__lt", start_of(end)))


def _title(parts: DateParts) -> str:
    if len(parts) == 1:
        return str(parts[0])
    year, month, day = (*parts, 1)[: len(PARTS)]
    return capfirst(date_format(date(year, month, day), FORMATS[len(parts) - 1]))


def _link(changelist: ChangeList, parts: DateParts) -> str:
    values = zip((f"{ACTIVITY}__{part}" for part in PARTS), parts, strict=False)
    return changelist.get_query_string(dict(values), [f"{ACTIVITY}__"])
