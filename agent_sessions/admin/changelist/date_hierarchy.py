"""The years, months and days to look into: Django's date hierarchy, found by an index.

Django's own has the database cut every moment down to its day: on SQLite by a function of Python,
on MariaDB by tables of time zones that may not be there. Here each period that might be offered is
asked for: is there anything from its first moment to that of the next?
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Any, TypeAlias

from django.conf import settings
from django.db.models import Exists, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from agent_sessions.models import Session

if TYPE_CHECKING:
    from django.contrib.admin.views.main import ChangeList
    from django.db.models import QuerySet

Period: TypeAlias = tuple[int, ...]
"""A year, a month of it, a day of that."""

ACTIVITY = "updated_at"
PARTS = ("year", "month", "day")
FORMATS = ("", "YEAR_MONTH_FORMAT", "MONTH_DAY_FORMAT")
MOST_YEARS = 100  # a session may have any date


def periods(
    changelist: ChangeList, queryset: QuerySet[Session], ends: QuerySet[Session]
) -> dict[str, Any]:
    """Return what Django's template of a date hierarchy shows.

    `ends` are sessions of which the first and the last are those of the queryset.
    """
    chosen = _chosen(changelist)
    if len(chosen) == len(PARTS):
        choices = [{"title": _title(chosen)}]
    else:
        inner = _inside(chosen) if chosen else _between(*_moments(ends))
        offered = _with_something(queryset, list(inner))
        choices = [
            {"title": _title(period), "link": _link(changelist, period)} for period in offered
        ]
    outer = chosen[:-1]
    back = {"title": _title(outer) if outer else _("All dates"), "link": _link(changelist, outer)}
    return {
        "back": back if chosen else None,
        "choices": choices,
        "field_name": Session._meta.get_field("updated_at").verbose_name,
    }


def _chosen(changelist: ChangeList) -> Period:
    """Return the period that the address names, which the list has found to be one."""
    values = (changelist.params.get(f"{ACTIVITY}__{part}", "") for part in PARTS)
    return tuple(int(value) for value in takewhile(bool, values))


def _moments(ends: QuerySet[Session]) -> list[datetime]:
    """Return the first and the last moment, in the current time zone; none if there is nothing."""
    moments = [
        moment
        for order in (ACTIVITY, f"-{ACTIVITY}")
        for moment in ends.order_by(order).values_list(ACTIVITY, flat=True)[:1]
    ]
    return [timezone.localtime(at) if timezone.is_aware(at) else at for at in moments]


def _between(first: datetime | None = None, last: datetime | None = None) -> Iterator[Period]:
    """Return the years from the first moment to the last; if it is one, its months, or days."""
    if first is None or last is None:
        return iter(())
    if first.year < last.year:
        return ((year,) for year in range(max(first.year, last.year - MOST_YEARS), last.year + 1))
    if first.month < last.month:
        return _inside((first.year,))
    return _inside((first.year, first.month))


def _inside(period: Period) -> Iterator[Period]:
    """Return the months of a year, or the days of a month."""
    if len(period) == 1:
        return ((*period, month) for month in range(1, 13))
    _, days = monthrange(period[0], period[1])
    return ((*period, day) for day in range(1, days + 1))


def _with_something(queryset: QuerySet[Session], asked: list[Period]) -> list[Period]:
    """Return those of the periods that something is in, asked for in one statement."""
    if not asked or queryset.query.is_empty():
        return []
    answers = {
        f"period_{number}": Exists(queryset.filter(_within(period)))
        for number, period in enumerate(asked)
    }
    anything = Session.objects.using(queryset.db).order_by().annotate(**answers)
    found = anything.values_list(*answers)[:1]
    return [period for row in found for period, is_used in zip(asked, row, strict=True) if is_used]


def _within(period: Period) -> Q:
    year, month, day = (*period, 1, 1)[: len(PARTS)]
    begin = datetime(year, month, day)
    match len(period):
        case 1:
            end = begin.replace(year=begin.year + 1)
        case 2:
            end = (begin + timedelta(days=31)).replace(day=1)
        case _:
            end = begin + timedelta(days=1)
    # As Django cuts the list: a day is as long as its clocks say.
    return Q((f"{ACTIVITY}__gte", _in_zone(begin)), (f"{ACTIVITY}__lt", _in_zone(end)))


def _in_zone(moment: datetime) -> datetime:
    return timezone.make_aware(moment) if settings.USE_TZ else moment


def _title(period: Period) -> str:
    if len(period) == 1:
        return str(period[0])
    year, month, day = (*period, 1)[: len(PARTS)]
    return capfirst(date_format(date(year, month, day), FORMATS[len(period) - 1]))


def _link(changelist: ChangeList, period: Period) -> str:
    values = zip((f"{ACTIVITY}__{part}" for part in PARTS), period, strict=False)
    return changelist.get_query_string(dict(values), [f"{ACTIVITY}__"])
