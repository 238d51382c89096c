"""Sums of usage in SQL, by session, user, agent, model and day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models.functions import TruncMinute
from django.utils import timezone

from agent_sessions.concurrency import in_database_thread
from agent_sessions.usage.steps import Tokens
from agent_sessions.usage.totals import Group, UsageTotal, group_of, totals

if TYPE_CHECKING:
    from agent_sessions.models.usage import Usage  # noqa: F401  # in the string that types the class

TOKENS_ARE_KNOWN = models.Q(
    **{f"{name}__isnull": False for name in Tokens._fields if name != "requests"}
)
"""The condition of rows that know all their tokens. Requests are counted even if tokens are not."""

_IS_KNOWN = models.Case(
    models.When(TOKENS_ARE_KNOWN, then=models.Value(True)), default=models.Value(False)
)


class UsageQuerySet(models.QuerySet["Usage"]):
    """Steps, and their sums, each in one statement and after any filter.

        Usage.objects.filter(session__user=user, created_at__gte=monday).total()
        Usage.objects.by("agent", "day")

    Costs are in the currency of AGENT_SESSIONS_PRICES.
    """

    def total(self) -> UsageTotal:
        """Return the sums of all rows."""
        return totals(self.groups()).get((), UsageTotal())

    def by(self, *keys: str) -> dict[Any, UsageTotal]:
        """Return the sums for each value of a key, or for each tuple of values of several.

        Keys are "session" (its id), "user" (the owner's primary key, None without one), "agent",
        "model" (both "" if unknown) and "day" (a date in the current time zone). The dict is sorted
        by them, None last. Raises ValueError for another key, or without a key.
        """
        expressions = self._expressions()
        if not keys or not expressions.keys() >= {*keys}:
            known, given = (", ".join(map(repr, names)) for names in (expressions, keys))
            raise ValueError(f"by() takes one or more of {known}, not {given or 'none'}.")
        groups = self.groups(**{key: expressions[key] for key in keys})
        found = totals(group._replace(key=_local(keys, group.key)) for group in groups)
        ordered = sorted(found, key=lambda values: [(value is None, value) for value in values])
        return {key if len(keys) > 1 else key[0]: found[key] for key in ordered}

    def groups(self, **keys: Any) -> Iterator[Group]:
        """Sum rows by the values of expressions, and by model, because each has its prices."""
        named = {f"by_{name}": expression for name, expression in keys.items()}
        grouped = self.order_by().values("model", is_known=_IS_KNOWN, **named)
        sums = {f"sum_{name}": models.Sum(name, default=0) for name in Tokens._fields}
        rows = grouped.annotate(steps=models.Count("pk"), **sums)
        for model, is_known, *values in rows.values_list(
            "model", "is_known", *named, "steps", *sums
        ):
            key, counts = tuple(values[: len(keys)]), tuple(values[len(keys) :])
            yield Group(key, model, is_known, counts)

    def by_message(self) -> Iterator[Group]:
        """Yield a group for each row, with the id of its step's last message as the key."""
        for key, model, *values in self.values_list("message_id", "model", *Tokens._fields):
            yield group_of(key, model, values)

    async def atotal(self) -> UsageTotal:
        """See total()."""
        return await in_database_thread(self.total)

    async def aby(self, *keys: str) -> dict[Any, UsageTotal]:
        """See by()."""
        return await in_database_thread(lambda: self.by(*keys))

    def _expressions(self) -> dict[str, Any]:
        # Not a join, which would leave out the cost of a session that the SDK has deleted.
        sessions = self.model._meta.get_field("session").related_model._base_manager
        owner = sessions.filter(pk=models.OuterRef("session_id")).values("user_id")
        return {
            "session": models.F("session_id"),
            "user": models.Subquery(owner),
            "agent": models.F("agent_name"),
            "model": models.F("model"),
            # Python converts minutes to days, because MariaDB has time zones only if their tables
            # were loaded. In no zone does a day begin within a minute.
            "day": TruncMinute("created_at", tzinfo=UTC if settings.USE_TZ else None),
        }


def day_of(moment: datetime) -> date:
    """Return the day of a moment in the current time zone."""
    return (timezone.localtime(moment) if timezone.is_aware(moment) else moment).date()


def _local(keys: tuple[str, ...], values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Replace the minute among the values by its day in the current time zone."""
    return tuple(
        day_of(value) if key == "day" else value for key, value in zip(keys, values, strict=True)
    )
