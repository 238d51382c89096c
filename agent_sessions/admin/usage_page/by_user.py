"""The report with a series for each of the greatest owners of sessions, and one for nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    FloatField,
    IntegerField,
    OuterRef,
    Sum,
    Value,
    When,
)
from django.db.models.expressions import Combinable

from agent_sessions.admin.usage_page.report import (
    DRAWN,
    LISTED,
    NOBODY,
    NOTHING_RECORDED,
    Cell,
    Name,
    Tally,
    UsageReport,
    ranked,
    sum_by,
)
from agent_sessions.admin.usage_page.session_counts import SessionCounts, Slice, count_sessions
from agent_sessions.conf import conf
from agent_sessions.models import Session
from agent_sessions.models.usage_sums import UsageQuerySet
from agent_sessions.usage.pricing import price
from agent_sessions.usage.totals import UsageTotal, totals


def report_by_user(usage: UsageQuerySet, bucket: Combinable, *, measure: str) -> UsageReport:
    """Count usage by the owner of its session."""
    pks = _greatest_users(usage, measure)
    names = [*pks, NOBODY]
    slices = _slices(usage, names)
    total_by_cell = _total_by_cell(slices, bucket)
    if not total_by_cell:
        return NOTHING_RECORDED
    sessions = count_sessions(users=slices)["users"]
    users = _user_tallies(names, total_by_cell, sessions, measure)
    drawn = [name for name in users if name is not None][:DRAWN]
    sessions_drawn = count_sessions(
        buckets=[Slice(usage, bucket)],
        cells=[one._replace(bucket=bucket) for one in _slices(usage, drawn)],
    )
    report = UsageReport(whole=_sum(users.values()), users=users, usernames=_usernames(usage, pks))
    return report.with_cells(
        [*drawn],
        _redrawn(total_by_cell, names, drawn),
        sessions_by_bucket=sessions_drawn["buckets"],
        sessions_by_cell=sessions_drawn["cells"],
    )


def _greatest_users(usage: UsageQuerySet, measure: str) -> list[str]:
    """Return the primary keys of the users with the greatest numbers, ranked by the database."""
    owned = usage.filter(session__user__isnull=False).order_by().values("session__user")
    measured = owned.annotate(rank=_measure_in_sql(measure), steps=Count("pk"))
    greatest = measured.order_by("-rank", "-steps", "session__user")
    return [str(pk) for (pk,) in greatest.values_list("session__user")[:LISTED]]


def _measure_in_sql(measure: str) -> Any:
    """Return the aggregate of a measure. A cost is not exact, which is enough for ranking."""
    match measure:
        case "sessions":
            return Count("session_id", distinct=True)
        case "tokens":
            return Sum("total_tokens", default=0)
    whens = [
        When(
            model=model,
            then=_cost_in_sql({kind: float(price(value)) for kind, value in kinds.items()}),
        )
        for model, kinds in conf.prices.items()
    ]
    return Sum(Case(*whens, default=Value(0.0), output_field=FloatField()), default=0.0)


def _cost_in_sql(prices: Mapping[str, float]) -> Any:
    """Return the cost of a row: (input - cached) * input price + cached * cached price + ..."""
    given, cached, output = (prices.get(kind, 0.0) for kind in ("input", "cached", "output"))
    # Prices are subtracted and not columns, because those are unsigned on MariaDB:
    # https://dev.mysql.com/doc/refman/8.4/en/out-of-range-and-overflow.html
    return (
        F("input_tokens") * Value(given)
        + F("cached_tokens") * Value(cached - given)
        + F("output_tokens") * Value(output)
    )


def _slices(usage: UsageQuerySet, names: Sequence[Name]) -> list[Slice]:
    """Return the usage with the position of each row's user among `names`, or their number.

    Usage of nobody is a slice of its own: a join with sessions would lose the deleted ones.
    """
    whens = [
        When(session__user=name, then=Value(at)) for at, name in enumerate(names) if name != NOBODY
    ]
    position = Case(*whens, default=Value(len(names)), output_field=IntegerField())
    nobody = names.index(NOBODY) if NOBODY in names else len(names)
    owned = Session._base_manager.filter(pk=OuterRef("session_id"), user__isnull=False)
    return [
        Slice(usage.filter(session__user__isnull=False), name=position),
        Slice(usage.exclude(Exists(owned)), name=Value(nobody)),
    ]


def _total_by_cell(slices: list[Slice], bucket: Combinable) -> dict[Cell, UsageTotal]:
    groups = (group for one in slices for group in one.usage.groups(bucket=bucket, series=one.name))
    return {Cell(*key): total for key, total in totals(groups).items()}


def _user_tallies(
    names: list[str],
    total_by_cell: Mapping[Cell, UsageTotal],
    sessions: SessionCounts,
    measure: str,
) -> dict[Name, Tally]:
    """Return the tallies of users and of nobody, the greatest first, and last that of all others.

    The series of the cells, and the names in `sessions`, are positions in `names`.
    """
    total_by_position = sum_by(lambda cell: cell.series, total_by_cell)
    tallies = {at: Tally(sessions[0, at], total) for at, total in total_by_position.items()}
    others = tallies.pop(len(names), None)
    by_name = {names[at]: tally for at, tally in tallies.items()}
    users: dict[Name, Tally] = dict(ranked(by_name, measure).items())
    return {**users, None: others} if others else users


def _redrawn(
    total_by_cell: Mapping[Cell, UsageTotal], names: list[str], drawn: list[str]
) -> dict[Cell, UsageTotal]:
    """Return the totals with the positions of names replaced by those in the shorter `drawn`."""
    series_by_position = {at: drawn.index(name) for at, name in enumerate(names) if name in drawn}
    return sum_by(
        lambda cell: Cell(cell.bucket, series_by_position.get(cell.series, len(drawn))),
        total_by_cell,
    )


def _sum(tallies: Iterable[Tally]) -> Tally:
    """Add up the tallies of users. Each session has one owner, so sessions add up too."""
    sessions, total = 0, UsageTotal()
    for tally in tallies:
        sessions, total = sessions + tally.sessions, total + tally.total
    return Tally(sessions, total)


def _usernames(usage: UsageQuerySet, pks: list[str]) -> dict[str, str]:
    """Return the names by which users log in, by their primary keys."""
    users = get_user_model()._base_manager.using(usage.db).filter(pk__in=pks) if pks else []
    return {str(user.pk): user.get_username() for user in users}
