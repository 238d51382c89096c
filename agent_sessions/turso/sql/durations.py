"""Differences of dates and times, and what is added to them, in SQL (pure).

A duration is a number of microseconds, as Django keeps it where a database has no type for it.
"""

from __future__ import annotations

from agent_sessions.turso.sql.datetimes import MOMENT, TIME
from agent_sessions.turso.sql.formula import Fragment, write

# What is divided must never be negative, because SQLite rounds towards zero: moments are counted
# from year 0, and to a duration these days are added first.
YEAR_0 = 62_167_219_200
DAY = 86_400_000_000
DAYS = 10_000_000
SECONDS = f"{{total}}/1000000-{YEAR_0},'unixepoch'"
FRACTION = "replace('.'||substr({total}%%1000000+1000000,2),'.000000','')"

# How the sum is written, as Python's str() does.
WRITTEN = {
    "DateTimeField": f"(datetime({SECONDS})||{FRACTION})",
    "TimeField": f"(time({SECONDS})||{FRACTION})",
}
# A date plus some hours is a date: only whole days count, and -1 second is in day -1.
ADDED_DAYS = f"date({{x}},({{sign}}((CAST({{y}} AS INTEGER)+{DAYS * DAY})/{DAY}-{DAYS}))||' days')"


def difference(kind: str, left: Fragment, right: Fragment) -> Fragment:
    """Return the duration from `right` to `left`, two times or two of dates and moments."""
    return write(f"({_microseconds(kind, 'x')}-{_microseconds(kind, 'y')})", x=left, y=right)


def add(kind: str, value: Fragment, sign: str, duration: Fragment) -> Fragment:
    """Return a date, a moment or a time (as `kind` says) that is later, or for "-" earlier."""
    if kind == "DateField":
        return write(ADDED_DAYS.replace("{sign}", sign), x=value, y=duration)
    total = f"({_microseconds(kind, 'x')}+{YEAR_0}000000{sign}CAST({{y}} AS INTEGER))"
    return write(WRITTEN[kind].replace("{total}", total), x=value, y=duration)


def _microseconds(kind: str, name: str) -> str:
    # Not julianday(), which is a float and has no microseconds.
    seconds, rest = (TIME, 10) if kind == "TimeField" else (MOMENT, 21)
    formula = f"(unixepoch({seconds})*1000000+substr(substr({{x}},{rest})||'000000',1,6))"
    return formula.replace("{x}", f"{{{name}}}")
