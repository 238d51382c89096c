"""The cost of runs: a row for each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from django.db import connections, models
from django.db.models.functions import Cast, Now
from django.utils.translation import gettext_lazy as _

from agent_sessions.items.columns import NAME_LENGTH
from agent_sessions.models.deletion import OwnedForeignKey, delete_with_session
from agent_sessions.models.usage_sums import UsageSums
from agent_sessions.usage.steps import Outcome, Response, Tokens

RUN_ID_LENGTH = 32


class UsageQuerySet(UsageSums):
    """The steps of runs, found and completed by a run's result. UsageSums adds them up."""

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

    def _value_by_row(self, field: models.Field[Any, Any], rows: Sequence[Usage]) -> Any:
        whens = (
            models.When(pk=row.pk, then=models.Value(getattr(row, field.name))) for row in rows
        )
        value = models.Case(*whens, output_field=field)
        if not connections[self.db].features.requires_casted_case_in_updates:
            return value
        # PostgreSQL assumes text for a CASE with no value but NULL.
        return Cast(value, output_field=field)


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
