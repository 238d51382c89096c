"""The numbers of the usage page as a person reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from agent_sessions.admin.changelist.columns import NOTHING, number
from agent_sessions.admin.usage_page.calls import Calls
from agent_sessions.admin.usage_page.numbers import NOBODY, Line, Name, Numbers
from agent_sessions.conf import conf
from agent_sessions.text.visible import visible
from agent_sessions.usage.money import shown
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


class Row(NamedTuple):
    """A line of a table under a name; what is not one's own name stands apart from names."""

    name: str
    is_a_name: bool
    cells: list[str]


def headings(*, with_cost: bool) -> list[str]:
    """Name the columns of a table."""
    return [str(heading) for heading in (*HEADINGS, *([COST] if with_cost else []))]


def rows(
    lines: Iterable[tuple[Name, Line]], names: Mapping[str, str], *, with_cost: bool
) -> Iterator[Row]:
    """Yield the rows of a table, each under the name of an agent, a model or a user."""
    for name, line in lines:
        yield Row(name_of(name, names), bool(name), cells(line, with_cost=with_cost))


def name_of(name: Name, names: Mapping[str, str]) -> str:
    """Name an agent, a model or a user, even if it has no name or is all others together."""
    if name is None:
        return _("all others")
    return visible(names.get(name, name)) or _("unknown")


def names_of(numbers: Numbers, part: str) -> dict[str, str]:
    """Return what the names of a part are shown as, where that differs."""
    return {**numbers.owners, NOBODY: _("without an owner")} if part == "user" else {}


def call_rows(calls: Iterable[Calls]) -> Iterator[Row]:
    """Yield the rows of the table of tools."""
    for tool, kind, count, sessions in calls:
        words = kind.replace("_", " ").capitalize()
        in_sessions = NOTHING if sessions is None else number(sessions)
        yield Row(name_of(tool, {}), bool(tool), [words, number(count), in_sessions])


def cells(line: Line, *, with_cost: bool) -> list[str]:
    """Write a line, and where not every number is known, that it is so."""
    total = line.total
    steps = number(total.steps)
    if total.unknown_steps:
        unknown = number(total.unknown_steps)
        steps = _("%(steps)s (%(unknown)s\N{NO-BREAK SPACE}unknown)") % {
            "steps": steps,
            "unknown": unknown,
        }
    counts = [_count(total, name) for name in Tokens._fields]
    return [number(line.sessions), steps, *counts, *([_cost(total)] if with_cost else [])]


def tiles(line: Line, *, with_cost: bool) -> Iterator[tuple[str, str, str]]:
    """Yield what matters most in a line: a heading, a number and a remark on it."""
    total, unknown = line.total, ""
    if total.unknown_steps:
        unknown = _("%(steps)s of unknown tokens") % {"steps": number(total.unknown_steps)}
    yield _("Sessions"), number(line.sessions), ""
    yield _("Steps"), number(total.steps), unknown
    yield _("Total tokens"), _count(total, "total_tokens"), ""
    if with_cost:
        yield str(COST), _cost(total), ""


def quantity(measure: str, value: int | Decimal) -> str:
    """Write a value of a measure with its unit."""
    if measure == "cost":
        return _("cost %(cost)s") % {"cost": shown(Decimal(value), conf.currency)}
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
    return _at_least(number(count), is_complete=total.is_complete)


def _cost(total: UsageTotal) -> str:
    if total.cost is None:
        return _("unknown")
    return _at_least(total.cost_text, is_complete=total.is_cost_complete)


def _at_least(text: str, *, is_complete: bool) -> str:
    return text if is_complete else f"≥ {text}"
