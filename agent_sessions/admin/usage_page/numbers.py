"""The numbers of the usage page: sums and sessions of a period by day, agent, model and user.

The number of statements does not depend on the data. The names of agents, models and users
are without bound: they are cut to the greatest before days are multiplied with them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple, TypeAlias

from django.contrib.auth import get_user_model
from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    FloatField,
    IntegerField,
    OuterRef,
    QuerySet,
    Sum,
    Value,
    When,
)
from django.db.models.expressions import Combinable

from agent_sessions.admin.usage_page.buckets import Period, place
from agent_sessions.conf import conf
from agent_sessions.models import Session
from agent_sessions.models.usage import Usage, UsageQuerySet
from agent_sessions.usage.pricing import price
from agent_sessions.usage.totals import Group, UsageTotal, totals

COLUMNS = {"agent": "agent_name", "model": "model"}
DRAWN = 6  # more than these nobody tells apart in a picture
LISTED = 20
NOBODY = ""
"""The name of all sessions without an owner, and of those that are gone."""

Name: TypeAlias = str | None
"""An agent, a model or a user's primary key; None stands for all others together."""

Sessions: TypeAlias = Mapping[tuple[int, Any, Any], int]


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
    """Lines of a period: of all of it, of its agents, models and users, and of its days.

    Days are known by their place in the period, `series` by theirs in the list; `cells` are the
    lines of a day and a series. There are none of days on which nothing was recorded. `owners` are
    the names of users by their primary keys.
    """

    whole: Line = field(default_factory=Line)
    agents: dict[Name, Line] = field(default_factory=dict)
    models: dict[Name, Line] = field(default_factory=dict)
    users: dict[Name, Line] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    series: list[Name] = field(default_factory=list)
    days: dict[int, Line] = field(default_factory=dict)
    cells: dict[tuple[int, int], Line] = field(default_factory=dict)


NOTHING = Numbers()


class Numbered(NamedTuple):
    """Rows of usage, with the number of each one's name in a list, as SQL.

    Names that are not in the list share the number after the last.
    """

    usage: UsageQuerySet
    number: Combinable


def usage_of(sessions: QuerySet[Session]) -> UsageQuerySet:
    """Return the usage of sessions; if they are all, of those too that the SDK has deleted."""
    usage = Usage.objects.using(sessions.db)
    return usage.filter(session__in=sessions.values("pk")) if is_restricted(sessions) else usage


def is_restricted(sessions: QuerySet[Session]) -> bool:
    """Tell whether a queryset may leave out some sessions."""
    query = sessions.query
    return bool(query.where or query.combinator or len(query.alias_map) > 1)


def numbers(usage: UsageQuerySet, period: Period, *, by: str, measure: str) -> Numbers:
    """Count and sum the usage of a period, with a series for each of the greatest by a measure.

    Users are counted where they are the series, and agents and models where they are not: to count
    all of them takes twice as long.
    """
    moments = period.moments()
    usage = usage.filter(created_at__gte=moments[0], created_at__lt=moments[-1])
    day = place("created_at", moments)
    return _by_user(usage, day, measure) if by == "user" else _by_name(usage, day, by, measure)


def _by_name(usage: UsageQuerySet, day: Combinable, by: str, measure: str) -> Numbers:
    """Return numbers with a series for each of the greatest agents or models."""
    groups = list(usage.groups(agent=F("agent_name")))
    if not groups:
        return NOTHING
    lines = _lines(usage, groups, measure)
    listed = {part: [*lines[part]][:LISTED] for part in COLUMNS}
    drawn = listed[by][:DRAWN]
    number = _number(COLUMNS[by], drawn)
    sums = totals(usage.groups(place=day, name=number))
    sessions = _sessions(
        (0, usage, day, Value(0)),
        (1, usage, day, number),
        *(
            (2 + at, _others(usage, part, names), Value(0), Value(0))
            for at, (part, names) in enumerate(listed.items())
        ),
    )
    return Numbers(
        whole=lines["all"][""],
        agents=_listed(lines["agent"], sessions[2, 0, 0]),
        models=_listed(lines["model"], sessions[3, 0, 0]),
        **_days(drawn, sums, sessions),
    )


def _by_user(usage: UsageQuerySet, day: Combinable, measure: str) -> Numbers:
    """Return numbers with a series for each of the users with the greatest, or for nobody."""
    pks = _greatest_users(usage, measure)
    names = [*pks, NOBODY]
    numbered = _numbered(usage, names)
    sums = totals(
        group for one in numbered for group in one.usage.groups(place=day, name=one.number)
    )
    if not sums:
        return NOTHING
    sessions = _sessions(*((0, one.usage, Value(0), one.number) for one in numbered))
    users = _user_lines(names, sums, sessions, measure)
    drawn = [name for name in users if name is not None][:DRAWN]
    places = {at: drawn.index(name) for at, name in enumerate(names) if name in drawn}
    drawn_sums: defaultdict[tuple[int, int], UsageTotal] = defaultdict(UsageTotal)
    for (at_day, at), total in sums.items():
        drawn_sums[at_day, places.get(at, len(drawn))] += total
    sessions = _sessions(
        (0, usage, day, Value(0)),
        *((1, one.usage, day, one.number) for one in _numbered(usage, drawn)),
    )
    lines = users.values()
    return Numbers(
        # A session has one owner, so that sessions of owners add up.
        whole=Line(
            sum(line.sessions for line in lines), sum((line.total for line in lines), UsageTotal())
        ),
        users=users,
        owners=_owners(usage, pks),
        **_days(drawn, drawn_sums, sessions),
    )


def _lines(usage: UsageQuerySet, groups: list[Group], measure: str) -> dict[str, dict[str, Line]]:
    """Return the lines of each agent, of each model and of all, the greatest first."""
    keys: dict[str, Callable[[Group], str]] = {
        "agent": lambda group: group.key[0],
        "model": lambda group: group.model,
        "all": lambda group: "",
    }
    names = [F("agent_name"), F("model"), Value("")]
    sessions = _sessions(*((at, usage, Value(0), name) for at, name in enumerate(names)))
    lines = {}
    for at, (part, key) in enumerate(keys.items()):
        sums = totals(group._replace(key=key(group)) for group in groups)
        found = {name: Line(sessions[at, 0, name], total) for name, total in sums.items()}
        lines[part] = _ranked(found, measure)
    return lines


def _greatest_users(usage: UsageQuerySet, measure: str) -> list[str]:
    """Return the primary keys of the users with the greatest numbers, found by the database."""
    owned = usage.filter(session__user__isnull=False).order_by().values("session__user")
    ranked = owned.annotate(rank=_rank_in_sql(measure), steps=Count("pk"))
    pks = ranked.order_by("-rank", "-steps", "session__user").values_list("session__user")[:LISTED]
    return [str(pk) for (pk,) in pks]


def _user_lines(
    names: list[str],
    sums: Mapping[tuple[int, int], UsageTotal],
    sessions: Sessions,
    measure: str,
) -> dict[Name, Line]:
    """Return the lines of users and of nobody, the greatest first, and that of all others."""
    by_number: defaultdict[int, UsageTotal] = defaultdict(UsageTotal)
    for (_, at), total in sums.items():
        by_number[at] += total
    lines = {at: Line(sessions[0, 0, at], total) for at, total in by_number.items()}
    others = lines.pop(len(names), None)
    users: dict[Name, Line] = dict(
        _ranked({names[at]: line for at, line in lines.items()}, measure).items()
    )
    return {**users, None: others} if others else users


def _ranked(lines: dict[str, Line], measure: str) -> dict[str, Line]:
    return dict(sorted(lines.items(), key=lambda pair: _rank(pair[0], pair[1], measure)))


def _rank(name: str, line: Line, measure: str) -> Any:
    return -MEASURES[measure](line), -line.total.steps, name


def _rank_in_sql(measure: str) -> Any:
    """Return a measure of grouped rows, to sort by: the cost in it is not exact."""
    match measure:
        case "sessions":
            return Count("session_id", distinct=True)
        case "tokens":
            return Sum("total_tokens", default=0)
    whens = [
        When(model=model, then=_spent({kind: float(price(value)) for kind, value in kinds.items()}))
        for model, kinds in conf.prices.items()
    ]
    return Sum(Case(*whens, default=Value(0.0), output_field=FloatField()), default=0.0)


def _spent(prices: Mapping[str, float]) -> Any:
    given, cached, output = (prices.get(kind, 0.0) for kind in ("input", "cached", "output"))
    # Nothing is subtracted from a column: MariaDB's have no sign.
    return (
        F("input_tokens") * Value(given)
        + F("cached_tokens") * Value(cached - given)
        + F("output_tokens") * Value(output)
    )


def _number(column: str, names: Iterable[Name]) -> Combinable:
    """Return the number of a row's name among `names`, or theirs for any other, as SQL."""
    whens = [
        When(**{column: name}, then=Value(at)) for at, name in enumerate(names) if name is not None
    ]
    return Case(*whens, default=Value(len(whens)), output_field=IntegerField())


def _numbered(usage: UsageQuerySet, names: Sequence[Name]) -> list[Numbered]:
    """Return usage with the number of its user, or of nobody, among `names`.

    It is in two parts, because one that joined sessions would leave out those that are gone.
    """
    whens = [
        When(session__user=name, then=Value(at)) for at, name in enumerate(names) if name != NOBODY
    ]
    number = Case(*whens, default=Value(len(names)), output_field=IntegerField())
    nobody = names.index(NOBODY) if NOBODY in names else len(names)
    owned = Session._base_manager.filter(pk=OuterRef("session_id"), user__isnull=False)
    return [
        Numbered(usage.filter(session__user__isnull=False), number),
        Numbered(usage.exclude(Exists(owned)), Value(nobody)),
    ]


def _sessions(*parts: tuple[int, UsageQuerySet, Any, Any]) -> Sessions:
    """Count the sessions of each place and name of parts; those of one number share no session."""
    first, *rest = (
        usage.order_by()
        .values(part=Value(number), place=place, name=name)
        .annotate(sessions=Count("session_id", distinct=True))
        .values_list("part", "place", "name", "sessions")
        for number, usage, place, name in parts
    )
    counts: Counter[tuple[int, Any, Any]] = Counter()
    for part, at, name, count in first.union(*rest, all=True) if rest else first:
        counts[part, at, name] += count
    return counts


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


def _owners(usage: UsageQuerySet, users: Iterable[Name]) -> dict[str, str]:
    """Return the names by which users log in, by their primary keys."""
    pks = [name for name in users if name]
    found = get_user_model()._base_manager.using(usage.db).filter(pk__in=pks) if pks else []
    return {str(user.pk): user.get_username() for user in found}


def _days(
    drawn: Sequence[Name], sums: Mapping[tuple[int, int], UsageTotal], sessions: Sessions
) -> dict[str, Any]:
    """Return the series, days and cells of Numbers."""
    cells = {key: Line(sessions[1, *key], total) for key, total in sorted(sums.items())}
    has_others = any(number == len(drawn) for _, number in cells)
    days: defaultdict[int, UsageTotal] = defaultdict(UsageTotal)
    for (day, _), line in cells.items():
        days[day] += line.total
    return {
        "series": [*drawn, None] if has_others else [*drawn],
        "days": {day: Line(sessions[0, day, 0], total) for day, total in days.items()},
        "cells": cells,
    }
