"""The page that shows what was used: tokens, sessions and costs by day, agent, model and user.

It holds numbers and names, and nothing that anybody said. Users are those who own a session that
the request may see, under the names by which they log in: the list of sessions names them too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agent_sessions.admin.changelist.columns import number
from agent_sessions.admin.jit import without_compiling
from agent_sessions.admin.usage_page.buckets import DAYS, YEAR, Period, period
from agent_sessions.admin.usage_page.cache import Counted, counted
from agent_sessions.admin.usage_page.calls import Calls, calls_of
from agent_sessions.admin.usage_page.chart import Chart, Column, Part, chart
from agent_sessions.admin.usage_page.csv_export import as_csv, calls_as_csv
from agent_sessions.admin.usage_page.numbers import (
    DRAWN,
    MEASURES,
    Line,
    Numbers,
    numbers,
    usage_of,
)
from agent_sessions.admin.usage_page.tables import (
    CALL_HEADINGS,
    Row,
    call_rows,
    cells,
    headings,
    name_of,
    names_of,
    quantity,
    rows,
    tiles,
)
from agent_sessions.conf import conf
from agent_sessions.models.usage import day_of

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse, QueryDict
    from django.utils.functional import _StrPromise

    from agent_sessions.admin.base import SessionAdminBase
    from agent_sessions.models import Session

TEMPLATE = "admin/agent_sessions/session/usage_page/page.html"
PERIODS = {
    "7d": gettext_lazy("7 days"),
    "30d": gettext_lazy("30 days"),
    "90d": gettext_lazy("90 days"),
    YEAR: gettext_lazy("12 months"),
}
KEYS = {
    "agent": gettext_lazy("By agent"),
    "model": gettext_lazy("By model"),
    "user": gettext_lazy("By user"),
}
NAMES = {
    "agent": gettext_lazy("Agent"),
    "model": gettext_lazy("Model"),
    "user": gettext_lazy("User"),
}
VALUES = {
    "tokens": gettext_lazy("Tokens"),
    "sessions": gettext_lazy("Sessions"),
    "cost": gettext_lazy("Cost"),
}
TITLES = {
    ("tokens", "agent"): gettext_lazy("Tokens by agent"),
    ("tokens", "model"): gettext_lazy("Tokens by model"),
    ("tokens", "user"): gettext_lazy("Tokens by user"),
    ("sessions", "agent"): gettext_lazy("Sessions by agent"),
    ("sessions", "model"): gettext_lazy("Sessions by model"),
    ("sessions", "user"): gettext_lazy("Sessions by user"),
    ("cost", "agent"): gettext_lazy("Cost by agent"),
    ("cost", "model"): gettext_lazy("Cost by model"),
    ("cost", "user"): gettext_lazy("Cost by user"),
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


def usage_page(model_admin: SessionAdminBase, request: HttpRequest) -> HttpResponse:
    """Show the usage of all sessions that a request may see."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    choice = Choice.of(request.GET)
    days = period(choice.period, day_of(timezone.now()))
    sessions, is_new = model_admin.get_queryset(request), "new" in request.GET
    found = _counted(sessions, days, choice, is_new=is_new)
    if is_new:
        # Reloaded, the page does not count again.
        return HttpResponseRedirect(choice.address())
    used, calls = found.value
    with_cost = bool(conf.prices)
    match request.GET.get("format"):
        case "csv":
            return as_csv(used, days, by=choice.by, with_cost=with_cost)
        case "calls":
            return calls_as_csv(calls, days)
    request.current_app = model_admin.admin_site.name
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Usage"),
        "opts": model_admin.opts,
        "choices": _choices(choice),
        "csv": choice.address(format="csv"),
        "calls_csv": choice.address(format="calls"),
        "kept_since": found.at if found.is_kept else None,
        "again": choice.address(new="1"),
        "first_day": days.starts[0],
        "last_day": days.last,
        "time_zone": timezone.get_current_timezone_name(),
        "is_by_month": days.is_by_month,
        "call_headings": CALL_HEADINGS,
        "calls": list(call_rows(calls)),
        **_numbers(used, days, choice, with_cost=with_cost),
    }
    return TemplateResponse(request, TEMPLATE, context)


def _counted(
    sessions: QuerySet[Session], days: Period, choice: Choice, *, is_new: bool
) -> Counted[tuple[Numbers, list[Calls]]]:
    """Return what the page shows of sessions: what is kept, or else a count."""

    def count() -> tuple[Numbers, list[Calls]]:
        with without_compiling(sessions.db):
            usage = usage_of(sessions)
            used = numbers(usage, days, by=choice.by, measure=choice.measure)
            return used, calls_of(sessions, days)

    return counted(sessions, days, choice.by, choice.measure, count=count, is_new=is_new)


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
    tables = [
        ("agent", _("Agents"), found.agents),
        ("model", _("Models"), found.models),
        ("user", _("Users"), found.users),
    ]
    names = names_of(found, choice.by)
    return {
        "whole": found.whole.total,
        "headings": headings(with_cost=with_cost),
        "total": cells(found.whole, with_cost=with_cost),
        "tiles": list(tiles(found.whole, with_cost=with_cost)),
        "with_cost": with_cost,
        "name_heading": NAMES[choice.by],
        "days": list(_days(found, days, names, with_cost=with_cost)),
        "summaries": [
            (
                NAMES[part],
                caption,
                list(rows(lines.items(), names_of(found, part), with_cost=with_cost)),
            )
            for part, caption, lines in tables
            if lines
        ],
        "chart_title": TITLES[choice.measure, choice.by],
        "chart_total": quantity(choice.measure, MEASURES[choice.measure](found.whole)),
        "chart": _chart(found, days, choice, names),
        "legend": [
            (_pattern(name, at), name_of(name, names), bool(name))
            for at, name in enumerate(found.series)
        ],
    }


def _days(
    found: Numbers, days: Period, names: Mapping[str, str], *, with_cost: bool
) -> Iterator[tuple[str, list[str], list[Row]]]:
    """Yield each day of the table, the newest first: its name, its numbers, those of its series."""
    for day in sorted(found.days, reverse=True):
        lines = ((name, found.cells.get((day, at))) for at, name in enumerate(found.series))
        known = ((name, line) for name, line in lines if line)
        parts = rows(known, names, with_cost=with_cost)
        yield days.name(day), cells(found.days[day], with_cost=with_cost), list(parts)


def _chart(found: Numbers, days: Period, choice: Choice, names: Mapping[str, str]) -> Chart | None:
    series = [(_pattern(name, at), name_of(name, names)) for at, name in enumerate(found.series)]
    columns = [_column(found, days, choice, day, series) for day in range(len(days.starts))]
    return chart(columns, written=number, is_whole=choice.measure != "cost")


def _column(
    found: Numbers, days: Period, choice: Choice, day: int, series: list[tuple[int, str]]
) -> Column:
    value, name = MEASURES[choice.measure], days.name(day)
    whole = found.days.get(day, Line())
    lines = ((one, found.cells.get((day, at))) for at, one in enumerate(series))
    parts = [
        Part(pattern, value(line), f"{name}, {its}: {quantity(choice.measure, value(line))}")
        for (pattern, its), line in lines
        if line
    ]
    title = f"{name}: {quantity(choice.measure, value(whole))}"
    missing = {"tokens": whole.total.unknown_steps, "cost": whole.total.unpriced_steps}
    if steps := missing.get(choice.measure):
        title = _("%(title)s, without %(steps)s unknown") % {"title": title, "steps": steps}
    return Column(days.short_name(day), title, parts, bool(steps))


def _pattern(name: str | None, at: int) -> int:
    """Return the number of the colour and pattern of a series; all others have one of their own."""
    return DRAWN if name is None else at
