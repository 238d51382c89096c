"""The report with a series for each of the greatest agents or models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from django.db.models import Case, F, IntegerField, Value, When
from django.db.models.expressions import Combinable

from agent_sessions.admin.usage_page.report import (
    DRAWN,
    LISTED,
    NOTHING_RECORDED,
    Cell,
    Name,
    Tally,
    UsageReport,
    ranked,
)
from agent_sessions.admin.usage_page.session_counts import SessionCounts, Slice, count_sessions
from agent_sessions.models.usage_sums import UsageQuerySet
from agent_sessions.usage.totals import Group, UsageTotal, totals

COLUMNS = {"agent": "agent_name", "model": "model"}


class RankedTallies(NamedTuple):
    """The tally of all usage, and those of its agents and models with the greatest first."""

    whole: Tally
    agents: dict[str, Tally]
    models: dict[str, Tally]


def report_by_name(
    usage: UsageQuerySet, bucket: Combinable, *, by: str, measure: str
) -> UsageReport:
    """Count usage by agent and by model; `by` says which of them are the series."""
    groups = list(usage.groups(agent=F("agent_name")))
    if not groups:
        return NOTHING_RECORDED
    whole, agents, models = _ranked_tallies(usage, groups, measure)
    drawn = [*(agents if by == "agent" else models)][:DRAWN]
    series = _position(COLUMNS[by], drawn)
    total_by_cell = totals(usage.groups(bucket=bucket, series=series))
    sessions = count_sessions(
        buckets=[Slice(usage, bucket)],
        cells=[Slice(usage, bucket, series)],
        other_agents=_unlisted(usage, COLUMNS["agent"], agents),
        other_models=_unlisted(usage, COLUMNS["model"], models),
    )
    report = UsageReport(
        whole=whole,
        agents=_listed(agents, sessions_of_others=sessions["other_agents"][0, 0]),
        models=_listed(models, sessions_of_others=sessions["other_models"][0, 0]),
    )
    return report.with_cells(
        [*drawn],
        {Cell(*key): total for key, total in total_by_cell.items()},
        sessions_by_bucket=sessions["buckets"],
        sessions_by_cell=sessions["cells"],
    )


def _ranked_tallies(usage: UsageQuerySet, groups: list[Group], measure: str) -> RankedTallies:
    """Return tallies of groups whose key is their agent."""
    sessions = count_sessions(
        agents=[Slice(usage, name=F("agent_name"))],
        models=[Slice(usage, name=F("model"))],
        whole=[Slice(usage, name=Value(""))],
    )
    total_by_agent = totals(group._replace(key=group.key[0]) for group in groups)
    total_by_model = totals(group._replace(key=group.model) for group in groups)
    whole = totals(group._replace(key="") for group in groups)[""]
    return RankedTallies(
        whole=Tally(sessions["whole"][0, ""], whole),
        agents=ranked(_tallies(total_by_agent, sessions["agents"]), measure),
        models=ranked(_tallies(total_by_model, sessions["models"]), measure),
    )


def _tallies(total_by_name: Mapping[str, UsageTotal], sessions: SessionCounts) -> dict[str, Tally]:
    return {name: Tally(sessions[0, name], total) for name, total in total_by_name.items()}


def _position(column: str, names: Iterable[str]) -> Combinable:
    """Return an expression for the position of a row's name among `names`, or their number."""
    whens = [When(**{column: name}, then=Value(at)) for at, name in enumerate(names)]
    return Case(*whens, default=Value(len(whens)), output_field=IntegerField())


def _unlisted(usage: UsageQuerySet, column: str, tallies: Mapping[str, Tally]) -> list[Slice]:
    """Return the rows of the names that get no row of their own in a table, if there are any."""
    if len(tallies) <= LISTED:
        return []
    return [Slice(usage.exclude(**{f"{column}__in": [*tallies][:LISTED]}))]


def _listed(tallies: Mapping[str, Tally], *, sessions_of_others: int) -> dict[Name, Tally]:
    """Return the first tallies, and under None the sum of the others."""
    listed: dict[Name, Tally] = {name: tallies[name] for name in [*tallies][:LISTED]}
    if others := [tallies[name].total for name in [*tallies][LISTED:]]:
        listed[None] = Tally(sessions_of_others, sum(others, UsageTotal()))
    return listed
