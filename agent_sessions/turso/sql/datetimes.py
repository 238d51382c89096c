"""Extract from and truncate dates and times, which Django stores as text, in SQL (pure).

It does what Python functions do in Django's SQLite backend (_functions.py there): the same text
comes out for the same text, and NULL for NULL and for an invalid date, except that SQLite reads
February 30 as March 2. Only functions of SQLite 3.38 itself are used, because servers bundle
different extensions: https://www.sqlite.org/lang_datefunc.html
"""

from __future__ import annotations

from django.db import OperationalError

from agent_sessions.turso.sql.formula import Fragment, write

# Without the fraction, which SQLite rounds: .9996 would become the next second.
MOMENT = "substr({x},1,19)"
TIME = "substr({x},1,8)"
MOMENT_OR_TIME = "substr({x},1,instr({x}||'.','.')-1)"
# The fraction as text of six digits.
MICROSECOND = "substr(substr({x},instr({x}||'.','.')+1)||'000000',1,6)"
# The fraction as Django writes it: a point with six digits or, for zero, nothing.
FRACTION = f"replace('.'||{MICROSECOND},'.000000','')"

# In ISO 8601, a week belongs to the year of its Thursday.
THURSDAY = "{local},'-3 days','weekday 4'"
MONDAY = "date({local},'-6 days','weekday 1')"

EXTRACTED = {
    "year": "CAST(strftime('%%Y',{local}) AS INTEGER)",
    "month": "CAST(strftime('%%m',{local}) AS INTEGER)",
    "day": "CAST(strftime('%%d',{local}) AS INTEGER)",
    "hour": "CAST(strftime('%%H',{local}) AS INTEGER)",
    "minute": "CAST(strftime('%%M',{local}) AS INTEGER)",
    "second": "CAST(strftime('%%S',{local}) AS INTEGER)",
    # NULL for an invalid date, as the others.
    "microsecond": f"(0*unixepoch({{local}})+{MICROSECOND})",
    "quarter": "((strftime('%%m',{local})+2)/3)",
    "week_day": "(strftime('%%w',{local})+1)",
    "iso_week_day": "((strftime('%%w',{local})+6)%%7+1)",
    "week": f"((strftime('%%j',{THURSDAY})+6)/7)",
    "iso_year": f"CAST(strftime('%%Y',{THURSDAY}) AS INTEGER)",
}
DATES = {
    "year": "strftime('%%Y-01-01',{local})",
    "month": "strftime('%%Y-%%m-01',{local})",
    "week": MONDAY,
    "day": "date({local})",
}
MOMENTS = {
    "year": "strftime('%%Y-01-01 00:00:00',{local})",
    "month": "strftime('%%Y-%%m-01 00:00:00',{local})",
    "week": f"({MONDAY}||' 00:00:00')",
    "day": "strftime('%%Y-%%m-%%d 00:00:00',{local})",
    "hour": "strftime('%%Y-%%m-%%d %%H:00:00',{local})",
    "minute": "strftime('%%Y-%%m-%%d %%H:%%M:00',{local})",
    "second": "datetime({local})",
}
TIMES = {
    "hour": "strftime('%%H:00:00',{local})",
    "minute": "strftime('%%H:%%M:00',{local})",
    "second": "time({local})",
}
MONTH = "strftime('%%Y-%%m',{local})"
QUARTER = "substr({x},1,5)||substr('01040710',(substr({x},6)-1)/3*2+1,2)||"


def extract(part: str, value: Fragment, shift: str | None = None) -> Fragment:
    """Return a part of a date or datetime as a number. `shift` comes from zones.shift()."""
    return _write(EXTRACTED, part, value, _local(shift))


def extract_from_time(part: str, value: Fragment) -> Fragment:
    """Return a part of a time as a number."""
    return _write(EXTRACTED, part, value, TIME)


def truncate_to_date(part: str, value: Fragment, shift: str | None = None) -> Fragment:
    """Return the first date of the year, quarter, month or week."""
    if part == "quarter":
        return write(f"({QUARTER}'-01')", x=_over(MONTH, value, _local(shift)))
    return _write(DATES, part, value, _local(shift))


def truncate(part: str, value: Fragment, shift: str | None = None) -> Fragment:
    """Return the first moment of the year, quarter, month, week, day, hour, minute or second."""
    if part == "quarter":
        return write(f"({QUARTER}'-01 00:00:00')", x=_over(MONTH, value, _local(shift)))
    return _write(MOMENTS, part, value, _local(shift))


def truncate_to_time(part: str, value: Fragment, shift: str | None = None) -> Fragment:
    """Return the first time of the hour, minute or second of a time or datetime."""
    return _write(TIMES, part, value, _local(shift) if shift else MOMENT_OR_TIME)


def date_of(value: Fragment, shift: str | None = None) -> Fragment:
    """Return the date of a datetime."""
    return _over("date({local})", value, _local(shift))


def time_of(value: Fragment, shift: str | None = None) -> Fragment:
    """Return the time of a datetime, with its fraction."""
    return _over(f"(time({{local}})||{FRACTION})", value, _local(shift))


def _local(shift: str | None) -> str:
    return f"{MOMENT},{shift}||' seconds'" if shift else MOMENT


def _write(formulas: dict[str, str], part: str, value: Fragment, local: str) -> Fragment:
    if part not in formulas:
        raise OperationalError(f"Unsupported lookup type: {part!r}")
    return _over(formulas[part], value, local)


def _over(formula: str, value: Fragment, local: str) -> Fragment:
    return write(formula.replace("{local}", local), x=value)
