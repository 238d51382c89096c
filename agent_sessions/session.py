"""DjangoSession: the Agents SDK's Session protocol on the models.

The methods record what a run does, and wait for the operations of Session.objects, which check the
owner.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from agents import AgentBase, RunErrorDetails
from agents.memory import SessionSettings
from agents.memory.session_settings import coerce_session_settings, resolve_session_limit
from agents.result import RunResultBase

from agent_sessions import known_sessions, recording, run_results
from agent_sessions.arguments import checked_alias, checked_items, checked_limit, checked_owner
from agent_sessions.compaction_hooks import CompactionHooks
from agent_sessions.concurrency import settled
from agent_sessions.conf import conf
from agent_sessions.fields import checked_id
from agent_sessions.history import History, Limit, checked_history, part_for_a_run
from agent_sessions.items.columns import columns
from agent_sessions.items.pairing import Dangling, checked_dangling, healed
from agent_sessions.models import Session
from agent_sessions.models.operations import SessionQuerySet
from agent_sessions.turns.turns import ToolUse, Turn, Turns
from agent_sessions.usage.totals import UsageTotal

if TYPE_CHECKING:
    from agents import Agent, RunContextWrapper, TResponseInputItem


class DjangoSession(CompactionHooks):
    """A conversation in the Django database, for the Runner of the Agents SDK.

        session = DjangoSession("conversation-1", user=await request.auser())
        result = await Runner.run(agent, "Any concerts this weekend?", session=session)

    With `user` that user becomes the owner of a new session, and every method raises
    SessionOwnershipError before it returns or changes anything of a session that is not theirs,
    one without an owner included. Without `user` any session is opened: check elsewhere who asks.

    `using` is a database alias; by default the project's routers choose. `session_settings` limits
    how many items a run is given, as in the SDK's own sessions; with `pair_aware_limit` they stay
    valid. Without a limit `history` and `dangling` apply. See docs/history.md.

    A session holds no connection, lock or event loop, so one object may serve several runs, threads
    and event loops at once.

    The SDK asks third parties to implement its Session protocol without inheriting SessionABC, and
    passes a run's context only to sessions whose four methods all name `wrapper`. By default
    `dangling` and `pair_aware_limit` change nothing, as in the SDK's own sessions.
    """

    def __init__(
        self,
        session_id: str,
        *,
        user: Any = None,
        using: str | None = None,
        session_settings: SessionSettings | dict[str, Any] | None = None,
        history: History | None = None,
        dangling: Dangling = "keep",
        pair_aware_limit: bool = False,
    ) -> None:
        self.session_id = checked_id(session_id)
        self.user = checked_owner(user)
        self.using = checked_alias(using)
        self.history = checked_history(history)
        self.dangling = checked_dangling(dangling)
        self.pair_aware_limit = pair_aware_limit
        self.session_settings = (
            # The project's limit applies to sessions without a limit of their own.
            SessionSettings(limit=conf.history_limit if history is None else None)
            if session_settings is None
            else coerce_session_settings(session_settings)
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.session_id!r})"

    async def get_items(
        self, limit: int | None = None, *, wrapper: RunContextWrapper[Any] | None = None
    ) -> list[TResponseInputItem]:
        """Return the newest `limit` items, oldest first.

        If no limit is passed, that of `session_settings` applies; without one, `history` and
        `dangling` decide, and by default all items are returned. A negative limit means all. Rows
        that are not JSON are skipped, logged and left in place.
        """
        recording.notice(wrapper)
        memory = known_sessions.enter(recording.current_wrapper(wrapper))
        limit = resolve_session_limit(checked_limit(limit), self.session_settings)
        if limit is None and isinstance(self.history, Limit):
            items = await self._sessions.aitems_until(
                self.session_id, self.history.is_enough, window=self.history.window, user=self.user
            )
        else:
            items = await self._sessions.aitems(self.session_id, limit, user=self.user)
        if memory and items:
            memory.learn(self._key)
        if limit is None:
            # A run's history. The SDK compares without a limit only if the server has the history.
            return part_for_a_run(items, self.history, self.dangling)
        # Drop the halves of pairs that the limit has cut. Closing would add items beyond the limit.
        return healed(items) if self._may_leave_out(limit, wrapper) else items

    def _may_leave_out(self, limit: int, wrapper: RunContextWrapper[Any] | None) -> bool:
        """Tell whether a run reads its history, for which fewer than `limit` items will do.

        Otherwise a limit is exact. A run that resumes or retries compares the newest items with
        those it stored, and the SDK's session classes take fewer items than they asked for as all.
        """
        return self.pair_aware_limit and limit > 0 and recording.is_beginning(wrapper)

    async def add_items(
        self, items: list[TResponseInputItem], *, wrapper: RunContextWrapper[Any] | None = None
    ) -> None:
        """Add `items` at the end, all or none, in one transaction.

        Raises ItemError if one of them is not JSON, and SessionDeletedError if somebody else
        deleted the session during the run.
        """
        # Before settled(), which makes a task: a context variable set there would be unknown to a
        # tool that clears the session later.
        memory = known_sessions.enter(recording.current_wrapper(wrapper))
        await settled(self._add(items, wrapper, memory))

    async def _add(
        self,
        items: list[TResponseInputItem],
        wrapper: RunContextWrapper[Any] | None,
        memory: known_sessions.RunMemory | None,
    ) -> None:
        batch = [*checked_items(items)]  # iterated over twice
        must_exist = memory is not None and memory.knows(self._key) and self._goes_on(memory, batch)
        # Without the owner's check, which aappend() does: it reads ids of runs and numbers only.
        find_runs = partial(self._sessions.arecorded, self.session_id)
        async with recording.step(wrapper, batch, find_runs) as step:
            await self._sessions.aappend(
                self.session_id, batch, user=self.user, step=step, must_exist=must_exist
            )
        if memory and batch:
            memory.learn(self._key)

    def _goes_on(self, memory: known_sessions.RunMemory, batch: list[TResponseInputItem]) -> bool:
        """Tell whether a batch continues a run, and is not the input with which it begins."""
        return memory.is_nested or not recording.is_input(map(columns, batch))

    async def pop_item(
        self, *, wrapper: RunContextWrapper[Any] | None = None
    ) -> TResponseInputItem | None:
        """Remove the newest item and return it, or None if there is none."""
        return await settled(self._sessions.apop(self.session_id, user=self.user))

    async def clear_session(self, *, wrapper: RunContextWrapper[Any] | None = None) -> None:
        """Delete the session with all its items."""
        known_sessions.enter(recording.current_wrapper(wrapper))  # for forget() in clear()
        await settled(self._sessions.aclear(self.session_id, user=self.user))

    async def replace_items(self, items: list[TResponseInputItem]) -> None:
        """Replace all items of the session with `items`, all or none. A missing one is created."""
        await settled(self._sessions.areplace(self.session_id, items, user=self.user))

    async def record_run(self, result: RunResultBase | RunErrorDetails | None) -> None:
        """Add what only a run's result knows to the run's steps: model names, response ids.

        For a failed run, pass `error.run_data` (None if the run never began): what it spent after
        its last step becomes a step as well. A model that a RunConfig chose is not in
        the result; the agent's model is recorded. Calling this again changes nothing.
        """
        await settled(self._record(result))

    async def _record(self, result: RunResultBase | RunErrorDetails | None) -> None:
        if not isinstance(result, RunResultBase | RunErrorDetails | None):
            raise TypeError(
                f"record_run() got a {type(result).__name__}. Pass the result of a run, or "
                "error.run_data of an exception that ended it."
            )
        if result is None or not conf.recording:
            return
        with suppress(run_results.NotStoredError), run_results.outcome(result) as outcome:
            sessions, user = self._sessions, self.user
            if not await sessions.arecord_run(self.session_id, outcome, user=user):
                # The session is gone: outcome() puts back what it took.
                raise run_results.NotStoredError

    async def last_agent_name(self) -> str:
        """Return the name of the agent that spoke last, or "" if none was recorded."""
        return await self._sessions.alast_agent_name(self.session_id, user=self.user)

    async def pick_agent(self, agents: Sequence[Agent[Any]]) -> Agent[Any]:
        """Return the agent of `agents` that spoke last, or the first.

        A conversation that was handed to another agent continues with that one:

            agent = await session.pick_agent([triage, bookings, refunds])
            result = await Runner.run(agent, message, session=session)

        Raises ValueError if the list is empty, or two agents have the same name.
        """
        for agent in agents:
            if not isinstance(agent, AgentBase):
                raise TypeError(
                    f"pick_agent() got a {type(agent).__name__}. Pass a list of agents."
                )
        by_name = {agent.name: agent for agent in agents}
        if len(by_name) < max(1, len(agents)):
            raise ValueError("pick_agent() needs at least one agent, with different names.")
        return by_name.get(await self.last_agent_name(), agents[0])

    # Reports, under the names of the SDK's AdvancedSQLiteSession.

    async def get_conversation_turns(self, limit: int | None = None) -> list[Turn]:
        """Return the newest `limit` turns, oldest first; all if `limit` is None or negative."""
        return await self._turns.anewest(limit)

    async def get_turn_items(self, number: int) -> list[TResponseInputItem]:
        """Return the items of a turn; none if there is no such turn."""
        return await self._turns.aitems(number)

    async def find_turns_by_content(self, words: str) -> list[Turn]:
        """Return the turns whose user message contains `words`, ignoring case."""
        return await self._turns.acontaining(words)

    async def get_tool_usage(self) -> list[ToolUse]:
        """Return how often each tool was called in each turn, sorted by turn and name."""
        return await self._turns.atool_usage()

    async def get_session_usage(self) -> UsageTotal:
        """Return the recorded cost of the whole session."""
        return await self._turns.asession_usage()

    async def get_turn_usage(self, number: int) -> UsageTotal:
        """Return the recorded cost of a turn."""
        return (await self.get_usage_by_turn()).get(number, UsageTotal())

    async def get_usage_by_turn(self) -> dict[int, UsageTotal]:
        """Return the cost of each turn for which something was recorded."""
        return await self._turns.ausage()

    @property
    def _turns(self) -> Turns:
        return Turns(self.session_id, user=self.user, using=self.using)

    @property
    def _key(self) -> known_sessions.Key:
        return self._sessions.key(self.session_id)

    @property
    def _sessions(self) -> SessionQuerySet:
        return Session.objects.using(self.using)
