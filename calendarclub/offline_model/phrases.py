"""The phrases that name a time, each read as a span: "next weekend", "24 December", "in march".

A reader gets the match of its pattern and the present moment. It answers None when the phrase
names a day that no calendar has, so that nothing is made up for "31 february".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta

from calendarclub.offline_model.spans import (
    Span,
    coming,
    days,
    first_of_month,
    monday_of,
    one_day,
    valid_date,
    whole_month,
)

Reader = Callable[[re.Match[str], datetime], Span | None]

# In order: where two phrases begin at the same letter, the first of the list is read.
PHRASES: list[tuple[re.Pattern[str], Reader]] = []

DASH = "-–—"  # noqa: RUF001  (people type all three)
TO = rf"(?:[{DASH}]|to|until|till|through|and)"
ORDINAL = r"(?:st|nd|rd|th)?"
MONTH_NAMES = (
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
MONTH = rf"(?P<month>{MONTH_NAMES})\b\.?"
FOUR_DIGITS = r"(?:19|20)\d\d"
YEAR = rf"(?:,? (?P<year>{FOUR_DIGITS})\b)?"
NOT_A_TIME = r"(?! ?(?:[ap]\.?m\b|euros?\b|eur\b|€|o'clock)|[:.]\d)"
NOT_A_DAY = r"(?! (?:one|event|result|anniversary|birthday|edition|century|floor|street)\b)"
WEEKDAY = r"(?P<weekday>monday|tuesday|wednesday|thursday|friday|saturday|sunday)s?"
SHORT_WEEKDAY = r"(?P<weekday>mon|tues?|wed|thu(?:rs?)?|fri|sat|sun)"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
COUNTS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "couple of": 2, "couple": 2, "three": 3, "few": 3,
    "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twelve": 12,
}  # fmt: skip
COUNT = rf"(?:an? (?=couple|few))?(?P<count>\d{{1,3}}|{'|'.join(sorted(COUNTS, key=len)[::-1])})"
UNIT = r"(?P<unit>hour|day|week|month)s?\b"
# (month, day, how many days); the coming one is meant.
HOLIDAYS = {
    "christmas eve": (12, 24, 1),
    "christmas": (12, 24, 3),
    "xmas": (12, 24, 3),
    "boxing day": (12, 26, 1),
    "new year's eve": (12, 31, 1),
    "new years eve": (12, 31, 1),
    "new year's day": (1, 1, 1),
    "halloween": (10, 31, 1),
    "valentine's day": (2, 14, 1),
    "valentine's": (2, 14, 1),
}


def phrase(pattern: str) -> Callable[[Reader], Reader]:
    """Add the decorated reader to PHRASES, after those above it."""

    def add(reader: Reader) -> Reader:
        PHRASES.append((re.compile(rf"\b{pattern}"), reader))
        return reader

    return add


def month_number(name: str) -> int:
    return MONTHS.index(name[:3]) + 1


def shift(which: str | None) -> int:
    """Tell how many weeks, months or years away from the present one a word points."""
    return {"next": 1, "following": 1, "last": -1, "past": -1}.get(which or "this", 0)


def count_of(words: str) -> int:
    return COUNTS[words] if words in COUNTS else int(words)


@phrase(rf"(?P<year>{FOUR_DIGITS})-(?P<month>\d{{1,2}})-(?P<day>\d{{1,2}})(?!\d)")
def iso_date(match: re.Match[str], now: datetime) -> Span | None:
    day = valid_date(int(match["year"]), int(match["month"]), int(match["day"]))
    return one_day(day, now) if day else None


@phrase(
    rf"(?P<first>\d{{1,2}}){ORDINAL} ?{TO} ?(?:the )?(?P<last>\d{{1,2}}){ORDINAL} (?:of )?"
    rf"{MONTH}{YEAR}"
)
@phrase(
    rf"{MONTH} (?:the )?(?P<first>\d{{1,2}}){ORDINAL} ?{TO} ?(?:the )?(?P<last>\d{{1,2}}){ORDINAL}"
    rf"\b(?! (?:of )?(?:{MONTH_NAMES})\b){NOT_A_TIME}{YEAR}"
)
def days_of_a_month(match: re.Match[str], now: datetime) -> Span | None:
    month = month_number(match["month"])
    # The last day decides which year is meant: on the 25th, "24 to 26 December" is not over.
    last = coming(month, int(match["last"]), now, match["year"])
    first = last and valid_date(last.year, month, int(match["first"]))
    if not first or not last or first > last:
        return None
    return days(first, last + timedelta(days=1), now)


@phrase(rf"(?P<day>\d{{1,2}}){ORDINAL} (?:of )?{MONTH}{YEAR}")
@phrase(rf"{MONTH} (?:the )?(?P<day>\d{{1,2}}){ORDINAL}\b{NOT_A_TIME}{YEAR}")
def day_of_a_month(match: re.Match[str], now: datetime) -> Span | None:
    day = coming(month_number(match["month"]), int(match["day"]), now, match["year"])
    return one_day(day, now) if day else None


# "24/7" and "1/2" are said of other things.
@phrase(
    rf"(?<![\d/.-])(?!24/7\b|1/2\b)(?P<day>\d{{1,2}})/(?P<month>\d{{1,2}})"
    rf"(?:/(?P<year>{FOUR_DIGITS}|\d\d))?(?![\d/])"
)
# A year is wanted here: "20.30" is a time and "2-3" a number of people.
@phrase(
    rf"(?<![\d/.-])(?P<day>\d{{1,2}})(?P<mark>[.-])(?P<month>\d{{1,2}})(?P=mark)"
    rf"(?P<year>{FOUR_DIGITS})(?!\d)"
)
def numeric_date(match: re.Match[str], now: datetime) -> Span | None:
    """Read the day first, as Europe writes it, and the month first where only that is a date."""
    day, month = int(match["day"]), int(match["month"])
    found = coming(month, day, now, match["year"]) or coming(day, month, now, match["year"])
    return one_day(found, now) if found else None


@phrase(rf"(?<!more )(?<!info )(?<!details )on the (?P<day>\d{{1,2}})(?:st|nd|rd|th)\b{NOT_A_DAY}")
# From the 16th on a number cannot be the place of an event in a list.
@phrase(rf"the (?P<day>1[6-9]|[23]\d)(?:st|nd|rd|th)\b{NOT_A_DAY}")
def day_of_this_month(match: re.Match[str], now: datetime) -> Span | None:
    today, number = now.date(), int(match["day"])
    months = (first_of_month(today.year, today.month + ahead) for ahead in range(3))
    found = (valid_date(month.year, month.month, number) for month in months)
    day = next((day for day in found if day is not None and day >= today), None)
    return one_day(day, now) if day else None


@phrase(r"day after tomorrow\b")
def day_after_tomorrow(match: re.Match[str], now: datetime) -> Span:
    return one_day(now.date() + timedelta(days=2), now)


@phrase(r"(?:tomorrow|tmrw|tomorow|tommorow|tommorrow)\b")
def tomorrow(match: re.Match[str], now: datetime) -> Span:
    return one_day(now.date() + timedelta(days=1), now)


@phrase(r"yesterday\b")
def yesterday(match: re.Match[str], now: datetime) -> Span:
    return one_day(now.date() - timedelta(days=1), now)


@phrase(r"(?:today|tonight|tonite|this (?=morning\b|afternoon\b|evening\b|night\b))")
def today(match: re.Match[str], now: datetime) -> Span:
    return one_day(now.date(), now)


@phrase(
    rf"(?P<which>first |last )?weekend (?:of|in) (?:the )?(?:(?P<day>\d{{1,2}}){ORDINAL} (?:of )?)?"
    rf"{MONTH}{YEAR}"
)
def weekend_of(match: re.Match[str], now: datetime) -> Span | None:
    month = month_number(match["month"])
    if match["day"]:
        around = coming(month, int(match["day"]), now, match["year"])
        return weekend_from(around, now) if around else None
    span = coming_month(match, now)
    if match["which"] == "last ":
        last_day = span.end.date() - timedelta(days=1)
        return weekend_from(last_day - timedelta(days=(last_day.weekday() - 5) % 7), now)
    begin = max(span.start.date(), now.date())
    return weekend_from(begin + timedelta(days=(5 - begin.weekday()) % 7), now)


def weekend_from(day: date, now: datetime) -> Span:
    """Take the Saturday and Sunday of the week that holds the day."""
    saturday = monday_of(day) + timedelta(days=5)
    return days(saturday, saturday + timedelta(days=2), now)


@phrase(r"(?:(?P<which>this|next|coming|following|last|past) )?week-?end\b")
def weekend(match: re.Match[str], now: datetime) -> Span:
    return weekend_from(now.date() + timedelta(weeks=shift(match["which"])), now)


@phrase(r"(?P<which>this|next|coming|following|last|past) week\b")
@phrase(r"(?P<which>)rest of the week\b")
def week(match: re.Match[str], now: datetime) -> Span:
    if match["which"] == "coming":
        return days(now.date(), now.date() + timedelta(days=8), now)
    monday = monday_of(now.date()) + timedelta(weeks=shift(match["which"]))
    return days(monday, monday + timedelta(weeks=1), now)


@phrase(r"(?P<which>this|next|coming|following|last|past) month\b")
@phrase(r"(?P<which>)(?:rest|end) of the month\b")
def month_from_here(match: re.Match[str], now: datetime) -> Span:
    return whole_month(now.year, now.month + shift(match["which"]), now)


@phrase(r"(?P<which>this|next|last|past) year\b")
@phrase(r"(?P<which>)(?:rest|end) of the year\b")
def year_from_here(match: re.Match[str], now: datetime) -> Span:
    year = now.year + shift(match["which"])
    return days(date(year, 1, 1), date(year + 1, 1, 1), now)


@phrase(rf"(?:(?:in|over|within|during) )?(?:the )?(?:next|coming|following) {COUNT} {UNIT}")
@phrase(rf"within {COUNT} {UNIT}")
def stretch_from_here(match: re.Match[str], now: datetime) -> Span:
    count, unit = count_of(match["count"]), match["unit"]
    if unit == "hour":
        # Hours pass whatever the clock is turned to, so they are counted in UTC.
        end = now.timestamp() + count * 3600
        return Span(now, datetime.fromtimestamp(end, now.tzinfo))
    if unit == "month":
        after = first_of_month(now.year, now.month + count)
        return days(now.date(), after + timedelta(days=now.day), now)
    length = timedelta(days=count * (7 if unit == "week" else 1) + 1)
    return days(now.date(), now.date() + length, now)


@phrase(rf"in {COUNT} {UNIT}")
def some_time_from_here(match: re.Match[str], now: datetime) -> Span:
    count, unit = count_of(match["count"]), match["unit"]
    if unit == "hour":
        moment = datetime.fromtimestamp(now.timestamp() + count * 3600, now.tzinfo)
        return Span(moment, datetime.fromtimestamp(moment.timestamp() + 7200, now.tzinfo))
    if unit == "month":
        return whole_month(now.year, now.month + count, now)
    if unit == "week":
        monday = monday_of(now.date()) + timedelta(weeks=count)
        return days(monday, monday + timedelta(weeks=1), now)
    return one_day(now.date() + timedelta(days=count), now)


@phrase(rf"(?:(?P<which>this|next|coming|following|last|past) )?{WEEKDAY}\b")
# "sat" and "sun" are words too: something beside them must say that a day is meant.
@phrase(rf"(?P<which>this|next|coming|last) {SHORT_WEEKDAY}\b")
@phrase(
    rf"(?:(?<=\bon )|(?<=\bto )|(?<=\band )|(?<=\bfrom )|(?<=\buntil )|(?<=[{DASH}]))"
    rf"(?P<which>){SHORT_WEEKDAY}\b"
)
@phrase(
    rf"(?P<which>){SHORT_WEEKDAY}"
    rf"(?= (?:morning|afternoon|evening|night)\b| ?{TO} ?(?:mon|tue|wed|thu|fri|sat|sun))"
)
@phrase(r"(?P<which>)(?P<weekday>tues?|thu(?:rs?)?|fri)\b")
def weekday(match: re.Match[str], now: datetime) -> Span:
    """Take the coming such day, today included; "next" is the one of the next calendar week."""
    number = WEEKDAYS.index(match["weekday"][:3])
    weeks = shift(match["which"])
    if weeks:
        monday = monday_of(now.date()) + timedelta(weeks=weeks)
        return one_day(monday + timedelta(days=number), now)
    return one_day(now.date() + timedelta(days=(number - now.weekday()) % 7), now)


# "may" and "march" are words too: they need a word before them, a year, or to stand alone.
@phrase(
    r"(?:in|during|for|all of|until|till|before|after|from|by|of|this|next|(?:mid|early|late)[ -]?)"
    rf"(?: the month of)? ?{MONTH}(?: (?P<year>{FOUR_DIGITS})\b)?"
)
@phrase(rf"{MONTH} (?P<year>{FOUR_DIGITS})\b")
@phrase(
    r"(?P<month>january|february|april|june|july|august|september|october|november|december)\b"
    rf"(?: (?P<year>{FOUR_DIGITS})\b)?"
)
@phrase(r"(?<!.)(?P<month>march|may)(?P<year>)[?.!]*$")
def named_month(match: re.Match[str], now: datetime) -> Span:
    return coming_month(match, now)


def coming_month(match: re.Match[str], now: datetime) -> Span:
    """Take the coming such month, the present one included."""
    month = month_number(match["month"])
    if match["year"]:
        return whole_month(int(match["year"]), month, now)
    return whole_month(now.year + (month < now.month), month, now)


@phrase(rf"in (?P<year>{FOUR_DIGITS})\b")
def named_year(match: re.Match[str], now: datetime) -> Span:
    year = int(match["year"])
    return days(date(year, 1, 1), date(year + 1, 1, 1), now)


@phrase(rf"(?P<name>{'|'.join(HOLIDAYS)})")
def holiday(match: re.Match[str], now: datetime) -> Span | None:
    month, day, length = HOLIDAYS[match["name"]]
    # On Boxing Day it is still Christmas: the last day decides which year is meant.
    last = coming(month, day + length - 1, now)
    return days(last - timedelta(days=length - 1), last + timedelta(days=1), now) if last else None


@phrase(r"(?:right now|at the moment|happening now)\b")
def this_moment(match: re.Match[str], now: datetime) -> Span:
    return Span(now, datetime.fromtimestamp(now.timestamp() + 3 * 3600, now.tzinfo))


@phrase(r"(?:soon|these days|upcoming|any ?time|whenever)\b")
def no_particular_time(match: re.Match[str], now: datetime) -> Span:
    """Take two weeks for "soon" and two months for whoever leaves the time open."""
    length = timedelta(days=14 if match[0] in ("soon", "these days") else 60)
    return days(now.date(), now.date() + length, now)
