"""What is known of the runs of a session: their cost, and who spoke last."""

from __future__ import annotations

from typing import Any

from django.db import models

from agent_sessions.concurrency import in_database_thread
from agent_sessions.models.operations.base import Operations
from agent_sessions.models.usage import Usage
from agent_sessions.usage.steps import Outcome, Tokens

RUNS = 100  # how many are looked at to find the one that goes on


class RunOperations(Operations):
    """The steps of runs, looked up and completed."""

    def recorded(self, session_id: str, trace_id: str) -> list[tuple[str, Tokens]]:
        """Return what runs of a session have recorded under a trace, newest first.

        Before them stands the sum of all that was recorded under it, also by agents that were used
        as tools and have sessions of their own.
        """
        self._for_write = True  # a replica may not know of the newest step
        usage = Usage.objects.using(self.db).filter(trace_id=trace_id).exclude(run_id="")
        sums = [models.Sum(name, default=0) for name in Tokens._fields]
        runs = usage.values("session_id", "run_id").annotate(newest=models.Max("pk"))
        rows = runs.order_by("-newest").values_list("session_id", "run_id", *sums)[:RUNS]
        found = [(session, run_id, Tokens(*tokens)) for session, run_id, *tokens in rows]
        own = [(run_id, tokens) for session, run_id, tokens in found if session == session_id]
        if not found:
            return []
        total = Tokens(*map(sum, zip(*(tokens for _, _, tokens in found), strict=True)))
        return [(own[0][0] if own else "", total), *own]

    def record_run(self, session_id: str, outcome: Outcome, *, user: Any = None) -> bool:
        """Add to the steps of a run what its result knows, and store what no step has stored.

        Return whether the session is there. Nobody but the run itself writes to its steps, so no
        lock is held: a chat does this after every answer.
        """
        owner = self._checked(user)
        self._for_write = True
        usage = Usage.objects.using(self.db).filter(session_id=session_id)
        mine = usage if owner is None else usage.filter(session__user=owner)
        rows = list(mine.of(outcome).order_by("-pk"))
        if not rows and not self._is_there(session_id, owner):
            return False
        responses = outcome.responses[::-1]
        for row in rows:
            if responses and row.is_of(responses[0]):
                row.complete(responses.pop(0), outcome)
        if rows:
            usage.save_completed(rows)
        if outcome.unrecorded.tokens:
            # It was spent after the run's newest step, whoever has written since.
            newest = rows[0].message_id if rows else None
            self._insert_usage(session_id, outcome.unrecorded, outcome.unrecorded.tokens, newest)
        return True

    def last_agent_name(self, session_id: str, *, user: Any = None) -> str:
        """Name the agent that spoke last, as recorded; "" if none is known to have."""
        owner = self._checked(user)
        spoken = self._messages(session_id).exclude(agent_name="").order_by("-pk")
        if owner is not None:
            spoken = spoken.filter(session__user=owner)
        name = spoken.values_list("agent_name", flat=True).first()
        if name is None:
            self.refuse_others(session_id, user=owner)
        return name or ""

    async def arecorded(self, session_id: str, trace_id: str) -> list[tuple[str, Tokens]]:
        """See recorded()."""
        return await in_database_thread(lambda: self.recorded(session_id, trace_id))

    async def arecord_run(self, session_id: str, outcome: Outcome, *, user: Any = None) -> bool:
        """See record_run()."""
        return await in_database_thread(lambda: self.record_run(session_id, outcome, user=user))

    async def alast_agent_name(self, session_id: str, *, user: Any = None) -> str:
        """See last_agent_name()."""
        return await in_database_thread(lambda: self.last_agent_name(session_id, user=user))

    def _is_there(self, session_id: str, owner: Any) -> bool:
        """Tell whether there is such a session, and refuse somebody else's."""
        self.refuse_others(session_id, user=owner)
        return self.filter(pk=session_id).exists()
