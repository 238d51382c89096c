"""What a person says about time, as a range of moments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import islice, pairwise

from calendarclub.offline_model.phrases import DASH, PHRASES, Reader, weekday
from calendarclub.offline_model.spans import Span

# Hours of the day; those from 24 on belong to the next morning.
PARTS = {"morning": (6, 12), "afternoon": (12, 18), "evening": (17, 24), "night": (17, 28)}
PART_WORDS = rf"(?:{'|'.join(PARTS)})s?"
PART = re.compile(
    rf"(?<!good )\b(?:(?:in|during) the |at )?(?P<part>{PART_WORDS})\b|\bto(?P<to>night|nite)\b"
)
CLOCK = (
    r"(?<![\d.:€])\d{1,2}(?:[:.]\d\d(?: ?[ap]\.?m\b)?| ?(?:[ap]\.?m\b|o'clock\b|h\b))"
    r"(?! ?(?:€|eur))"
)
HOURS = re.compile(
    rf"\b(?:(?:between|from) )?(?P<first>\d{{1,2}}(?:[:.]\d\d)? ?(?:[ap]\.?m\b)?) ?"
    rf"(?:[{DASH}]|to|until|till|and) ?(?P<last>{CLOCK})"
)
HOUR = re.compile(rf"\b(?:(?P<way>after|from|before|until|till|by|at|around) )?(?P<first>{CLOCK})")
DIGITS = re.compile(r"(?P<hour>\d+)(?:[:.](?P<minute>\d\d))? ?(?P<half>[ap])?")
JOIN = re.compile(
    rf"(?: {PART_WORDS})? ?(?:,|[{DASH}]|up to|to|until|till|through|thru|and|or|&) ?(?:on |the )*"
)
BESIDE = re.compile(r",? (?:on |of |in |the )*")
OPEN = re.compile(r"\b(?P<way>from|starting|after|until|till|through|by|before)(?: on)?(?: the)? $")
OPEN_DAYS = 30
ONE_DAY = timedelta(days=1)  # by the clock on the wall, as moments of one zone are subtracted
# Nobody names more times than this in one breath; what is longer is not read to its end.
MOST_PHRASES = 4
MOST_CHARACTERS = 2_000


@dataclass(frozen=True)
class Named:
    """A phrase of the text that names a time, to be read from any moment."""

    match: re.Match[str]
    reader: Reader

    def span(self, now: datetime) -> Span | None:
        return self.reader(self.match, now)


def find(text: str, now: datetime) -> Span | None:
    """
    Read the time range that the text names, seen from `now`.

    Answers None when it names none, and also when it names one that does not exist ("31
    february") or that ends before it starts: see names_impossible_date(). A range that holds
    `now` begins with it, since nobody looks for what is over. The zone is that of `now`.
    """
    text = plain(text)
    span = _read(text, _named(text), now)
    if span is None or span.end <= span.start:
        return None
    if span.start < now < span.end:
        return Span(now.replace(second=0, microsecond=0), span.end)
    return span


def names_impossible_date(text: str, now: datetime) -> bool:
    """Tell a date that does not exist, or a range that ends before it starts, from no date."""
    return find(text, now) is None and any(_phrases(plain(text)))


def without_times(text: str) -> str:
    """Leave what is asked for, with neither the days nor the hours, possible or not."""
    text = plain(text)
    text = _cut(text, _named(text))
    for pattern in (HOURS, HOUR, PART):
        text = pattern.sub(" ", text)
    return " ".join(text.split())


def plain(text: str) -> str:
    """Fold case, white space and the apostrophe that phones type."""
    return " ".join(text[:MOST_CHARACTERS].lower().replace("\u2019", "'").split())


def _named(text: str) -> list[Named]:
    return list(islice(_phrases(text), MOST_PHRASES))


def _phrases(text: str) -> Iterator[Named]:
    """Yield the phrases that name a time, from left to right, none inside another."""
    place = 0
    while True:
        matches = [
            Named(match, reader)
            for pattern, reader in PHRASES
            if (match := pattern.search(text, place))
        ]
        if not matches:
            return
        first = min(matches, key=lambda named: named.match.start())
        yield first
        place = first.match.end()


def _read(text: str, named: Sequence[Named], now: datetime) -> Span | None:
    if not named:
        return None
    span, joined = named[0].span(now), False
    for left, right in pairwise(named):
        gap = text[left.match.end() : right.match.start()]
        inside = BESIDE.fullmatch(gap) and _weekday_inside(left, right, now)
        if inside:
            span = inside
        elif gap == " " and (left.reader is weekday) != (right.reader is weekday):
            return None  # "friday 19 december", which is a Saturday
        elif not JOIN.fullmatch(gap):
            break
        else:
            span, joined = _stretched(span, right, now), True
        if span is None:
            return None
    if span and span.end - span.start <= ONE_DAY:
        span = _narrowed(text, _cut(text, named), span)
    return span if joined else _opened(text[: named[0].match.start()], span, now)


def _weekday_inside(left: Named, right: Named, now: datetime) -> Span | None:
    """Find the weekday of "next week on friday", "friday, 18 december", "first friday in march"."""
    for day, around in ((left, right), (right, left)):
        span = around.span(now)
        if span is None or day.reader is not weekday or around.reader is weekday:
            continue
        found = day.span(span.start)
        if found and span.start <= found.start < span.end:
            return found
    return None


def _stretched(span: Span | None, right: Named, now: datetime) -> Span | None:
    """Make one range of "friday to sunday": the second is the first one after the first."""
    last = right.span(now)
    if span is None or last is None:
        return None
    if last.end <= span.end:
        last = right.span(span.start)
    return Span(span.start, last.end) if last else None


def _opened(before: str, span: Span | None, now: datetime) -> Span | None:
    """Open the range on the side that "until" or "from" before it leaves open."""
    found = OPEN.search(before)
    if span is None or found is None:
        return span
    match found["way"]:
        case "before":
            return Span(now, span.start)
        case "until" | "till" | "through" | "by":
            return Span(now, span.end)
        case "after":
            return Span(span.end, span.end + timedelta(days=OPEN_DAYS))
        case "from" | "starting" if span.end - span.start <= ONE_DAY:
            return Span(span.start, span.end + timedelta(days=OPEN_DAYS))
        case _:
            return span


def _narrowed(text: str, rest: str, span: Span) -> Span:
    """Cut one day to the hours that the text names: "evening", "after 8 pm", "19:00-22:00"."""
    if hours := HOURS.search(rest):
        last = _clock(hours["last"], span)
        half = "".join(DIGITS.findall(hours["last"])[0][2:])
        first = _clock(hours["first"], span, half)
        if first and last:
            return Span(first, last if last > first else last + timedelta(days=1))
    if (hour := HOUR.search(rest)) and (at := _clock(hour["first"], span)):
        match hour["way"]:
            case "after" | "from":
                return Span(at, span.end)
            case "before" | "until" | "till" | "by":
                return Span(span.start, at)
            case _:
                return Span(at, at + timedelta(hours=2))
    if part := PART.search(text):
        begin, end = PARTS[(part["part"] or "night").removesuffix("s")]
        return Span(_moment(span, begin), _moment(span, end))
    return span


def _clock(words: str, span: Span, half: str = "") -> datetime | None:
    """Read "20:30", "8 pm", "8" on the day of the span; `half` is "a" or "p" where none is said."""
    read = DIGITS.match(words)
    if read is None:
        return None
    hour, minute, half = int(read["hour"]), int(read["minute"] or 0), read["half"] or half
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "p" else 0)
    return _moment(span, hour, minute) if hour <= 24 and minute < 60 else None


def _moment(span: Span, hour: int, minute: int = 0) -> datetime:
    day = span.start.date() + timedelta(days=hour // 24)
    return datetime.combine(day, time(hour % 24, minute), span.start.tzinfo)


def _cut(text: str, named: Sequence[Named]) -> str:
    for phrase in reversed(named):
        text = f"{text[: phrase.match.start()]} {text[phrase.match.end() :]}"
    return text
