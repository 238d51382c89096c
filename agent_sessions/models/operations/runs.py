"""The steps that runs have recorded: found again, and completed by a run's result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import connections, models
from django.db.models.functions import Cast

from agent_sessions.concurrency import in_database_thread
from agent_sessions.models.operations.base import Operations
from agent_sessions.models.usage import Usage
from agent_sessions.models.usage_sums import UsageQuerySet
from agent_sessions.usage.outcomes import Outcome, Response
from agent_sessions.usage.steps import Tokens, plus

RUNS = 100  # how many runs of a trace are looked at


class RecordedRuns(NamedTuple):
    """The runs that have recorded steps under a trace.

    `in_session` are the (run id, tokens) of one session's runs, newest first. `total` is the sum
    of all runs under the trace: agents used as tools may have sessions of their own.
    """

    in_session: list[tuple[str, Tokens]]
    total: Tokens


class RunOperations(Operations):
    """The steps of runs."""

    def recorded(self, session_id: str, trace_id: str) -> RecordedRuns | None:
        """Return what runs have recorded under a trace so far, or None if nothing."""
        self._for_write = True  # a replica may not have the newest step yet
        usage = Usage.objects.using(self.db).filter(trace_id=trace_id).exclude(run_id="")
        sums = [models.Sum(name, default=0) for name in Tokens._fields]
        runs = usage.values("session_id", "run_id").annotate(newest=models.Max("pk"))
        rows = runs.order_by("-newest").values_list("session_id", "run_id", *sums)[:RUNS]
        found = [(session, run_id, Tokens(*tokens)) for session, run_id, *tokens in rows]
        if not found:
            return None
        in_session = [(run_id, tokens) for pk, run_id, tokens in found if pk == session_id]
        return RecordedRuns(in_session, plus(*(tokens for _, _, tokens in found)))

    def record_run(self, session_id: str, outcome: Outcome, *, user: Any = None) -> bool:
        """Add to the steps of a run what its result knows, and store what no step has stored.

        Returns whether the session exists. Nobody but the run writes to its steps, so no lock is
        held: a chat does this after every answer.
        """
        owner = self._checked_owner(user)
        self._for_write = True
        usage = Usage.objects.using(self.db).filter(session_id=session_id)
        mine = usage if owner is None else usage.filter(session__user=owner)
        steps = list(_steps_of(outcome, mine).order_by("-pk"))
        if not steps and not self._exists(session_id, owner):
            return False
        responses = outcome.responses[::-1]
        for step in steps:
            if responses and _may_be_step_of(responses[0], step):
                _complete(step, responses.pop(0), outcome)
        if steps:
            _save(steps, usage)
        if outcome.unrecorded.tokens:
            # It belongs behind the run's newest step, even if others have written since.
            newest = steps[0].message_id if steps else None
            self._insert_usage(session_id, outcome.unrecorded, newest)
        return True

    async def arecorded(self, session_id: str, trace_id: str) -> RecordedRuns | None:
        """See recorded()."""
        return await in_database_thread(lambda: self.recorded(session_id, trace_id))

    async def arecord_run(self, session_id: str, outcome: Outcome, *, user: Any = None) -> bool:
        """See record_run()."""
        return await in_database_thread(lambda: self.record_run(session_id, outcome, user=user))

    def _exists(self, session_id: str, owner: Any) -> bool:
        self.refuse_others(session_id, user=owner)
        return self.filter(pk=session_id).exists()


def _steps_of(outcome: Outcome, usage: UsageQuerySet) -> UsageQuerySet:
    """Return the steps of a run that has ended, from the usage of its session.

    A run has no id if the session was used through a class of the project that does not pass on
    `wrapper`. Then they are the steps of the run's trace, or without tracing all steps, that have
    no tokens yet.
    """
    if outcome.run_id:
        return usage.filter(run_id=outcome.run_id)
    ids = [response.response_id for response in outcome.responses]
    if usage.exclude(response_id="").filter(response_id__in=ids).exists():
        return usage.none()  # recorded before
    unknown = usage.filter(run_id="", total_tokens=None, response_id="")
    trace_id = outcome.unrecorded.trace_id
    return unknown.filter(trace_id=trace_id) if trace_id else unknown


def _may_be_step_of(response: Response, step: Usage) -> bool:
    """Tell by the tokens whether this may be the step of a response.

    Not every step has a response: the request may have failed. A step of several requests has the
    tokens of agents used as tools as well.
    """
    if None in (step.total_tokens, response.tokens.total_tokens):
        return True
    stored, reported = step.total_tokens or 0, response.tokens.total_tokens or 0
    return stored == reported if step.requests == 1 else stored >= reported


def _complete(step: Usage, response: Response, outcome: Outcome) -> None:
    """Set the fields that the step's response knows, without saving them."""
    step.response_id = response.response_id
    if not step.run_id:  # with a run id, the tokens were recorded
        for name, value in response.tokens._asdict().items():
            setattr(step, name, value)
    # Of several requests, some are those of agents used as tools, which have other models.
    if step.requests == 1:
        step.model = outcome.models.get(step.agent_name, "")


def _save(steps: Sequence[Usage], usage: UsageQuerySet) -> None:
    """Store what _complete() has changed, in one statement.

    bulk_update() opens a transaction, which on Turso is another request over HTTP.
    """
    names = ("response_id", "model", *Tokens._fields)
    fields = [field for field in Usage._meta.concrete_fields if field.name in names]
    needs_cast = connections[usage.db].features.requires_casted_case_in_updates
    values = {field.name: _value_by_step(field, steps, needs_cast) for field in fields}
    usage.filter(pk__in=[step.pk for step in steps]).update(**values)


def _value_by_step(field: models.Field[Any, Any], steps: Sequence[Usage], needs_cast: bool) -> Any:
    whens = (
        models.When(pk=step.pk, then=models.Value(getattr(step, field.name))) for step in steps
    )
    value = models.Case(*whens, output_field=field)
    # As in bulk_update(): PostgreSQL takes a CASE for text if all its values are NULL.
    return Cast(value, output_field=field) if needs_cast else value
