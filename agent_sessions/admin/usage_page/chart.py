"""A chart of stacked bars, as strings for an SVG template (pure).

Coordinates are strings: Django writes numbers in templates as the language does, and SVG knows no
comma.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import NamedTuple

WIDTH, HEIGHT = 960, 300
TOP, LEFT, BOTTOM = 22, 30, 30
CHARACTER, LABEL = 7, 66  # the width of a digit, and of the longest name of a day with its gap
BAR = 0.72  # of the room that a day has
WIDEST = 56
TICKS = 5


class Part(NamedTuple):
    """A piece of a bar; series are numbered, for their colours and patterns."""

    series: int
    value: int | Decimal
    title: str


class Column(NamedTuple):
    """A bar and what stands below it; a partial one has a mark: there is more than it shows."""

    label: str
    title: str
    parts: Sequence[Part] = ()
    is_partial: bool = False


class Box(NamedTuple):
    """A rectangle."""

    x: str
    y: str
    width: str
    height: str


class Piece(NamedTuple):
    """A part of a bar, drawn."""

    series: int
    title: str
    box: Box


class Bar(NamedTuple):
    """A column, drawn: the area that is its own, its pieces, its middle, where its mark is."""

    title: str
    area: Box
    pieces: list[Piece]
    x: str
    mark: str


class Text(NamedTuple):
    """A label and where it is along its axis."""

    at: str
    text: str


@dataclass(frozen=True)
class Chart:
    """All that is drawn."""

    left: str
    right: str
    bottom: str
    ticks: list[Text]
    labels: list[Text]
    bars: list[Bar]
    width: str = str(WIDTH)
    height: str = str(HEIGHT)


def chart(
    columns: Sequence[Column], *, written: Callable[[Decimal], str], is_whole: bool
) -> Chart | None:
    """Draw columns; None if there is nothing to see in them.

    `written` tells how a tick's value reads. Of what is whole there is no tick between 1 and 2.
    """
    highest = max((_height(column) for column in columns), default=Decimal(0))
    if not highest:
        return None
    values = ticks(highest, is_whole=is_whole)
    texts = [written(value) for value in values]
    # The axis is on the side of the newest days, which are seen first where there is little room.
    right = WIDTH - 12 - CHARACTER * max(map(len, texts))
    room = (right - LEFT) / len(columns)
    return Chart(
        left=_text(LEFT),
        right=_text(right),
        bottom=_text(HEIGHT - BOTTOM),
        ticks=[
            Text(_y(value / values[-1]), text) for value, text in zip(values, texts, strict=True)
        ],
        labels=list(_labels(columns, room)),
        bars=[
            _bar(column, LEFT + at * room, room, values[-1]) for at, column in enumerate(columns)
        ],
    )


def ticks(highest: Decimal, *, is_whole: bool) -> list[Decimal]:
    """Return round values at equal distances, from 0 to at least the highest."""
    least = highest / TICKS
    power = Decimal(1).scaleb(least.adjusted())
    step = next(power * nice for nice in (1, 2, 5, 10) if power * nice >= least)
    if is_whole:
        step = max(step, Decimal(1))
    step = step.normalize()  # what is whole is written without a fraction
    return [step * number for number in range(ceil(highest / step) + 1)]


def _bar(column: Column, x: float, room: float, top: Decimal) -> Bar:
    width = min(room * BAR, WIDEST)
    inset = (room - width) / 2
    pieces, below = [], Decimal(0)
    for part in column.parts:
        above = below + part.value
        if part.value:
            box = _box(x + inset, width, below / top, above / top)
            pieces.append(Piece(part.series, part.title, box))
        below = above
    mark = _y(below / top, lift=8) if column.is_partial else ""
    area = _box(x, room, Decimal(0), Decimal(1))
    return Bar(column.title, area, pieces, _text(x + room / 2), mark)


def _labels(columns: Sequence[Column], room: float) -> Iterator[Text]:
    """Yield as many labels as there is room for, that of the last column among them."""
    every = ceil(LABEL / room)
    for at, column in enumerate(columns):
        if (len(columns) - 1 - at) % every == 0:
            yield Text(_text(LEFT + (at + 0.5) * room), column.label)


def _height(column: Column) -> Decimal:
    return sum((Decimal(part.value) for part in column.parts), Decimal(0))


def _box(x: float, width: float, below: Decimal, above: Decimal) -> Box:
    height = float(above - below) * (HEIGHT - BOTTOM - TOP)
    return Box(_text(x), _y(above), _text(width), _text(height))


def _y(share: Decimal, lift: float = 0) -> str:
    """Return where a share of the greatest height is; 0 is at the top of a picture."""
    return _text(HEIGHT - BOTTOM - float(share) * (HEIGHT - BOTTOM - TOP) - lift)


def _text(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
