"""The page of usage: tokens, sessions and costs by day, agent, model and user.

It shows numbers and names, and nothing that anybody wrote in a conversation. Users are the owners
of sessions that the request may see, by the names that the list of sessions shows too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agent_sessions.admin.formats import number
from agent_sessions.admin.jit import without_compiling
from agent_sessions.admin.usage_page.bars import bars_of, series_of
from agent_sessions.admin.usage_page.buckets import Period, period_until
from agent_sessions.admin.usage_page.cache import Counted, counted
from agent_sessions.admin.usage_page.calls import Calls, calls_of
from agent_sessions.admin.usage_page.chart import chart
from agent_sessions.admin.usage_page.choices import UsageChoice, choice_groups
from agent_sessions.admin.usage_page.csv_export import as_csv, calls_as_csv
from agent_sessions.admin.usage_page.numbers import report_of, usage_of
from agent_sessions.admin.usage_page.report import MEASURES, Name, Tally, UsageReport
from agent_sessions.admin.usage_page.tables import (
    CALL_HEADINGS,
    TableRow,
    call_rows,
    cells,
    headings,
    labels_of,
    quantity,
    table_rows,
    tiles,
)
from agent_sessions.conf import conf
from agent_sessions.models.usage_sums import day_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

    from agent_sessions.admin.base import SessionAdminBase
    from agent_sessions.models import Session

TEMPLATE = "admin/agent_sessions/session/usage_page/page.html"
NAME_HEADINGS = {
    "agent": gettext_lazy("Agent"),
    "model": gettext_lazy("Model"),
    "user": gettext_lazy("User"),
}
CHART_TITLES = {
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


class PageNumbers(NamedTuple):
    """All numbers of a page, which are counted and kept together."""

    report: UsageReport
    calls: list[Calls]


class SummaryTable(NamedTuple):
    """The table of all agents, models or users."""

    name_heading: str
    caption: str
    rows: list[TableRow]


class BucketRows(NamedTuple):
    """A day or month in the table of days: its own numbers, and those of its series."""

    name: str
    cells: list[str]
    rows: list[TableRow]


def usage_page(model_admin: SessionAdminBase, request: HttpRequest) -> HttpResponse:
    """Show the usage of all sessions that a request may see."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    choice = UsageChoice.of(request.GET)
    period = period_until(day_of(timezone.now()), choice.period)
    sessions, is_new = model_admin.get_queryset(request), "new" in request.GET
    found = _counted(sessions, period, choice, is_new=is_new)
    if is_new:
        # The address without "new" does not count again when the page is reloaded.
        return HttpResponseRedirect(choice.address())
    report, calls = found.value
    match request.GET.get("format"):
        case "csv":
            return as_csv(report, period, by=choice.by, with_cost=bool(conf.prices))
        case "calls":
            return calls_as_csv(calls, period)
    request.current_app = model_admin.admin_site.name
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Usage"),
        "opts": model_admin.opts,
        **_choice_context(choice, period),
        "kept_since": found.at if found.is_kept else None,
        **_chart_context(report, period, choice),
        **_table_context(report, period, choice, with_cost=bool(conf.prices)),
        "call_headings": CALL_HEADINGS,
        "calls": list(call_rows(calls)),
    }
    return TemplateResponse(request, TEMPLATE, context)


def _counted(
    sessions: QuerySet[Session], period: Period, choice: UsageChoice, *, is_new: bool
) -> Counted[PageNumbers]:
    """Return the numbers of sessions: kept ones, or else a new count."""

    def count() -> PageNumbers:
        with without_compiling(sessions.db):
            usage = usage_of(sessions)
            report = report_of(usage, period, by=choice.by, measure=choice.measure)
            return PageNumbers(report, calls_of(sessions, period))

    return counted(sessions, period, choice.by, choice.measure, count=count, is_new=is_new)


def _choice_context(choice: UsageChoice, period: Period) -> dict[str, Any]:
    """Return the context of what is chosen, and of the links that lead elsewhere."""
    return {
        "choices": choice_groups(choice),
        "csv": choice.address(format="csv"),
        "calls_csv": choice.address(format="calls"),
        "again": choice.address(new="1"),
        "first_day": period.starts[0],
        "last_day": period.last,
        "time_zone": timezone.get_current_timezone_name(),
        "is_by_month": period.is_by_month,
    }


def _chart_context(report: UsageReport, period: Period, choice: UsageChoice) -> dict[str, Any]:
    measure = choice.measure
    series = series_of(report, labels_of(report, choice.by))
    bars = bars_of(report, period, series, measure=measure)
    return {
        "chart_title": CHART_TITLES[measure, choice.by],
        "chart_total": quantity(measure, MEASURES[measure](report.whole)),
        "chart": chart(bars, written=number, is_whole=measure != "cost"),
        "legend": series,
    }


def _table_context(
    report: UsageReport, period: Period, choice: UsageChoice, *, with_cost: bool
) -> dict[str, Any]:
    return {
        "whole": report.whole.total,
        "with_cost": with_cost,
        "headings": headings(with_cost=with_cost),
        "total": cells(report.whole, with_cost=with_cost),
        "tiles": list(tiles(report.whole, with_cost=with_cost)),
        "summaries": _summary_tables(report, with_cost=with_cost),
        "name_heading": NAME_HEADINGS[choice.by],
        "days": _bucket_rows(report, period, labels_of(report, choice.by), with_cost=with_cost),
    }


def _summary_tables(report: UsageReport, *, with_cost: bool) -> list[SummaryTable]:
    tables: list[tuple[str, str, dict[Name, Tally]]] = [
        ("agent", _("Agents"), report.agents),
        ("model", _("Models"), report.models),
        ("user", _("Users"), report.users),
    ]
    return [
        SummaryTable(
            name_heading=str(NAME_HEADINGS[by]),
            caption=caption,
            rows=table_rows(tallies.items(), labels_of(report, by), with_cost=with_cost),
        )
        for by, caption, tallies in tables
        if tallies
    ]


def _bucket_rows(
    report: UsageReport, period: Period, labels: Mapping[str, str], *, with_cost: bool
) -> list[BucketRows]:
    """Return the days or months with usage, the newest first."""
    return [
        BucketRows(
            name=period.name(bucket),
            cells=cells(report.buckets[bucket], with_cost=with_cost),
            rows=table_rows(report.of_bucket(bucket), labels, with_cost=with_cost),
        )
        for bucket in sorted(report.buckets, reverse=True)
    ]
