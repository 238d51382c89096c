"""How many sessions are in which part of the usage, counted by one statement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

from django.db.models import Count, Value
from django.db.models.expressions import Combinable

from agent_sessions.models.usage_sums import UsageQuerySet

SessionCounts: TypeAlias = Counter[tuple[int, Any]]
"""Numbers of sessions by bucket and name."""


class Slice(NamedTuple):
    """Rows of usage, and the expressions for the bucket and the name that each row belongs to."""

    usage: UsageQuerySet
    bucket: Combinable = Value(0)
    name: Combinable = Value(0)


def count_sessions(**parts: Iterable[Slice]) -> dict[str, SessionCounts]:
    """Count the sessions of several parts, each for its buckets and names.

    A session counts once for each bucket and name. The slices of one part must have no sessions in
    common, because their counts are added up.
    """
    labels = [*parts]
    first, *rest = (
        one.usage.order_by()
        .values(part=Value(number), bucket=one.bucket, name=one.name)
        .annotate(sessions=Count("session_id", distinct=True))
        .values_list("part", "bucket", "name", "sessions")
        for number, slices in enumerate(parts.values())
        for one in slices
    )
    counts: dict[str, SessionCounts] = {label: Counter() for label in labels}
    for part, bucket, name, sessions in first.union(*rest, all=True) if rest else first:
        counts[labels[part]][bucket, name] += sessions
    return counts
