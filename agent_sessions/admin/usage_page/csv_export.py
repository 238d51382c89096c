"""The numbers of the usage page as CSV files."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import Any

from django.http import HttpResponse

from agent_sessions.admin.usage_page.buckets import Period
from agent_sessions.admin.usage_page.calls import Calls
from agent_sessions.admin.usage_page.report import Tally, UsageReport
from agent_sessions.admin.usage_page.tables import label_of, labels_of
from agent_sessions.conf import conf
from agent_sessions.usage.steps import Tokens

# A spreadsheet runs a cell that begins with one of these signs as a formula. It may skip invisible
# characters before the sign and read full-width signs as the usual ones. In countries that write
# 1,5 a semicolon begins a cell too. See https://owasp.org/www-community/attacks/CSV_Injection
_INVISIBLE = r"[\s\x00-\x1f\x7f-\xa0\xad\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]*"
_SIGNS = r"[-=+@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212]"
_FORMULA = re.compile(rf"(\A|;)(?={_INVISIBLE}{_SIGNS})|\A(?=[\t\r\n])")


def as_csv(report: UsageReport, period: Period, *, by: str, with_cost: bool) -> HttpResponse:
    """Return a file with a line for each day or month, and each agent, model or user."""
    response = _file(f"usage-by-{by}", period)
    heading = ["month" if period.is_by_month else "day", by, "sessions", "steps", "unknown_steps"]
    costs = ["unpriced_steps", "cost"] if with_cost else []
    costs += ["currency"] if with_cost and conf.currency else []
    writer = csv.writer(response)
    writer.writerow([*heading, *Tokens._fields, *costs])
    labels = labels_of(report, by)
    for cell, tally in report.cells.items():
        day, name = period.starts[cell.bucket], report.series[cell.series]
        values = _values(tally, with_cost=with_cost)
        writer.writerow([day, safe(label_of(name, labels)), *values])
    return response


def calls_as_csv(calls: list[Calls], period: Period) -> HttpResponse:
    """Return a file with a line for each tool and kind of call."""
    response = _file("calls-by-tool", period)
    writer = csv.writer(response)
    writer.writerow(Calls._fields)
    for tool, kind, count, sessions in calls:
        in_sessions = "" if sessions is None else sessions
        writer.writerow([safe(label_of(tool)), kind, count, in_sessions])
    return response


def _file(name: str, period: Period) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    name = f"{name}-{period.starts[0]}-{period.last}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def safe(text: str) -> str:
    """Return a text with a quote before each formula that a spreadsheet would run."""
    return _FORMULA.sub(lambda match: f"{match[0]}'", text)


def _values(tally: Tally, *, with_cost: bool) -> Iterator[Any]:
    total = tally.total
    yield from (tally.sessions, total.steps, total.unknown_steps)
    for name in Tokens._fields:
        count = getattr(total, name)
        yield count if count or total.unknown_steps < total.steps else ""
    if with_cost:
        yield total.unpriced_steps
        yield "" if total.cost is None else format(total.cost, "f")
        if conf.currency:
            yield safe(conf.currency)
