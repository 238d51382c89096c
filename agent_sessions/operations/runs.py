"""What is known of the runs of a session: their cost, and who spoke last."""

from __future__ import annotations

from typing import Any

from django.db import models

from agent_sessions.operations.base import Operations
from agent_sessions.steps import NOTHING, Outcome, Tokens
from agent_sessions.threads import in_database_thread
from agent_sessions.usage import Usage


class RunOperations(Operations):
    """The steps of runs, looked up and completed."""

    def recorded(self, session_id: str, trace_id: str, *, user: Any = None) -> tuple[str, Tokens]:
        """Return the newest run of a trace and what was recorded of it; "" if there is none."""
        usage = Usage.objects.using(self.db).filter(session_id=session_id, trace_id=trace_id)
        if user is not None:
            usage = usage.filter(session__user=user)
        runs = usage.exclude(run_id="").values("run_id").annotate(newest=models.Max("pk"))
        sums = [models.Sum(name, default=0) for name in Tokens._fields]
        for run_id, *tokens in runs.order_by("-newest").values_list("run_id", *sums)[:1]:
            return run_id, Tokens(*tokens)
        return "", NOTHING

    def record_run(self, session_id: str, outcome: Outcome, *, user: Any = None) -> None:
        """Add to the steps of a run what its result knows, and store what no step has stored."""
        with self._writing():
            if not self._hold(session_id, user):
                return
            if outcome.unrecorded and outcome.unrecorded.tokens:
                self._insert_usage(session_id, outcome.unrecorded, outcome.unrecorded.tokens)
            usage = Usage.objects.using(self.db).filter(session_id=session_id)
            steps = usage.filter(run_id=outcome.run_id).order_by("-pk")[: len(outcome.responses)]
            # Both end with the newest; a run that was resumed elsewhere has more responses.
            rows = list(steps)
            for row, response in zip(rows, reversed(outcome.responses), strict=False):
                row.complete(response, outcome)
            usage.bulk_update(rows, ["response_id", "model", *Tokens._fields])

    def last_agent_name(self, session_id: str, *, user: Any = None) -> str:
        """Name the agent that spoke last, as recorded; "" if none is known to have."""
        owner = self._checked(user)
        spoken = self._messages(session_id).exclude(agent_name="").order_by("-pk")
        if owner is not None:
            spoken = spoken.filter(session__user=owner)
        name = spoken.values_list("agent_name", flat=True).first()
        if name is None:
            self.refuse_others(session_id, owner)
        return name or ""

    async def arecorded(
        self, session_id: str, trace_id: str, *, user: Any = None
    ) -> tuple[str, Tokens]:
        """See recorded()."""
        return await in_database_thread(lambda: self.recorded(session_id, trace_id, user=user))

    async def arecord_run(self, session_id: str, outcome: Outcome, *, user: Any = None) -> None:
        """See record_run()."""
        await in_database_thread(lambda: self.record_run(session_id, outcome, user=user))

    async def alast_agent_name(self, session_id: str, *, user: Any = None) -> str:
        """See last_agent_name()."""
        return await in_database_thread(lambda: self.last_agent_name(session_id, user=user))
