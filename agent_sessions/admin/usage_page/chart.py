"""A chart of stacked bars, as coordinates for an SVG template.

Coordinates are strings, because Django's templates localize numbers and SVG knows no decimal comma:
https://docs.djangoproject.com/en/stable/topics/i18n/formatting/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import NamedTuple

WIDTH, HEIGHT = 960, 300
TOP, LEFT, BOTTOM = 22, 30, 30
CHARACTER_WIDTH = 7  # of a digit
LABEL_WIDTH = 66  # of the longest short name of a day, with a gap
BAR_SHARE = 0.72  # of the room that a day has
WIDEST_BAR = 56
MOST_TICKS = 5


class Segment(NamedTuple):
    """A part of a bar. BarSeries are numbered for their colours and patterns."""

    series: int
    value: int | Decimal
    title: str


class Bar(NamedTuple):
    """A bar, and the label below it. A partial bar gets a mark, because its value is higher."""

    label: str
    title: str
    segments: Sequence[Segment] = ()
    is_partial: bool = False


class Rectangle(NamedTuple):
    x: str
    y: str
    width: str
    height: str


class DrawnSegment(NamedTuple):
    series: int
    title: str
    box: Rectangle


class DrawnBar(NamedTuple):
    """A drawn bar: the area around it, its middle, and where its mark is, or "" without one."""

    title: str
    area: Rectangle
    segments: list[DrawnSegment]
    x: str
    mark: str


class AxisLabel(NamedTuple):
    """A text beside an axis, and its position along it."""

    at: str
    text: str


@dataclass(frozen=True)
class Chart:
    """Everything that the template draws."""

    left: str
    right: str
    bottom: str
    ticks: list[AxisLabel]
    labels: list[AxisLabel]
    bars: list[DrawnBar]
    width: str = str(WIDTH)
    height: str = str(HEIGHT)


def chart(
    bars: Sequence[Bar], *, written: Callable[[Decimal], str], is_whole: bool
) -> Chart | None:
    """Draw bars; return None if all of them are empty.

    `written` turns the value of a tick into text. If values are whole, so are ticks.
    """
    highest = max((_value(bar) for bar in bars), default=Decimal(0))
    if not highest:
        return None
    values = ticks(highest, is_whole=is_whole)
    texts = [written(value) for value in values]
    top = values[-1]
    # The axis is on the right, because a narrow screen shows the newest days first.
    right = WIDTH - 12 - CHARACTER_WIDTH * max(map(len, texts))
    room = (right - LEFT) / len(bars)
    return Chart(
        left=_text(LEFT),
        right=_text(right),
        bottom=_text(HEIGHT - BOTTOM),
        ticks=[AxisLabel(_y(value / top), text) for value, text in zip(values, texts, strict=True)],
        labels=list(_labels(bars, room)),
        bars=[_drawn(bar, LEFT + at * room, room, top) for at, bar in enumerate(bars)],
    )


def ticks(highest: Decimal, *, is_whole: bool) -> list[Decimal]:
    """Return round values at equal distances, from 0 to at least the highest."""
    least = highest / MOST_TICKS
    power = Decimal(1).scaleb(least.adjusted())
    step = next(power * nice for nice in (1, 2, 5, 10) if power * nice >= least)
    if is_whole:
        step = max(step, Decimal(1))
    step = step.normalize()  # 2 and not 2.0
    return [step * number for number in range(ceil(highest / step) + 1)]


def _drawn(bar: Bar, x: float, room: float, top: Decimal) -> DrawnBar:
    """Draw a bar in the room that begins at x; `top` is the value of the highest tick."""
    width = min(room * BAR_SHARE, WIDEST_BAR)
    inset = (room - width) / 2
    segments, below = [], Decimal(0)
    for segment in bar.segments:
        above = below + segment.value
        if segment.value:
            box = _rectangle(x + inset, width, below / top, above / top)
            segments.append(DrawnSegment(segment.series, segment.title, box))
        below = above
    return DrawnBar(
        title=bar.title,
        area=_rectangle(x, room, Decimal(0), Decimal(1)),
        segments=segments,
        x=_text(x + room / 2),
        mark=_y(below / top, lift=8) if bar.is_partial else "",
    )


def _labels(bars: Sequence[Bar], room: float) -> Iterator[AxisLabel]:
    """Yield as many labels as there is room for, always with that of the last bar."""
    every = ceil(LABEL_WIDTH / room)
    for at, bar in enumerate(bars):
        if (len(bars) - 1 - at) % every == 0:
            yield AxisLabel(_text(LEFT + (at + 0.5) * room), bar.label)


def _value(bar: Bar) -> Decimal:
    return sum((Decimal(segment.value) for segment in bar.segments), Decimal(0))


def _rectangle(x: float, width: float, below: Decimal, above: Decimal) -> Rectangle:
    """Return a rectangle between two shares of the greatest height."""
    height = float(above - below) * (HEIGHT - BOTTOM - TOP)
    return Rectangle(_text(x), _y(above), _text(width), _text(height))


def _y(share: Decimal, lift: float = 0) -> str:
    """Return the y of a share of the greatest height. SVG counts from the top."""
    return _text(HEIGHT - BOTTOM - float(share) * (HEIGHT - BOTTOM - TOP) - lift)


def _text(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
