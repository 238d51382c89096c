"""The cost of runs: a row for each step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any, Self

from django.conf import settings
from django.db import connections, models
from django.db.models.functions import Cast, Now, TruncMinute
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from agent_sessions.concurrency import in_database_thread
from agent_sessions.items.columns import NAME_LENGTH
from agent_sessions.models.deletion import OwnedForeignKey, delete_with_session
from agent_sessions.usage.steps import Outcome, Response, Tokens
from agent_sessions.usage.totals import Group, UsageTotal, group_of, totals

RUN_ID_LENGTH = 32


class UsageQuerySet(models.QuerySet["Usage"]):
    """Steps, and their sums, each in one statement and after any filter.

        Usage.objects.filter(session__user=user, created_at__gte=monday).total()
        Usage.objects.by("agent", "day")

    Costs are in the currency of AGENT_SESSIONS_PRICES.
    """

    def of(self, outcome: Outcome) -> Self:
        """Return the steps of a run that has ended.

        Without a run id, as in a session class that does not pass the run's context on, they are
        the steps of the run's trace that have no tokens yet.
        """
        if outcome.run_id:
            return self.filter(run_id=outcome.run_id)
        ids = [response.response_id for response in outcome.responses]
        if self.exclude(response_id="").filter(response_id__in=ids).exists():
            return self.none()
        unknown = self.filter(run_id="", total_tokens=None, response_id="")
        trace_id = outcome.unrecorded.trace_id
        return unknown.filter(trace_id=trace_id) if trace_id else unknown

    def save_completed(self, rows: Sequence[Usage]) -> None:
        """Store what complete() has changed, in one statement.

        bulk_update() opens a transaction, which on Turso is another request.
        """
        names = ("response_id", "model", *Tokens._fields)
        fields = [field for field in self.model._meta.concrete_fields if field.name in names]
        values = {field.name: self._value_by_row(field, rows) for field in fields}
        self.filter(pk__in=[row.pk for row in rows]).update(**values)

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

    def _value_by_row(self, field: models.Field[Any, Any], rows: Sequence[Usage]) -> Any:
        whens = (
            models.When(pk=row.pk, then=models.Value(getattr(row, field.name))) for row in rows
        )
        value = models.Case(*whens, output_field=field)
        if not connections[self.db].features.requires_casted_case_in_updates:
            return value
        # PostgreSQL takes a CASE of which all values are NULL for text.
        return Cast(value, output_field=field)

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


TOKENS_ARE_KNOWN = models.Q(
    **{f"{name}__isnull": False for name in Tokens._fields if name != "requests"}
)
"""The condition of rows that know all their tokens. Requests are counted even if tokens are not."""

_IS_KNOWN = models.Case(
    models.When(TOKENS_ARE_KNOWN, then=models.Value(True)), default=models.Value(False)
)


def day_of(moment: datetime) -> date:
    """Return the day of a moment in the current time zone."""
    return (timezone.localtime(moment) if timezone.is_aware(moment) else moment).date()


def _local(keys: tuple[str, ...], values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Replace the minute among the values by its day in the current time zone."""
    return tuple(
        day_of(value) if key == "day" else value for key, value in zip(keys, values, strict=True)
    )


class Usage(models.Model):
    """The cost of one step of a run.

    Its foreign keys have no constraint in the database, because the SDK's own sessions delete
    sessions and messages without knowing this table: a row may outlive its message.
    """

    session = OwnedForeignKey(
        "agent_sessions.Session",
        verbose_name=_("session"),
        on_delete=delete_with_session,
        db_constraint=False,
        db_index=False,  # the index below begins with it
        related_name="usage",
    )
    message = models.ForeignKey(
        "agent_sessions.Message",
        verbose_name=_("last message of the step"),
        # Ids are never reused, and a turn is a range of ids: the cost of a deleted message still
        # counts for its turn.
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="usage",
    )
    created_at = models.DateTimeField(
        _("created at"), db_default=Now(), db_index=True, editable=False
    )
    agent_name = models.CharField(_("agent"), max_length=NAME_LENGTH, blank=True, default="")
    model = models.CharField(_("model"), max_length=NAME_LENGTH, blank=True, default="")
    requests = models.PositiveIntegerField(_("requests"), null=True)
    input_tokens = models.PositiveBigIntegerField(_("input tokens"), null=True)
    cached_tokens = models.PositiveBigIntegerField(_("cached input tokens"), null=True)
    output_tokens = models.PositiveBigIntegerField(_("output tokens"), null=True)
    reasoning_tokens = models.PositiveBigIntegerField(_("reasoning tokens"), null=True)
    total_tokens = models.PositiveBigIntegerField(_("total tokens"), null=True)
    run_id = models.CharField(_("run"), max_length=RUN_ID_LENGTH, blank=True, default="")
    trace_id = models.CharField(
        _("trace"), max_length=NAME_LENGTH, blank=True, default="", db_index=True
    )
    response_id = models.CharField(_("response"), max_length=NAME_LENGTH, blank=True, default="")

    objects = UsageQuerySet.as_manager()

    class Meta:
        db_table = "agent_usage"
        verbose_name = _("usage of a step")
        verbose_name_plural = _("usage")
        indexes = [models.Index(fields=["session", "message"], name="agent_usage_session")]

    def __str__(self) -> str:
        return f"{self.agent_name or 'step'} {self.pk}"

    def is_of(self, response: Response) -> bool:
        """Tell by the tokens whether this may be the step of a response.

        A step of several requests has the tokens of agents used as tools as well.
        """
        if None in (self.total_tokens, response.tokens.total_tokens):
            return True
        stored, reported = self.total_tokens or 0, response.tokens.total_tokens or 0
        return stored == reported if self.requests == 1 else stored >= reported

    def complete(self, response: Response, outcome: Outcome) -> None:
        """Set what the response of this step knows, without saving it."""
        self.response_id = response.response_id
        if not self.run_id:
            for name, value in response.tokens._asdict().items():
                setattr(self, name, value)
        # Of several requests, some are those of agents used as tools, which have other models.
        if self.requests == 1:
            self.model = outcome.models.get(self.agent_name, "")
