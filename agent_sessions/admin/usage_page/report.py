"""The report that the usage page shows: sessions and usage of a period, divided in several ways."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import NamedTuple, TypeAlias, TypeVar

from agent_sessions.admin.usage_page.session_counts import SessionCounts
from agent_sessions.usage.totals import UsageTotal

DRAWN = 6
"""How many names have a series of their own in the chart. More are hard to tell apart."""

LISTED = 20
"""How many names have a row of their own in a table."""

NOBODY = ""
"""The name for all sessions without an owner, and for sessions that the SDK has deleted."""

Name: TypeAlias = str | None
"""An agent, a model or the primary key of a user. None stands for all others together."""


K = TypeVar("K")
G = TypeVar("G")


class Tally(NamedTuple):
    """The number of sessions and their usage. A session counts once, however many steps it has."""

    sessions: int = 0
    total: UsageTotal = UsageTotal()


class Cell(NamedTuple):
    """A bucket and a series, by their positions in `Period.starts` and `UsageReport.series`."""

    bucket: int
    series: int


@dataclass(frozen=True)
class UsageReport:
    """The tallies of a period: of all of it, of its agents, models and users, and of its buckets.

    A bucket is a day or a month. Buckets and cells without usage are left out. `usernames` are the
    names of users by their primary keys.
    """

    whole: Tally = field(default_factory=Tally)
    agents: dict[Name, Tally] = field(default_factory=dict)
    models: dict[Name, Tally] = field(default_factory=dict)
    users: dict[Name, Tally] = field(default_factory=dict)
    usernames: dict[str, str] = field(default_factory=dict)
    series: list[Name] = field(default_factory=list)
    buckets: dict[int, Tally] = field(default_factory=dict)
    cells: dict[Cell, Tally] = field(default_factory=dict)

    def of_bucket(self, bucket: int) -> list[tuple[Name, Tally]]:
        """Return the tallies of a bucket by the names of their series."""
        cells = ((name, self.cells.get(Cell(bucket, at))) for at, name in enumerate(self.series))
        return [(name, tally) for name, tally in cells if tally]

    def with_cells(
        self,
        drawn: list[Name],
        total_by_cell: Mapping[Cell, UsageTotal],
        *,
        sessions_by_bucket: SessionCounts,
        sessions_by_cell: SessionCounts,
    ) -> UsageReport:
        """Return the report with a series for each drawn name, and one for the others, if any.

        The cells of the others have the series `len(drawn)`.
        """
        has_others = any(cell.series == len(drawn) for cell in total_by_cell)
        cells = {
            cell: Tally(sessions_by_cell[cell], total)
            for cell, total in sorted(total_by_cell.items())
        }
        total_by_bucket = sum_by(lambda cell: cell.bucket, total_by_cell)
        buckets = {
            bucket: Tally(sessions_by_bucket[bucket, 0], total)
            for bucket, total in sorted(total_by_bucket.items())
        }
        series = [*drawn, None] if has_others else drawn
        return replace(self, series=series, buckets=buckets, cells=cells)


NOTHING_RECORDED = UsageReport()

MEASURES: dict[str, Callable[[Tally], int | Decimal]] = {
    "tokens": lambda tally: tally.total.total_tokens,
    "sessions": lambda tally: tally.sessions,
    "cost": lambda tally: tally.total.cost or Decimal(0),
}


def sum_by(group_of: Callable[[K], G], totals: Mapping[K, UsageTotal]) -> dict[G, UsageTotal]:
    """Add up the totals whose keys are of the same group."""
    sums: defaultdict[G, UsageTotal] = defaultdict(UsageTotal)
    for key, total in totals.items():
        sums[group_of(key)] += total
    return dict(sums)


def ranked(tallies: Mapping[str, Tally], measure: str) -> dict[str, Tally]:
    """Return the tallies with the greatest first."""

    def rank(name: str) -> tuple[int | Decimal, int, str]:
        return -MEASURES[measure](tallies[name]), -tallies[name].total.steps, name

    return {name: tallies[name] for name in sorted(tallies, key=rank)}
