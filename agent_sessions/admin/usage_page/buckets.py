"""The buckets that usage is counted in: days or months, in the current time zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Case, IntegerField, Value, When
from django.db.models.expressions import Combinable
from django.utils.formats import date_format
from django.utils.translation import pgettext

from agent_sessions.admin.local_days import start_of

DAYS = {"7d": 7, "30d": 30, "90d": 90}
YEAR = "12m"


@dataclass(frozen=True)
class Period:
    """Consecutive days or months: the first day of each, and the day after the last one."""

    starts: tuple[date, ...]
    end: date
    is_by_month: bool = False

    @property
    def last(self) -> date:
        return self.end - timedelta(days=1)

    def name(self, bucket: int) -> str:
        """Return the full name of a day or month."""
        form = "YEAR_MONTH_FORMAT" if self.is_by_month else "DATE_FORMAT"
        return date_format(self.starts[bucket], form)

    def short_name(self, bucket: int) -> str:
        """Return the name of a day or month for the axis of the chart."""
        days = pgettext("date format of a day under a chart", "M j")
        months = pgettext("date format of a month under a chart", "M Y")
        return date_format(self.starts[bucket], months if self.is_by_month else days)

    def moments(self) -> list[datetime]:
        """Return the moment at which each bucket begins, and that at which the last one ends."""
        return [start_of(day) for day in (*self.starts, self.end)]


def period_until(today: date, name: str) -> Period:
    """Return the days of DAYS, or the months of YEAR, up to and including today."""
    end = today + timedelta(days=1)
    if name == YEAR:
        return Period(tuple(_months(today, 12)), end, is_by_month=True)
    count = DAYS[name]
    return Period(tuple(end - timedelta(days=back) for back in range(count, 0, -1)), end)


def bucket_of(field: str, moments: Sequence[datetime]) -> Combinable:
    """Return an expression for the bucket of a time, by its position in a period.

    Python computes the bounds, because MariaDB knows time zones only if their tables are loaded
    (https://docs.djangoproject.com/en/stable/ref/databases/#time-zone-definitions), and SQLite
    would call Python for each row. The expression is a binary search: a list of ninety conditions
    takes twice as long.
    """
    return _search(field, moments, 0, len(moments) - 1)


def _search(field: str, moments: Sequence[datetime], first: int, end: int) -> Combinable:
    """Return an expression for the bucket of a time that is in the buckets from first to end."""
    if end - first == 1:
        return Value(first)
    middle = (first + end) // 2
    return Case(
        When(**{f"{field}__lt": moments[middle]}, then=_search(field, moments, first, middle)),
        default=_search(field, moments, middle, end),
        output_field=IntegerField(),
    )


def _months(today: date, count: int) -> list[date]:
    newest = today.year * 12 + today.month - 1
    return [date(month // 12, month % 12 + 1, 1) for month in range(newest - count + 1, newest + 1)]
