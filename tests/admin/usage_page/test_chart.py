"""charts: bars, ticks and labels as coordinates."""

from __future__ import annotations

import re
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from django.test import SimpleTestCase

import agent_sessions
from agent_sessions.admin.usage_page.chart import (
    BOTTOM,
    HEIGHT,
    LABEL,
    TOP,
    Chart,
    Column,
    Part,
    chart,
    ticks,
)

CSS = Path(agent_sessions.__file__).parent / "static/agent_sessions/usage.css"
BACKGROUNDS = ("ffffff", "121212")  # --body-bg, light and dark, of Django 5.2 to 6.1


def drawn(columns: list[Column], *, is_whole: bool = True) -> Chart:
    found = chart(columns, written=lambda value: f"{value:f}", is_whole=is_whole)
    assert found is not None
    return found


def bars(*values: int) -> list[Column]:
    return [Column(f"day {at}", "", [Part(0, value, "")]) for at, value in enumerate(values)]


class TickTests(SimpleTestCase):
    """ticks()."""

    def test_nice(self) -> None:
        """Ticks are round, at most six, begin at 0 and reach the highest value."""
        for highest in (1, 2, 3, 7, 10, 99, 450_515, 10**19, Decimal("0.0007"), Decimal("1.01")):
            found = ticks(Decimal(highest), is_whole=False)

            self.assertEqual(found[0], 0)
            self.assertTrue(found[-2] < highest <= found[-1], highest)
            self.assertLessEqual(len(found), 6)
            self.assertIn(found[1].normalize().as_tuple().digits, {(1,), (2,), (5,)})

    def test_whole(self) -> None:
        """Of what is counted there are no halves."""
        self.assertEqual(ticks(Decimal(1), is_whole=True), [0, 1])
        self.assertEqual(ticks(Decimal(3), is_whole=True), [0, 1, 2, 3])


class ChartTests(SimpleTestCase):
    """chart()."""

    def test_nothing(self) -> None:
        """Where there is nothing to see there is no chart."""
        for columns in ([], bars(0, 0), [Column("", "", is_partial=True)]):
            self.assertIsNone(chart(columns, written=str, is_whole=True))

    def test_stacks(self) -> None:
        """Pieces stand on one another, from the bottom on, each as high as its value."""
        parts = [Part(0, 30, "a"), Part(1, 0, "b"), Part(6, 20, "c")]
        (bar,) = drawn([Column("day", "the day", parts)]).bars

        low, high = (piece.box for piece in bar.pieces)

        self.assertEqual(
            [(piece.series, piece.title) for piece in bar.pieces], [(0, "a"), (6, "c")]
        )
        self.assertAlmostEqual(float(low.y) + float(low.height), HEIGHT - BOTTOM)
        self.assertAlmostEqual(float(high.y) + float(high.height), float(low.y))
        self.assertAlmostEqual(float(high.y), TOP)  # 50 is the greatest tick as well
        self.assertAlmostEqual(float(low.height) / float(high.height), 1.5, places=3)

    def test_gaps(self) -> None:
        """A day without a value keeps its room, and has no piece."""
        found = drawn(bars(1, 0, 1)).bars

        self.assertEqual([len(bar.pieces) for bar in found], [1, 0, 1])
        first, second, third = (float(bar.x) for bar in found)
        self.assertAlmostEqual(second - first, third - second, places=1)

    def test_marks(self) -> None:
        """A bar that does not show everything has a mark above it, also where it has no height."""
        columns = [
            Column("", "", [Part(0, 5, "")], is_partial=True),
            Column("", "", is_partial=True),
            Column("", "", [Part(0, 5, "")]),
        ]

        full, empty, known = drawn(columns).bars

        self.assertLess(float(full.mark), float(full.pieces[0].box.y))
        self.assertLess(float(empty.mark), HEIGHT - BOTTOM)
        self.assertEqual(known.mark, "")

    def test_labels(self) -> None:
        """Labels keep their distance at any number of days, and the last day has one."""
        for number in (1, 2, 7, 12, 30, 90, 365):
            found = drawn(bars(*[1] * number)).labels

            gaps = [float(right.at) - float(left.at) for left, right in pairwise(found)]
            self.assertEqual(found[-1].text, f"day {number - 1}")
            self.assertGreaterEqual(min(gaps, default=LABEL), LABEL - 1, number)

    def test_within(self) -> None:
        """Nothing is drawn outside the picture, whatever the numbers."""
        for value in (1, 7, 10**25):
            found = drawn(bars(*[value] * 90))
            last = found.bars[-1].area

            self.assertLessEqual(float(last.x) + float(last.width), float(found.right) + 0.1)
            longest = max(len(tick.text) for tick in found.ticks)
            self.assertLess(float(found.right) + 7 * longest, float(found.width))

    def test_ticks(self) -> None:
        """Ticks say their values, from the bottom upwards."""
        found = drawn(bars(4)).ticks

        self.assertEqual([tick.text for tick in found], ["0", "1", "2", "3", "4"])
        heights = [float(tick.at) for tick in found]
        self.assertEqual(heights, sorted(heights, reverse=True))


class ColourTests(SimpleTestCase):
    """The colours of usage.css."""

    def test_contrast(self) -> None:
        """Every series has a contrast of at least 3 to 1 with a light and with a dark page."""
        colours = re.findall(r"--usage-\d: #([0-9a-f]{6});", CSS.read_text())

        self.assertEqual(len(colours), 7)
        for colour in colours:
            for background in BACKGROUNDS:
                self.assertGreaterEqual(contrast(colour, background), 3, (colour, background))


def contrast(one: str, other: str) -> float:
    """Return the ratio of WCAG 2."""
    light, dark = sorted(map(luminance, (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
