"""Moments at which functions of dates and times may go wrong."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta


def around(moments: Iterable[datetime]) -> list[str]:
    """Return each moment with the seconds and fractions around it, in Django's form."""
    beside = [timedelta(seconds=s) for s in (-1, -0.000001, 0, 0.9999996, 1)]
    return [str(moment + little) for moment in moments for little in beside]


EDGES = [
    *around(datetime(year, 1, 1) for year in (1000, 1899, 1970, 1972, 2000, 2024, 2026, 2038)),
    *(str(datetime(year, 12, 25) + timedelta(n)) for year in range(1999, 2030) for n in range(14)),
    *("1969-12-31 23:59:59.999999", "2024-02-29 12:00:00.100000"),
]
