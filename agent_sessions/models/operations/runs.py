"""The steps that runs have recorded: found again, and completed by a run's result."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.db import models

from agent_sessions.concurrency import in_database_thread
from agent_sessions.models.operations.base import Operations
from agent_sessions.models.usage import Usage
from agent_sessions.usage.steps import Outcome, Tokens, plus

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
        steps = list(mine.of(outcome).order_by("-pk"))
        if not steps and not self._exists(session_id, owner):
            return False
        responses = outcome.responses[::-1]
        for step in steps:
            if responses and step.is_of(responses[0]):
                step.complete(responses.pop(0), outcome)
        if steps:
            usage.save_completed(steps)
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
