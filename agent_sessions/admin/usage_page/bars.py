"""The bars of the chart: which segments each of them has, and what their tooltips say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from django.utils.translation import ngettext

from agent_sessions.admin.formats import number
from agent_sessions.admin.usage_page.buckets import Period
from agent_sessions.admin.usage_page.chart import Bar, Segment
from agent_sessions.admin.usage_page.report import (
    DRAWN,
    MEASURES,
    Cell,
    Name,
    Tally,
    UsageReport,
)
from agent_sessions.admin.usage_page.tables import label_of, quantity


class BarSeries(NamedTuple):
    """A series of the chart. Its pattern is the number of its colour in usage.css."""

    pattern: int
    label: str
    is_a_name: bool


def series_of(report: UsageReport, labels: Mapping[str, str]) -> list[BarSeries]:
    """Return the series of a report in the order of the legend."""
    return [
        BarSeries(_pattern(name, at), label_of(name, labels), bool(name))
        for at, name in enumerate(report.series)
    ]


def bars_of(
    report: UsageReport, period: Period, series: list[BarSeries], *, measure: str
) -> list[Bar]:
    """Return a bar for each day or month of a period, even if nothing was recorded on it."""
    return [
        Bar(
            label=period.short_name(bucket),
            title=_title(report, period, bucket, measure),
            segments=_segments(report, period, bucket, series, measure),
            is_partial=bool(_missing_steps(report.buckets.get(bucket, Tally()), measure)),
        )
        for bucket in range(len(period.starts))
    ]


def _pattern(name: Name, at: int) -> int:
    """Return the number of a series' pattern; the series of all others always has the last one."""
    return DRAWN if name is None else at


def _segments(
    report: UsageReport, period: Period, bucket: int, series: list[BarSeries], measure: str
) -> list[Segment]:
    day, segments = period.name(bucket), []
    for at, one in enumerate(series):
        if tally := report.cells.get(Cell(bucket, at)):
            value = MEASURES[measure](tally)
            title = f"{day}, {one.label}: {quantity(measure, value)}"
            segments.append(Segment(one.pattern, value, title))
    return segments


def _title(report: UsageReport, period: Period, bucket: int, measure: str) -> str:
    tally = report.buckets.get(bucket, Tally())
    title = f"{period.name(bucket)}: {quantity(measure, MEASURES[measure](tally))}"
    missing = _missing_steps(tally, measure)
    if not missing:
        return title
    text = ngettext(
        "%(title)s, without %(steps)s unknown step",
        "%(title)s, without %(steps)s unknown steps",
        missing,
    )
    return text % {"title": title, "steps": number(missing)}


def _missing_steps(tally: Tally, measure: str) -> int:
    """Return how many steps a measure leaves out, because it is unknown how much they add."""
    missing = {"tokens": tally.total.unknown_steps, "cost": tally.total.unpriced_steps}
    return missing.get(measure, 0)
