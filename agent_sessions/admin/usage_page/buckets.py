"""The days or months that the usage page counts by, in the current time zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.db.models import Case, IntegerField, Value, When
from django.db.models.expressions import Combinable
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import pgettext

DAYS = {"7d": 7, "30d": 30, "90d": 90}
YEAR = "12m"


@dataclass(frozen=True)
class Period:
    """Days one after another, or months: the first day of each, and the day after the last."""

    starts: tuple[date, ...]
    end: date
    is_by_month: bool = False

    @property
    def last(self) -> date:
        return self.end - timedelta(days=1)

    def name(self, place: int) -> str:
        """Name a day, or a month, in full."""
        form = "YEAR_MONTH_FORMAT" if self.is_by_month else "DATE_FORMAT"
        return date_format(self.starts[place], form)

    def short_name(self, place: int) -> str:
        """Name a day, or a month, where there is little room."""
        days = pgettext("date format of a day under a chart", "M j")
        months = pgettext("date format of a month under a chart", "M Y")
        return date_format(self.starts[place], months if self.is_by_month else days)

    def moments(self) -> list[datetime]:
        """Return when each day, or month, begins, and when the last one ends."""
        return [_midnight(day) for day in (*self.starts, self.end)]


def period(name: str, today: date) -> Period:
    """Return the days of DAYS or the months of YEAR up to and with today."""
    end = today + timedelta(days=1)
    if name == YEAR:
        return Period(tuple(_months(today, 12)), end, is_by_month=True)
    number = DAYS[name]
    return Period(tuple(end - timedelta(days=back) for back in range(number, 0, -1)), end)


def place(field: str, moments: Sequence[datetime]) -> Combinable:
    """Return the number of the day, or month, in which a moment of the database lies, as SQL.

    The bounds are told from the time zone in Python: MariaDB knows zones only if their tables were
    loaded, and SQLite calls Python for each row. They stand in a tree, because a list of ninety
    takes twice the time.
    """
    return _between(field, moments, 0, len(moments) - 1)


def _between(field: str, moments: Sequence[datetime], first: int, end: int) -> Combinable:
    if end - first == 1:
        return Value(first)
    middle = (first + end) // 2
    return Case(
        When(**{f"{field}__lt": moments[middle]}, then=_between(field, moments, first, middle)),
        default=_between(field, moments, middle, end),
        output_field=IntegerField(),
    )


def _months(today: date, number: int) -> list[date]:
    newest = today.year * 12 + today.month - 1
    return [
        date(month // 12, month % 12 + 1, 1) for month in range(newest - number + 1, newest + 1)
    ]


def _midnight(day: date) -> datetime:
    # Where clocks skip midnight, this is the moment in which they do.
    midnight = datetime.combine(day, time())
    return timezone.make_aware(midnight) if settings.USE_TZ else midnight
