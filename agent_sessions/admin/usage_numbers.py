"""What the usage page shows: sums and sessions of a period by day, by agent and by model.

There are four statements, whatever the data. What could be without bound, the names of agents and
models, is cut to the greatest in Python before days are multiplied with them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple, TypeAlias

from django.db.models import Case, Count, F, IntegerField, QuerySet, Value, When

from agent_sessions.admin.days import Period, place
from agent_sessions.models import Session
from agent_sessions.usage import Group, Usage, UsageQuerySet, UsageTotal, totals

COLUMNS = {"agent": "agent_name", "model": "model"}
DRAWN = 6  # more than these nobody tells apart in a picture
LISTED = 20

Name: TypeAlias = str | None
"""An agent or a model; None is all those that are not among the greatest."""


class Line(NamedTuple):
    """The numbers of one day, agent, model...; a session counts once in each."""

    sessions: int = 0
    total: UsageTotal = UsageTotal()


MEASURES: dict[str, Callable[[Line], int | Decimal]] = {
    "tokens": lambda line: line.total.total_tokens,
    "sessions": lambda line: line.sessions,
    "cost": lambda line: line.total.cost or Decimal(0),
}


@dataclass(frozen=True)
class Numbers:
    """Lines of a period: of all of it, of its agents and models, and of its days.

    Days are known by their place in the period, `series` by theirs in the list; `cells` are the
    lines of a day and a series. There are none of days on which nothing was recorded.
    """

    whole: Line
    agents: dict[Name, Line]
    models: dict[Name, Line]
    series: list[Name]
    days: dict[int, Line]
    cells: dict[tuple[int, int], Line]


NOTHING = Numbers(Line(), {}, {}, [], {}, {})


def usage_of(sessions: QuerySet[Session]) -> UsageQuerySet:
    """Return the usage of sessions; if they are all, of those too that the SDK has deleted."""
    usage = Usage.objects.using(sessions.db)
    query = sessions.query
    is_restricted = query.where or query.combinator or len(query.alias_map) > 1
    return usage.filter(session__in=sessions.values("pk")) if is_restricted else usage


def numbers(usage: UsageQuerySet, period: Period, *, by: str, measure: str) -> Numbers:
    """Count and sum the usage of a period, with a series for each of the greatest by a measure."""
    moments = period.moments()
    usage = usage.filter(created_at__gte=moments[0], created_at__lt=moments[-1])
    groups = list(usage.groups(agent=F("agent_name")))
    if not groups:
        return NOTHING
    lines = _lines(usage, groups, measure)
    drawn = [*lines[by]][:DRAWN]
    keys = {"place": place("created_at", moments), "name": _number(COLUMNS[by], drawn)}
    sums = totals(usage.groups(**keys))
    listed = {part: [*lines[part]][:LISTED] for part in COLUMNS}
    sessions = _sessions(
        (usage, *keys.values()),
        (usage, keys["place"], Value(0)),
        *((_others(usage, part, names), Value(0), Value(0)) for part, names in listed.items()),
    )
    cells = {key: Line(sessions[0, *key], total) for key, total in sorted(sums.items())}
    others = {part: sessions[at, 0, 0] for at, part in enumerate(COLUMNS, 2)}
    has_others = any(number == len(drawn) for _, number in cells)
    return Numbers(
        whole=lines["all"][""],
        agents=_listed(lines["agent"], others["agent"]),
        models=_listed(lines["model"], others["model"]),
        series=[*drawn, None] if has_others else [*drawn],
        days=_days(cells, sessions),
        cells=cells,
    )


def _lines(usage: UsageQuerySet, groups: list[Group], measure: str) -> dict[str, dict[str, Line]]:
    """Return the lines of each agent, of each model and of all, the greatest first."""
    keys: dict[str, Callable[[Group], str]] = {
        "agent": lambda group: group.key[0],
        "model": lambda group: group.model,
        "all": lambda group: "",
    }
    names = [*map(F, COLUMNS.values()), Value("")]
    sessions = _sessions(*((usage, Value(0), name) for name in names))
    lines = {}
    for at, (part, key) in enumerate(keys.items()):
        sums = totals(group._replace(key=key(group)) for group in groups)
        found = {name: Line(sessions[at, 0, name], total) for name, total in sums.items()}
        lines[part] = dict(sorted(found.items(), key=lambda pair: _rank(pair[0], pair[1], measure)))
    return lines


def _rank(name: str, line: Line, measure: str) -> Any:
    return -MEASURES[measure](line), -line.total.steps, name


def _sessions(*parts: tuple[UsageQuerySet, Any, Any]) -> Mapping[tuple[int, Any, Any], int]:
    """Count the sessions of each place and name of each part, which is known by its number."""
    first, *rest = (
        usage.order_by()
        .values(part=Value(number), place=place, name=name)
        .annotate(sessions=Count("session_id", distinct=True))
        .values_list("part", "place", "name", "sessions")
        for number, (usage, place, name) in enumerate(parts)
    )
    rows = first.union(*rest, all=True)
    return defaultdict(int, {(part, place, name): count for part, place, name, count in rows})


def _number(column: str, names: list[str]) -> Any:
    """Return the number of a row's name among `names`, or theirs for any other, as SQL."""
    whens = [When(**{column: name}, then=Value(at)) for at, name in enumerate(names)]
    return Case(*whens, default=Value(len(names)), output_field=IntegerField())


def _others(usage: UsageQuerySet, part: str, names: list[str]) -> UsageQuerySet:
    """Return the rows of all names but these; none, if these are all that there are."""
    return (
        usage.exclude(**{f"{COLUMNS[part]}__in": names}) if len(names) == LISTED else usage.none()
    )


def _listed(lines: dict[str, Line], sessions_of_others: int) -> dict[Name, Line]:
    listed: dict[Name, Line] = {name: lines[name] for name in [*lines][:LISTED]}
    if len(lines) > LISTED:
        others = (line.total for line in [*lines.values()][LISTED:])
        listed[None] = Line(sessions_of_others, sum(others, UsageTotal()))
    return listed


def _days(
    cells: dict[tuple[int, int], Line], sessions: Mapping[tuple[int, Any, Any], int]
) -> dict[int, Line]:
    sums: defaultdict[int, UsageTotal] = defaultdict(UsageTotal)
    for (day, _), line in cells.items():
        sums[day] += line.total
    return {day: Line(sessions[1, day, 0], total) for day, total in sums.items()}
