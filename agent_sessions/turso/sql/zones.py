"""How far the clocks of two time zones are apart, as SQL (pure).

SQLite knows no time zones. Python does, so what it knows goes into the SQL: a tree of comparisons
over all changes of the offset.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import OperationalError
from django.db.backends.utils import split_tzname_delta

# Local mean time, which came before the zones, has ended everywhere after FIRST. The offset at
# LAST is taken for all that follows: the rules of 2101 are nobody's promise, and each further
# century adds 7 KB to the SQL, which is 10 KB long for Europe/Berlin.
FIRST = datetime(1800, 1, 1)
LAST = datetime(2101, 1, 1)
# No zone of the tz database has changed its offset twice in less than 16 days.
STEP = timedelta(days=7)
SECOND = timedelta(seconds=1)
# Servers parse with a stack of 100: a tree must be flat enough to stand deep within a query.
BRANCHES = 7


@lru_cache(maxsize=256)
def shift(zone: str, stored_in: str) -> str | None:
    """Return the seconds that lead from a stored moment to the clocks of `zone`.

    That is a formula over the moment `{x}`, as text; None if there is nothing to add. Zones are
    named as Django names them, "UTC+05:30" for a fixed offset included. Raises OperationalError, as
    SQLite does, for a name that is not in the tz database.
    """
    if zone == stored_in:
        return None
    pieces = _pieces(zone, ZoneInfo(stored_in))
    if pieces == [(FIRST, 0)]:
        return None
    return _tree(pieces)


def _pieces(zone: str, source: ZoneInfo) -> list[tuple[datetime, int]]:
    """Return since when, on the stored clock, how many seconds are to be added."""
    name, sign, offset = split_tzname_delta(zone)
    target = _zone(name) if name else source
    fixed = timedelta()
    if offset:
        hours, minutes = map(int, offset.split(":"))
        fixed = timedelta(hours=hours, minutes=minutes) * (1 if sign == "+" else -1)

    def seconds(moment: datetime) -> int:
        there = (moment + fixed).replace(tzinfo=source).astimezone(target)
        return int((there.replace(tzinfo=None) - moment).total_seconds())

    pieces = [(FIRST, seconds(FIRST))]
    for moment in sorted(_candidates(source, target, fixed)):
        if (added := seconds(moment)) != pieces[-1][1]:
            pieces.append((moment, added))
    return pieces


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise OperationalError(
            f"There is no time zone {name!r}. Use a zoneinfo.ZoneInfo, or a datetime.timezone "
            "without a name."
        ) from error


def _candidates(source: ZoneInfo, target: ZoneInfo, fixed: timedelta) -> set[datetime]:
    """Return every moment on the stored clock at which the shift may change, and some others."""
    changes = [*_changes(source), *_changes(target)]
    offsets = {_offset(FIRST, source)} | {offset for _, offset in _changes(source)}
    return {moment + offset - fixed for moment, _ in changes for offset in offsets}


@lru_cache(maxsize=64)
def _changes(zone: ZoneInfo) -> list[tuple[datetime, timedelta]]:
    """Return the moments (UTC) at which the zone's offset changes, each with the new offset."""
    return list(_find_changes(zone))


def _find_changes(zone: ZoneInfo) -> Iterator[tuple[datetime, timedelta]]:
    moment, offset = FIRST, _offset(FIRST, zone)
    while moment < LAST:
        before, moment = moment, moment + STEP
        if _offset(moment, zone) != offset:
            after = moment
            while after - before > SECOND:
                middle = before + (after - before) // SECOND // 2 * SECOND
                if _offset(middle, zone) == offset:
                    before = middle
                else:
                    after = middle
            offset = _offset(after, zone)
            yield after, offset


def _offset(moment: datetime, zone: tzinfo) -> timedelta:
    return moment.replace(tzinfo=UTC).astimezone(zone).utcoffset() or timedelta()


def _tree(pieces: list[tuple[datetime, int]]) -> str:
    """Return a tree of cases: about ten comparisons for Europe, where one list would need 260."""
    if len(pieces) == 1:
        return str(pieces[0][1])
    size = -(-len(pieces) // BRANCHES)
    starts = range(0, len(pieces), size)
    *earlier, last = [_tree(pieces[start : start + size]) for start in starts]
    cases = "".join(
        f" WHEN {{x}}<'{_shortened(pieces[start][0])}' THEN {tree}"
        for start, tree in zip(starts[1:], earlier, strict=True)
    )
    return f"CASE{cases} ELSE {last} END"


def _shortened(moment: datetime) -> str:
    """Return the shortest text that no earlier moment follows in the order of texts."""
    return str(moment).removesuffix(":00").removesuffix(":00").removesuffix(" 00")
