"""The time that a message names, as a range: "this weekend", "friday evening", "24 December"."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

ONE_DAY = timedelta(days=1)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
MONTH = rf"(?P<month>{'|'.join(MONTHS)})"
YEAR = r"(?:,? (?P<year>20\d\d))?"
WHICH = r"(?:(?P<which>this|next) )?"
# First and last hour; those from 24 on belong to the next morning.
PARTS = {"morning": (6, 12), "afternoon": (12, 18), "evening": (17, 24), "night": (17, 28)}
PART = re.compile(rf"(?<!good )\b(?:to)?(?P<part>{'|'.join(PARTS)})\b")


class TimeRange(NamedTuple):
    """From an aware moment until another one, which is not included."""

    start: datetime
    end: datetime


class DayRange(NamedTuple):
    """From a day until another one, which is not included."""

    first: date
    after: date


Reader = Callable[[re.Match[str], date], DayRange | None]


def find(text: str, now: datetime) -> TimeRange | None:
    """Return the range that the text names, seen from `now` and in its time zone.

    None if the text names no time, a date that does not exist, or two times. A range that contains
    `now` begins with it, because nobody looks for events that are over.
    """
    found, rest = _matches(plain(text))
    days = found[0][1](found[0][0], now.date()) if len(found) == 1 else None
    if days is None:
        return None
    start, end = (datetime.combine(day, time.min, now.tzinfo) for day in days)
    if (part := PART.search(found[0][0][0]) or PART.search(rest)) and end - start == ONE_DAY:
        first, last = PARTS[part["part"]]
        start, end = _at_hour(days.first, first, now), _at_hour(days.first, last, now)
    if start < now < end:
        start = now.replace(second=0, microsecond=0)
    return TimeRange(start, end)


def without_time(text: str) -> str:
    """Return the text without the words that name a time."""
    return " ".join(PART.sub(" ", _matches(plain(text))[1]).split())


def plain(text: str) -> str:
    """Fold case, white space and the apostrophe that phones type."""
    return " ".join(text.lower().replace("\u2019", "'").split())


def _matches(text: str) -> tuple[list[tuple[re.Match[str], Reader]], str]:
    """Return what names a time, and the text without it."""
    found = []
    for pattern, reader in PATTERNS:
        found += [(match, reader) for match in pattern.finditer(text)]
        text = pattern.sub(" ", text)
    return found, text


def _at_hour(day: date, hour: int, now: datetime) -> datetime:
    day += timedelta(days=hour // 24)
    return datetime.combine(day, time(hour % 24), now.tzinfo)


def _one_day(day: date | None) -> DayRange | None:
    return DayRange(day, day + ONE_DAY) if day else None


def _iso_date(match: re.Match[str], today: date) -> DayRange | None:
    return _one_day(_valid_date(int(match["year"]), int(match["month"]), int(match["day"])))


def _day_of_month(match: re.Match[str], today: date) -> DayRange | None:
    """Return the day in the year that is named, or else the next such day, today included."""
    month, day = _month_number(match), int(match["day"])
    if match["year"]:
        return _one_day(_valid_date(int(match["year"]), month, day))
    coming = [_valid_date(year, month, day) for year in (today.year, today.year + 1)]
    return _one_day(next((day for day in coming if day and day >= today), None))


def _today(match: re.Match[str], today: date) -> DayRange | None:
    return _one_day(today)


def _tomorrow(match: re.Match[str], today: date) -> DayRange | None:
    return _one_day(today + ONE_DAY)


def _weekend(match: re.Match[str], today: date) -> DayRange:
    saturday = _monday(match, today) + timedelta(days=5)
    return DayRange(saturday, saturday + timedelta(days=2))


def _week(match: re.Match[str], today: date) -> DayRange:
    monday = _monday(match, today)
    return DayRange(monday, monday + timedelta(weeks=1))


def _weekday(match: re.Match[str], today: date) -> DayRange | None:
    """Return the coming such day, today included; "next" is that of the next calendar week."""
    number = WEEKDAYS.index(match["weekday"])
    if match["which"] == "next":
        return _one_day(_monday(match, today) + timedelta(days=number))
    return _one_day(today + timedelta(days=(number - today.weekday()) % 7))


def _next_days(match: re.Match[str], today: date) -> DayRange:
    return DayRange(today, today + timedelta(days=int(match["count"]) + 1))


def _month_from_here(match: re.Match[str], today: date) -> DayRange:
    return _whole_month(today.year, today.month + (match["which"] == "next"))


def _named_month(match: re.Match[str], today: date) -> DayRange:
    month = _month_number(match)
    if match["year"]:
        return _whole_month(int(match["year"]), month)
    return _whole_month(today.year + (month < today.month), month)


def _monday(match: re.Match[str], today: date) -> date:
    return today + timedelta(days=7 * (match["which"] == "next") - today.weekday())


def _month_number(match: re.Match[str]) -> int:
    return MONTHS.index(match["month"]) + 1


def _whole_month(year: int, month: int) -> DayRange:
    """Month 13 is January of the next year."""
    firsts = [date(year + (m - 1) // 12, (m - 1) % 12 + 1, 1) for m in (month, month + 1)]
    return DayRange(*firsts)


def _valid_date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


# A pattern does not see what those above it have matched: "24 december" is not a month as well.
PATTERNS: list[tuple[re.Pattern[str], Reader]] = [
    (re.compile(rf"\b{pattern}\b"), reader)
    for pattern, reader in [
        (r"(?P<year>20\d\d)-(?P<month>\d\d)-(?P<day>\d\d)", _iso_date),
        (rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)? (?:of )?{MONTH}{YEAR}", _day_of_month),
        (rf"{MONTH} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?{YEAR}", _day_of_month),
        (r"(?:today|tonight|this (?:morning|afternoon|evening))", _today),
        (r"tomorrow", _tomorrow),
        (rf"{WHICH}weekend", _weekend),
        (r"(?P<which>this|next) week", _week),
        (r"(?P<which>this|next) month", _month_from_here),
        (r"(?:in )?(?:the )?next (?P<count>\d{1,3}) days", _next_days),
        (rf"{WHICH}(?P<weekday>{'|'.join(WEEKDAYS)})", _weekday),
        # "may" and "march" are verbs as well, so a month needs "in".
        (rf"in {MONTH}{YEAR}", _named_month),
    ]
]
