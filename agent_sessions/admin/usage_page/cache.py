"""Numbers that took long to count, kept in Django's cache for the next request."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from datetime import datetime
from math import ceil
from typing import Any, Generic, NamedTuple, TypeVar

from django.core.cache import cache
from django.core.exceptions import EmptyResultSet
from django.db.models import QuerySet
from django.utils import timezone

from agent_sessions import __version__
from agent_sessions.conf import conf
from agent_sessions.models import Session

SLOW_SECONDS = 0.2
"""Numbers that take less time to count are not kept."""

KEPT_TIMES = 600
"""Numbers are kept this many times as long as their count took, up to MOST_KEPT_SECONDS."""

MOST_KEPT_SECONDS = 3_600

T = TypeVar("T")


class Counted(NamedTuple, Generic[T]):
    """A value and the time of its count; `is_kept` if it came from the cache."""

    value: T
    at: datetime
    is_kept: bool = False


def counted(
    sessions: QuerySet[Session], *facts: Any, count: Callable[[], T], is_new: bool = False
) -> Counted[T]:
    """Return a kept count of sessions, or count.

    A count is kept for everybody who may see the same sessions: the key contains their SQL, the
    time zone, the prices and all of `facts`. Later changes show up in the next count, which
    `is_new` forces.
    """
    key = _key(sessions, facts)
    if not is_new and (kept := cache.get(key)) is not None:
        value, at = kept
        return Counted(value, at, is_kept=True)
    began, at = time.monotonic(), timezone.now()
    value = count()
    seconds = time.monotonic() - began
    if seconds > SLOW_SECONDS:
        cache.set(key, (value, at), ceil(min(seconds * KEPT_TIMES, MOST_KEPT_SECONDS)))
    elif is_new:
        cache.delete(key)
    return Counted(value, at)


def _key(sessions: QuerySet[Session], facts: tuple[Any, ...]) -> str:
    try:
        sql: Any = sessions.query.get_compiler(sessions.db).as_sql()
    except EmptyResultSet:
        sql = None
    # The version, because another release may not be able to unpickle the entry.
    parts = (
        __version__,
        sessions.db,
        sql,
        timezone.get_current_timezone_name(),
        conf.prices,
        facts,
    )
    return f"agent_sessions.usage_page.{hashlib.sha256(repr(parts).encode()).hexdigest()}"
