"""The numbers of the usage page for a spreadsheet."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import Any

from django.http import HttpResponse

from agent_sessions.admin.usage_page.buckets import Period
from agent_sessions.admin.usage_page.calls import Calls
from agent_sessions.admin.usage_page.numbers import Line, Numbers
from agent_sessions.admin.usage_page.tables import name_of, names_of
from agent_sessions.conf import conf
from agent_sessions.usage.steps import Tokens

# A spreadsheet runs what begins with one of these as a formula. It may leave out what it does not
# see before that, and read full-width characters as the usual ones. In countries that write 1,5 it
# also begins a cell after a semicolon.
_UNSEEN = r"[\s\x00-\x1f\x7f-\xa0\xad\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]*"
_SIGNS = r"[-=+@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212]"
_FORMULA = re.compile(rf"(\A|;)(?={_UNSEEN}{_SIGNS})|\A(?=[\t\r\n])")


def as_csv(numbers: Numbers, period: Period, *, by: str, with_cost: bool) -> HttpResponse:
    """Return a file with a line for each day, or month, and agent, model or user."""
    response = _file(f"usage-by-{by}", period)
    heading = ["month" if period.is_by_month else "day", by, "sessions", "steps", "unknown_steps"]
    costs = ["unpriced_steps", "cost"] if with_cost else []
    costs += ["currency"] if with_cost and conf.currency else []
    writer = csv.writer(response)
    writer.writerow([*heading, *Tokens._fields, *costs])
    names = names_of(numbers, by)
    for (day, series), line in numbers.cells.items():
        values = list(_values(line, with_cost=with_cost))
        writer.writerow([period.starts[day], safe(name_of(numbers.series[series], names)), *values])
    return response


def calls_as_csv(calls: list[Calls], period: Period) -> HttpResponse:
    """Return a file with a line for each tool and kind of call."""
    response = _file("calls-by-tool", period)
    writer = csv.writer(response)
    writer.writerow(Calls._fields)
    for tool, kind, count, sessions in calls:
        in_sessions = "" if sessions is None else sessions
        writer.writerow([safe(name_of(tool, {})), kind, count, in_sessions])
    return response


def _file(name: str, period: Period) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    name = f"{name}-{period.starts[0]}-{period.last}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def safe(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula, with a quote where one would begin."""
    return _FORMULA.sub(lambda match: f"{match[0]}'", text)


def _values(line: Line, *, with_cost: bool) -> Iterator[Any]:
    total = line.total
    yield from (line.sessions, total.steps, total.unknown_steps)
    for name in Tokens._fields:
        count = getattr(total, name)
        yield count if count or total.unknown_steps < total.steps else ""
    if with_cost:
        yield total.unpriced_steps
        yield "" if total.cost is None else format(total.cost, "f")
        if conf.currency:
            yield safe(conf.currency)
