"""The page that shows what was used: tokens, sessions and costs by day, by agent and by model.

It holds numbers and names, and nothing that anybody said.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agent_sessions.admin.charts import Chart, Column, Part, chart
from agent_sessions.admin.columns import number
from agent_sessions.admin.days import DAYS, YEAR, Period, period
from agent_sessions.admin.usage_csv import as_csv
from agent_sessions.admin.usage_numbers import DRAWN, MEASURES, Line, Numbers, numbers, usage_of
from agent_sessions.admin.usage_texts import (
    Row,
    cells,
    headings,
    name_of,
    quantity,
    rows,
    tiles,
)
from agent_sessions.conf import conf
from agent_sessions.usage import day_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse, QueryDict
    from django.utils.functional import _StrPromise

    from agent_sessions.admin.sessions import SessionAdmin

TEMPLATE = "admin/agent_sessions/session/usage.html"
PERIODS = {
    "7d": gettext_lazy("7 days"),
    "30d": gettext_lazy("30 days"),
    "90d": gettext_lazy("90 days"),
    YEAR: gettext_lazy("12 months"),
}
KEYS = {"agent": gettext_lazy("By agent"), "model": gettext_lazy("By model")}
NAMES = {"agent": gettext_lazy("Agent"), "model": gettext_lazy("Model")}
VALUES = {
    "tokens": gettext_lazy("Tokens"),
    "sessions": gettext_lazy("Sessions"),
    "cost": gettext_lazy("Cost"),
}
TITLES = {
    ("tokens", "agent"): gettext_lazy("Tokens by agent"),
    ("tokens", "model"): gettext_lazy("Tokens by model"),
    ("sessions", "agent"): gettext_lazy("Sessions by agent"),
    ("sessions", "model"): gettext_lazy("Sessions by model"),
    ("cost", "agent"): gettext_lazy("Cost by agent"),
    ("cost", "model"): gettext_lazy("Cost by model"),
}


class Choice(NamedTuple):
    """What the address asks for."""

    period: str = "30d"
    by: str = "agent"
    measure: str = "tokens"

    @classmethod
    def of(cls, query: QueryDict) -> Choice:
        """Read an address; what it does not say, or says wrongly, is as it is by default."""
        allowed = {"period": [*DAYS, YEAR], "by": KEYS, "measure": _measures()}
        found = {name: query.get(name, "") for name in cls._fields}
        return cls(**{name: value for name, value in found.items() if value in allowed[name]})

    def address(self, **changes: str) -> str:
        return "?" + urlencode({**self._asdict(), **changes})


class Link(NamedTuple):
    """A choice that can be made, or is."""

    text: _StrPromise
    address: str
    is_current: bool


def usage_page(model_admin: SessionAdmin, request: HttpRequest) -> HttpResponse:
    """Show the usage of all sessions that a request may see."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    choice = Choice.of(request.GET)
    days = period(choice.period, day_of(timezone.now()))
    usage = usage_of(model_admin.get_queryset(request))
    found = numbers(usage, days, by=choice.by, measure=choice.measure)
    with_cost = bool(conf.prices)
    if request.GET.get("format") == "csv":
        return as_csv(found, days, by=choice.by, with_cost=with_cost)
    request.current_app = model_admin.admin_site.name
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Usage"),
        "opts": model_admin.opts,
        "choices": _choices(choice),
        "csv": choice.address(format="csv"),
        "first_day": days.starts[0],
        "last_day": days.last,
        "time_zone": timezone.get_current_timezone_name(),
        "is_by_month": days.is_by_month,
        **_numbers(found, days, choice, with_cost=with_cost),
    }
    return TemplateResponse(request, TEMPLATE, context)


def _measures() -> list[str]:
    return [measure for measure in MEASURES if measure != "cost" or conf.prices]


def _choices(choice: Choice) -> list[tuple[str, list[Link]]]:
    def links(name: str, texts: dict[str, _StrPromise]) -> list[Link]:
        current = getattr(choice, name)
        return [
            Link(text, choice.address(**{name: value}), value == current)
            for value, text in texts.items()
        ]

    measures = {measure: VALUES[measure] for measure in _measures()}
    return [
        (_("Period"), links("period", PERIODS)),
        (_("Measure"), links("measure", measures)),
        (_("Series"), links("by", KEYS)),
    ]


def _numbers(found: Numbers, days: Period, choice: Choice, *, with_cost: bool) -> dict[str, Any]:
    """Return what the template shows of the numbers."""
    agents, models = found.agents.items(), found.models.items()
    return {
        "whole": found.whole.total,
        "headings": headings(with_cost=with_cost),
        "total": cells(found.whole, with_cost=with_cost),
        "tiles": list(tiles(found.whole, with_cost=with_cost)),
        "with_cost": with_cost,
        "name_heading": NAMES[choice.by],
        "days": list(_days(found, days, with_cost=with_cost)),
        "summaries": [
            (NAMES["agent"], _("Agents"), list(rows(agents, with_cost=with_cost))),
            (NAMES["model"], _("Models"), list(rows(models, with_cost=with_cost))),
        ],
        "chart_title": TITLES[choice.measure, choice.by],
        "chart_total": quantity(choice.measure, MEASURES[choice.measure](found.whole)),
        "chart": _chart(found, days, choice),
        "legend": [
            (_pattern(name, at), name_of(name), bool(name)) for at, name in enumerate(found.series)
        ],
    }


def _days(
    found: Numbers, days: Period, *, with_cost: bool
) -> Iterator[tuple[str, list[str], list[Row]]]:
    """Yield each day of the table, the newest first: its name, its numbers, those of its series."""
    for day in sorted(found.days, reverse=True):
        lines = ((name, found.cells.get((day, at))) for at, name in enumerate(found.series))
        parts = rows(((name, line) for name, line in lines if line), with_cost=with_cost)
        yield days.name(day), cells(found.days[day], with_cost=with_cost), list(parts)


def _chart(found: Numbers, days: Period, choice: Choice) -> Chart | None:
    columns = [_column(found, days, choice, day) for day in range(len(days.starts))]
    return chart(columns, written=number, is_whole=choice.measure != "cost")


def _column(found: Numbers, days: Period, choice: Choice, day: int) -> Column:
    value, name = MEASURES[choice.measure], days.name(day)
    whole = found.days.get(day, Line())
    lines = ((at, found.cells.get((day, at))) for at in range(len(found.series)))
    parts = [
        Part(_pattern(found.series[at], at), value(line), _title(name, line, choice, at, found))
        for at, line in lines
        if line
    ]
    title = f"{name}: {quantity(choice.measure, value(whole))}"
    missing = {"tokens": whole.total.unknown_steps, "cost": whole.total.unpriced_steps}
    if steps := missing.get(choice.measure):
        title = _("%(title)s, without %(steps)s unknown") % {"title": title, "steps": steps}
    return Column(days.short_name(day), title, parts, bool(steps))


def _title(day: str, line: Line, choice: Choice, at: int, found: Numbers) -> str:
    value = quantity(choice.measure, MEASURES[choice.measure](line))
    return f"{day}, {name_of(found.series[at])}: {value}"


def _pattern(name: str | None, at: int) -> int:
    """Return the number of the colour and pattern of a series; all others have one of their own."""
    return DRAWN if name is None else at
