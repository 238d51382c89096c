"""The tables of the usage page: a report's tallies as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from agent_sessions.admin.formats import NO_VALUE, at_least, money, number
from agent_sessions.admin.usage_page.calls import Calls
from agent_sessions.admin.usage_page.report import NOBODY, Name, Tally, UsageReport
from agent_sessions.text.visible import visible
from agent_sessions.usage.steps import Tokens
from agent_sessions.usage.totals import UsageTotal

HEADINGS = [
    gettext_lazy("Sessions"),
    gettext_lazy("Steps"),
    gettext_lazy("Requests"),
    gettext_lazy("Input tokens"),
    gettext_lazy("Cached input"),
    gettext_lazy("Output tokens"),
    gettext_lazy("Reasoning"),
    gettext_lazy("Total tokens"),
]
COST = gettext_lazy("Cost")
CALL_HEADINGS = [gettext_lazy("Kind"), gettext_lazy("Calls"), gettext_lazy("Sessions")]


class TableRow(NamedTuple):
    """A row of a table. The template marks labels such as "unknown", which are not names."""

    name: str
    is_a_name: bool
    cells: list[str]


class Tile(NamedTuple):
    """One of the numbers at the top of the page."""

    heading: str
    number: str
    remark: str = ""


def headings(*, with_cost: bool) -> list[str]:
    """Return the headings of cells()."""
    return [str(heading) for heading in (*HEADINGS, *([COST] if with_cost else []))]


def table_rows(
    tallies: Iterable[tuple[Name, Tally]], labels: Mapping[str, str], *, with_cost: bool
) -> list[TableRow]:
    """Return a row for each agent, model or user."""
    return [
        TableRow(label_of(name, labels), bool(name), cells(tally, with_cost=with_cost))
        for name, tally in tallies
    ]


def call_rows(calls: Iterable[Calls]) -> Iterator[TableRow]:
    """Yield the rows of the table of tools."""
    for tool, kind, count, sessions in calls:
        words = kind.replace("_", " ").capitalize()
        in_sessions = NO_VALUE if sessions is None else number(sessions)
        yield TableRow(label_of(tool), bool(tool), [words, number(count), in_sessions])


def label_of(name: Name, labels: Mapping[str, str] | None = None) -> str:
    """Return what a name is shown as: its label if there is one, or the name itself."""
    if name is None:
        return _("all others")
    return visible((labels or {}).get(name, name)) or _("unknown")


def labels_of(report: UsageReport, by: str) -> dict[str, str]:
    """Return the labels of names that are shown as something else: those of users."""
    return {**report.usernames, NOBODY: _("without an owner")} if by == "user" else {}


def cells(tally: Tally, *, with_cost: bool) -> list[str]:
    """Return the numbers of a tally, marked if some of them are unknown."""
    total = tally.total
    steps = number(total.steps)
    if total.unknown_steps:
        steps = _("%(steps)s (%(unknown)s\N{NO-BREAK SPACE}unknown)") % {
            "steps": steps,
            "unknown": number(total.unknown_steps),
        }
    counts = [_count(total, name) for name in Tokens._fields]
    return [number(tally.sessions), steps, *counts, *([_cost(total)] if with_cost else [])]


def tiles(tally: Tally, *, with_cost: bool) -> Iterator[Tile]:
    """Yield the most important numbers of a tally."""
    total, remark = tally.total, ""
    if total.unknown_steps:
        remark = _("%(steps)s with unknown tokens") % {"steps": number(total.unknown_steps)}
    yield Tile(_("Sessions"), number(tally.sessions))
    yield Tile(_("Steps"), number(total.steps), remark)
    yield Tile(_("Total tokens"), _count(total, "total_tokens"))
    if with_cost:
        yield Tile(str(COST), _cost(total))


def quantity(measure: str, value: int | Decimal) -> str:
    """Return a value of a measure with its unit."""
    if measure == "cost":
        return _("cost %(cost)s") % {"cost": money(Decimal(value))}
    count = int(value)
    if measure == "sessions":
        text = ngettext("%(number)s session", "%(number)s sessions", count)
    else:
        text = ngettext("%(number)s token", "%(number)s tokens", count)
    return text % {"number": number(count)}


def _count(total: UsageTotal, name: str) -> str:
    count = getattr(total, name)
    if not count and total.steps and total.steps == total.unknown_steps:
        return _("unknown")
    return at_least(number(count), is_complete=total.is_complete)


def _cost(total: UsageTotal) -> str:
    if total.cost is None:
        return _("unknown")
    return at_least(total.cost_text, is_complete=total.is_cost_complete)
