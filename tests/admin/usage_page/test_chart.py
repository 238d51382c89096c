"""The chart of the usage page: bars, ticks and labels as coordinates."""

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
    LABEL_WIDTH,
    TOP,
    Bar,
    Chart,
    Segment,
    chart,
    ticks,
)

CSS = Path(agent_sessions.__file__).parent / "static/agent_sessions/usage.css"
BACKGROUNDS = ("ffffff", "121212")  # --body-bg, light and dark, of Django 5.2 to 6.1


def drawn(shown: list[Bar], *, is_whole: bool = True) -> Chart:
    found = chart(shown, written=lambda value: f"{value:f}", is_whole=is_whole)
    assert found is not None
    return found


def bars(*values: int) -> list[Bar]:
    return [Bar(f"day {at}", "", [Segment(0, value, "")]) for at, value in enumerate(values)]


class TickTests(SimpleTestCase):
    """ticks()."""

    def test_nice(self) -> None:
        """Ticks are at most six round values from 0 to at least the highest value."""
        for highest in (1, 2, 3, 7, 10, 99, 450_515, 10**19, Decimal("0.0007"), Decimal("1.01")):
            found = ticks(Decimal(highest), is_whole=False)

            self.assertEqual(found[0], 0)
            self.assertTrue(found[-2] < highest <= found[-1], highest)
            self.assertLessEqual(len(found), 6)
            self.assertIn(found[1].normalize().as_tuple().digits, {(1,), (2,), (5,)})

    def test_whole(self) -> None:
        """Ticks of whole values are whole."""
        self.assertEqual(ticks(Decimal(1), is_whole=True), [0, 1])
        self.assertEqual(ticks(Decimal(3), is_whole=True), [0, 1, 2, 3])


class ChartTests(SimpleTestCase):
    """chart()."""

    def test_nothing(self) -> None:
        """There is no chart if all bars are empty."""
        for nothing in ([], bars(0, 0), [Bar("", "", is_partial=True)]):
            self.assertIsNone(chart(nothing, written=str, is_whole=True))

    def test_stacks(self) -> None:
        """Segments are stacked from the bottom, each as high as its value."""
        segments = [Segment(0, 30, "a"), Segment(1, 0, "b"), Segment(6, 20, "c")]
        (bar,) = drawn([Bar("day", "the day", segments)]).bars

        low, high = (segment.box for segment in bar.segments)

        self.assertEqual(
            [(segment.series, segment.title) for segment in bar.segments], [(0, "a"), (6, "c")]
        )
        self.assertAlmostEqual(float(low.y) + float(low.height), HEIGHT - BOTTOM)
        self.assertAlmostEqual(float(high.y) + float(high.height), float(low.y))
        self.assertAlmostEqual(float(high.y), TOP)  # 50 is the greatest tick as well
        self.assertAlmostEqual(float(low.height) / float(high.height), 1.5, places=3)

    def test_gaps(self) -> None:
        """A day without a value keeps its room, and has no segment."""
        found = drawn(bars(1, 0, 1)).bars

        self.assertEqual([len(bar.segments) for bar in found], [1, 0, 1])
        first, second, third = (float(bar.x) for bar in found)
        self.assertAlmostEqual(second - first, third - second, places=1)

    def test_marks(self) -> None:
        """A partial bar has a mark above it, even if it has no height."""
        shown = [
            Bar("", "", [Segment(0, 5, "")], is_partial=True),
            Bar("", "", is_partial=True),
            Bar("", "", [Segment(0, 5, "")]),
        ]

        full, empty, known = drawn(shown).bars

        self.assertLess(float(full.mark), float(full.segments[0].box.y))
        self.assertLess(float(empty.mark), HEIGHT - BOTTOM)
        self.assertEqual(known.mark, "")

    def test_labels(self) -> None:
        """Labels never overlap, however many days there are, and the last day has one."""
        for number in (1, 2, 7, 12, 30, 90, 365):
            found = drawn(bars(*[1] * number)).labels

            gaps = [float(right.at) - float(left.at) for left, right in pairwise(found)]
            self.assertEqual(found[-1].text, f"day {number - 1}")
            self.assertGreaterEqual(min(gaps, default=LABEL_WIDTH), LABEL_WIDTH - 1, number)

    def test_within(self) -> None:
        """Nothing is drawn outside the chart, however large the numbers are."""
        for value in (1, 7, 10**25):
            found = drawn(bars(*[value] * 90))
            last = found.bars[-1].area

            self.assertLessEqual(float(last.x) + float(last.width), float(found.right) + 0.1)
            longest = max(len(tick.text) for tick in found.ticks)
            self.assertLess(float(found.right) + 7 * longest, float(found.width))

    def test_ticks(self) -> None:
        """Ticks show their values, rising from the bottom."""
        found = drawn(bars(4)).ticks

        self.assertEqual([tick.text for tick in found], ["0", "1", "2", "3", "4"])
        heights = [float(tick.at) for tick in found]
        self.assertEqual(heights, sorted(heights, reverse=True))


class ColourTests(SimpleTestCase):
    """The colours of usage.css."""

    def test_contrast(self) -> None:
        """Each series has a contrast of at least 3 to 1 on a light and on a dark page."""
        colours = re.findall(r"--usage-\d: #([0-9a-f]{6});", CSS.read_text())

        self.assertEqual(len(colours), 7)
        for colour in colours:
            for background in BACKGROUNDS:
                self.assertGreaterEqual(contrast(colour, background), 3, (colour, background))


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours as WCAG 2 defines it."""
    light, dark = sorted(map(luminance, (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
