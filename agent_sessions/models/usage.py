"""The cost of runs: a row for each step that asked a model."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from agent_sessions.items.columns import NAME_LENGTH
from agent_sessions.models.deletion import OwnedForeignKey, delete_with_session
from agent_sessions.models.usage_sums import UsageQuerySet

RUN_ID_LENGTH = 32  # of uuid4().hex


class Usage(models.Model):
    """The cost of one step of a run.

    A row outlives its message, because the money was spent, and is deleted with its session. The
    foreign keys have no constraint in the database, because the SDK's own sessions delete sessions
    and messages without knowing this table.
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
        null=True,  # the session had no messages yet
        related_name="usage",
    )
    created_at = models.DateTimeField(
        _("created at"), db_default=Now(), db_index=True, editable=False
    )
    agent_name = models.CharField(_("agent"), max_length=NAME_LENGTH, blank=True, default="")
    # record_run() fills the model and the response: only a run's result knows them.
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
