"""Subtract dates and times, and add durations to them, in SQL (pure).

A duration is a number of microseconds, as Django stores it in databases without a type for it.
"""

from __future__ import annotations

from agent_sessions.turso.sql.datetimes import MOMENT, TIME
from agent_sessions.turso.sql.formula import Fragment, write

# SQLite's division rounds towards zero, so dividends must not be negative: moments are counted from
# year 0, and DAYS days are added to a duration first.
YEAR_0 = 62_167_219_200
DAY = 86_400_000_000
DAYS = 10_000_000
SECONDS = f"{{total}}/1000000-{YEAR_0},'unixepoch'"
FRACTION = "replace('.'||substr({total}%%1000000+1000000,2),'.000000','')"

# The sum as text, in the form of Python's str().
WRITTEN = {
    "DateTimeField": f"(datetime({SECONDS})||{FRACTION})",
    "TimeField": f"(time({SECONDS})||{FRACTION})",
}
# Only whole days count: a date plus 23 hours is the same date, minus 1 second the day before.
ADDED_DAYS = f"date({{x}},({{sign}}((CAST({{y}} AS INTEGER)+{DAYS * DAY})/{DAY}-{DAYS}))||' days')"


def difference(kind: str, left: Fragment, right: Fragment) -> Fragment:
    """Return `left` minus `right`: two times, or two dates or datetimes."""
    return write(f"({_microseconds(kind, 'x')}-{_microseconds(kind, 'y')})", x=left, y=right)


def add(kind: str, value: Fragment, sign: str, duration: Fragment) -> Fragment:
    """Return `value`, a field of `kind`, plus the duration; minus it if `sign` is "-"."""
    if kind == "DateField":
        return write(ADDED_DAYS.replace("{sign}", sign), x=value, y=duration)
    total = f"({_microseconds(kind, 'x')}+{YEAR_0}000000{sign}CAST({{y}} AS INTEGER))"
    return write(WRITTEN[kind].replace("{total}", total), x=value, y=duration)


def _microseconds(kind: str, name: str) -> str:
    # Not julianday(), whose float is too coarse for microseconds.
    seconds, rest = (TIME, 10) if kind == "TimeField" else (MOMENT, 21)
    formula = f"(unixepoch({seconds})*1000000+substr(substr({{x}},{rest})||'000000',1,6))"
    return formula.replace("{x}", f"{{{name}}}")
