"""The difference between the clocks of two time zones, as SQL (pure).

SQLite has no time zones, so the SQL contains Python's: a tree of comparisons over all moments at
which the difference changes. Amsterdam's summer time of 2026, in a database that stores UTC:

    CASE WHEN {x}<'2026-03-29 01' THEN 3600 WHEN {x}<'2026-10-25 01' THEN 7200 ELSE 3600 END
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import OperationalError
from django.db.backends.utils import split_tzname_delta

# Every zone begins with local mean time, whose end is after FIRST. The offset at LAST is used for
# all later moments: nobody knows the rules of 2101, and each century would add 7 KB to the SQL,
# which has 10 KB for Europe/Berlin.
FIRST = datetime(1800, 1, 1)
LAST = datetime(2101, 1, 1)
# No zone of the tz database has changed its offset twice in less than 16 days.
STEP = timedelta(days=7)
SECOND = timedelta(seconds=1)
# A server's parser has a stack of 100 (the default of lemon, vendored/sqlite3-parser/third_party/
# lemon/lemon.c of https://github.com/tursodatabase/libsql): a tree must be flat, because it may be
# deep within a query.
BRANCHES = 7


@lru_cache(maxsize=256)
def shift(zone: str, stored_in: str) -> str | None:
    """Return the seconds to add to a stored moment for the clocks of `zone`.

    They are a formula over the moment `{x}`, or None if there is nothing to add. Zones are named
    as in Django, "Europe/Amsterdam" or "UTC+05:30". Raises OperationalError, as Django's SQLite
    backend does, for a name that is not in the tz database.
    """
    if zone == stored_in:
        return None
    pieces = _pieces(zone, ZoneInfo(stored_in))
    if pieces == [(FIRST, 0)]:
        return None
    return _tree(pieces)


def _pieces(zone: str, source: ZoneInfo) -> list[tuple[datetime, int]]:
    """Return pairs: from this moment on the stored clock, this many seconds are added."""
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
    """Return all moments on the stored clock at which the shift may change, with some others."""
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
            change = _change_between(before, moment, zone)
            offset = _offset(change, zone)
            yield change, offset


def _change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the second in which the offset changes, which it does once, by bisection."""
    offset = _offset(before, zone)
    while after - before > SECOND:
        middle = before + (after - before) // SECOND // 2 * SECOND
        if _offset(middle, zone) == offset:
            before = middle
        else:
            after = middle
    return after


def _offset(moment: datetime, zone: tzinfo) -> timedelta:
    return moment.replace(tzinfo=UTC).astimezone(zone).utcoffset() or timedelta()


def _tree(pieces: list[tuple[datetime, int]]) -> str:
    """Return nested cases: about ten comparisons for Europe, where a flat list would need 260."""
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
    """Return the shortest text that sorts after all earlier moments and not after `moment`."""
    return str(moment).removesuffix(":00").removesuffix(":00").removesuffix(" 00")
