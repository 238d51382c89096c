"""What the steps of runs cost: a row for each step, and their sums."""

from __future__ import annotations

from typing import NamedTuple

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from agent_sessions.items import NAME_LENGTH

RUN_ID_LENGTH = 32


class Tokens(NamedTuple):
    """Requests to a model and their tokens; None is unknown, which is not 0.

    Cached tokens are part of the input, reasoning tokens of the output, as the SDK counts them.
    """

    requests: int | None = None
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    total_tokens: int | None = None


NOTHING = Tokens(0, 0, 0, 0, 0, 0)


class Step(NamedTuple):
    """What a running SDK knows of the batch of items that it stores.

    `tokens` is None where nothing was asked of a model: the step has no row in Usage.
    """

    agent_name: str = ""
    run_id: str = ""
    trace_id: str = ""
    tokens: Tokens | None = None


class Response(NamedTuple):
    """What only a run's result knows of a model's response."""

    response_id: str
    tokens: Tokens


class Outcome(NamedTuple):
    """What a run's result adds to its steps.

    `responses` are the run's, oldest first; `models` names the model of each agent, where it is
    known. `unrecorded` is what was spent after the last step was stored, as by a run that failed.
    """

    run_id: str
    responses: list[Response]
    models: dict[str, str]
    unrecorded: Step | None = None


class UsageQuerySet(models.QuerySet["Usage"]):
    """Rows of usage, and their sums."""


class Usage(models.Model):
    """What one step of a run cost.

    The SDK's own sessions delete sessions and messages and know nothing of this table, so no
    constraint of the database stands in their way: a row may outlive its message.
    """

    session = models.ForeignKey(
        "agent_sessions.Session",
        verbose_name=_("session"),
        on_delete=models.CASCADE,
        db_constraint=False,
        related_name="usage",
    )
    message = models.ForeignKey(
        "agent_sessions.Message",
        verbose_name=_("last message of the step"),
        # Ids are never given twice, and a turn is a range of them: what a deleted message cost
        # still counts where it stood.
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
    trace_id = models.CharField(_("trace"), max_length=NAME_LENGTH, blank=True, default="")
    response_id = models.CharField(_("response"), max_length=NAME_LENGTH, blank=True, default="")

    objects = UsageQuerySet.as_manager()

    class Meta:
        db_table = "agent_usage"
        verbose_name = _("usage of a step")
        verbose_name_plural = _("usage")

    def __str__(self) -> str:
        return f"{self.agent_name or 'step'} {self.pk}"

    def complete(self, response: Response, outcome: Outcome) -> None:
        """Take over what the response of this step says, without saving it."""
        self.response_id = response.response_id
        if self.total_tokens is None:
            for name, value in response.tokens._asdict().items():
                setattr(self, name, value)
        # With more than one request, agents used as tools have a part in it, with models of theirs.
        if self.requests == 1:
            self.model = outcome.models.get(self.agent_name, "")
