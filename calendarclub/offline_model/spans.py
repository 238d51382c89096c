"""Spans of days by the calendar, between two midnights of one time zone."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import NamedTuple


class Span(NamedTuple):
    """A half-open stretch of time between two aware moments."""

    start: datetime
    end: datetime


def days(first: date, after: date, now: datetime) -> Span:
    """Stretch from the first midnight of `first` to that of `after`, by the clock of `now`."""
    return Span(
        datetime.combine(first, time.min, now.tzinfo), datetime.combine(after, time.min, now.tzinfo)
    )


def one_day(day: date, now: datetime) -> Span:
    return days(day, day + timedelta(days=1), now)


def valid_date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def coming(month: int, day: int, now: datetime, year: str | None = None) -> date | None:
    """Find the next such day, today included, or the one in the year that was named."""
    if year is not None:
        return valid_date(int(year) + (2000 if len(year) == 2 else 0), month, day)
    today = now.date()
    # Eight years always hold a 29 February.
    found = (valid_date(today.year + ahead, month, day) for ahead in range(9))
    return next((day for day in found if day is not None and day >= today), None)


def first_of_month(year: int, month: int) -> date:
    """Count on past December and before January: month 13 is January of the next year."""
    return date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1)


def whole_month(year: int, month: int, now: datetime) -> Span:
    return days(first_of_month(year, month), first_of_month(year, month + 1), now)


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())
