"""DjangoSession: the Agents SDK's Session protocol on the models."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from agents import AgentBase, RunErrorDetails
from agents.memory import SessionSettings
from agents.memory.session_settings import coerce_session_settings, resolve_session_limit
from agents.result import RunResultBase

from agent_sessions import known_sessions, recording
from agent_sessions.arguments import checked_alias, checked_items, checked_limit
from agent_sessions.concurrency import settled
from agent_sessions.conf import conf
from agent_sessions.fields import checked_id
from agent_sessions.history import (
    History,
    Limit,
    checked_history,
    part_for_a_run,
)
from agent_sessions.items.codec import UnreadableItemError
from agent_sessions.items.columns import columns
from agent_sessions.items.pairing import Dangling, checked_dangling, healed
from agent_sessions.models import Session
from agent_sessions.models.operations import SessionQuerySet
from agent_sessions.models.operations.base import checked_owner
from agent_sessions.turns.turns import ToolUse, Turn, Turns
from agent_sessions.usage.totals import UsageTotal

if TYPE_CHECKING:
    from agents import Agent, RunContextWrapper, TResponseInputItem
    from agents.memory.session import _CompactionSnapshot


# Items, and whether they are known to be all there are.
Compactable: TypeAlias = "tuple[list[TResponseInputItem], bool]"


class DjangoSession:
    """A conversation in the Django database, for the Runner of the Agents SDK.

        session = DjangoSession("conversation-1", user=await request.auser())
        result = await Runner.run(agent, "Any concerts this weekend?", session=session)

    With `user` that user becomes the owner of a new session, and every method raises
    SessionOwnershipError before it gives away or changes anything of a session that is not
    theirs, a session without an owner included.
    Without it any session is opened: check elsewhere who asks. `using` picks the database alias;
    otherwise the project's routers do. `session_settings` limits what a run is given, as with the
    SDK's own sessions; `history`, `dangling` and `pair_aware_limit` limit it so that it stays
    valid, see docs/history.md.

    Making one touches no database and needs no event loop. It holds no connection and no lock, so
    that one object serves several runs, threads and event loops at once.

    The SDK asks third parties to fit its Session protocol rather than to inherit SessionABC. It
    hands a run's context only to sessions all of whose four methods name `wrapper`.
    """

    session_settings: SessionSettings | None

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
            # The project's limit is for sessions that have none of their own.
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

        None means the limit of `session_settings`, or else what `history` and `dangling` say, or
        all; a negative one means all. Rows that cannot be read are skipped, logged and left in
        place.
        """
        recording.notice(wrapper)
        run = known_sessions.enter(recording.current_wrapper(wrapper))
        limit = resolve_session_limit(checked_limit(limit), self.session_settings)
        if limit is None and isinstance(self.history, Limit):
            items = await self._sessions.aitems_until(
                self.session_id, self.history.is_enough, window=self.history.window, user=self.user
            )
        else:
            items = await self._sessions.aitems(self.session_id, limit, user=self.user)
        if run and items:
            run.learn(self._key)
        if limit is None:
            return part_for_a_run(items, self.history, self.dangling)
        return healed(items) if self._may_leave_out(limit, wrapper) else items

    def _may_leave_out(self, limit: int, wrapper: RunContextWrapper[Any] | None) -> bool:
        """Tell whether a run asks for its history, so that fewer than `limit` items will do.

        Later in a run, and without one, a limit is exact: when it resumes or retries, the SDK
        compares the newest items with those that it stored, and its wrappers take fewer items
        than they asked for to be all there are.
        """
        return self.pair_aware_limit and limit > 0 and recording.is_beginning(wrapper)

    async def add_items(
        self, items: list[TResponseInputItem], *, wrapper: RunContextWrapper[Any] | None = None
    ) -> None:
        """Add `items` at the end, all or none, in one transaction.

        Raises ItemError if one of them is not JSON, and SessionDeletedError if somebody else has
        deleted the session while the run behind `wrapper` went on.
        """
        # settled() makes a task with a separate context. A tool that clears the session copies
        # the context of this one.
        run = known_sessions.enter(recording.current_wrapper(wrapper))
        await settled(self._add(items, wrapper, run))

    async def _add(
        self,
        items: list[TResponseInputItem],
        wrapper: RunContextWrapper[Any] | None,
        run: known_sessions.Run | None,
    ) -> None:
        batch = [*checked_items(items)]  # looked at twice, as an iterator cannot be
        must_exist = run is not None and run.knows(self._key) and self._goes_on(run, batch)
        recorded = partial(self._sessions.arecorded, self.session_id)
        async with recording.step(wrapper, batch, recorded) as step:
            await self._sessions.aappend(
                self.session_id, batch, user=self.user, step=step, must_exist=must_exist
            )
        if run and batch:
            run.learn(self._key)

    def _goes_on(self, run: known_sessions.Run, items: list[TResponseInputItem]) -> bool:
        """Tell whether a batch belongs to a conversation that has begun."""
        return run.is_nested or not recording.is_input(map(columns, items))

    async def pop_item(
        self, *, wrapper: RunContextWrapper[Any] | None = None
    ) -> TResponseInputItem | None:
        """Remove the newest item and return it, or None if there is none."""
        return await settled(self._sessions.apop(self.session_id, user=self.user))

    async def clear_session(self, *, wrapper: RunContextWrapper[Any] | None = None) -> None:
        """Delete the session with all its items."""
        await settled(self._sessions.aclear(self.session_id, user=self.user))

    async def replace_items(self, items: list[TResponseInputItem]) -> None:
        """Put `items` in the place of all that the session held, all or none."""
        await settled(self._sessions.areplace(self.session_id, items, user=self.user))

    async def record_run(self, result: RunResultBase | RunErrorDetails | None) -> None:
        """Add what only a run's result knows to its steps: model names, response ids.

        What the run spent after its last step, as one that failed, becomes a step as well: pass
        `error.run_data`, which is None for a run that did not begin. Agents keep the name of their
        model; one that a RunConfig chose instead is not known to the result. Calling it again
        changes nothing.
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
        with suppress(recording.NotStoredError), recording.outcome(result) as outcome:
            sessions, user = self._sessions, self.user
            if not await sessions.arecord_run(self.session_id, outcome, user=user):
                raise recording.NotStoredError

    async def last_agent_name(self) -> str:
        """Name the agent that spoke last, as recorded; "" if none is known to have."""
        return await self._sessions.alast_agent_name(self.session_id, user=self.user)

    async def pick_agent(self, agents: Sequence[Agent[Any]]) -> Agent[Any]:
        """Return the one of `agents` that spoke last, or the first of them.

        A conversation that was handed to another agent goes on with that one:

            agent = await session.pick_agent([triage, bookings, refunds])
            result = await Runner.run(agent, message, session=session)

        Raises ValueError if there are none to pick from, or two of one name.
        """
        for agent in agents:
            if not isinstance(agent, AgentBase):
                raise TypeError(
                    f"pick_agent() got a {type(agent).__name__}. Pass a list of agents."
                )
        by_name = {agent.name: agent for agent in agents}
        if len(by_name) < max(1, len(agents)):
            raise ValueError("pick_agent() needs at least one agent, and names that differ.")
        return by_name.get(await self.last_agent_name(), agents[0])

    async def _atomic_replace_items(self, items: list[TResponseInputItem]) -> bool:
        """Replace the history for the SDK's compaction, which looks this name up on the type.

        A subclass may transform what it stores, so it is left to the SDK's slower way.
        """
        if type(self) is not DjangoSession:
            return False
        await settled(
            self._sessions.areplace(self.session_id, items, user=self.user, must_exist=True)
        )
        return True

    @property
    def _read_compaction_items(self) -> Callable[..., Awaitable[Compactable]] | None:
        """Read for the SDK's compaction, which replaces the whole history by hand: all of it.

        It looks this name up on the object. None, where get_items() hides nothing, lets it keep a
        cache of what it has read.
        """
        is_limited = self.session_settings is not None and self.session_settings.limit is not None
        return self._read_whole if is_limited or self.history is not None else None

    async def _read_whole(self, limit: int | None) -> Compactable:
        """Return the newest `limit` items, or all, and whether nothing older is there."""
        if limit is None:
            return healed(await self.get_items(-1), self.dangling), False
        items = await self.get_items(limit)
        return items, len(items) < limit

    async def _get_compaction_snapshot(
        self, limit: int, *, prune_prefix: Callable[[TResponseInputItem], bool] | None = None
    ) -> _CompactionSnapshot | None:
        """Return the newest `limit` items, of which the SDK's compaction may replace the last.

        None leaves it to the SDK's slower way: for a subclass, as above, where one of the items
        cannot be read, and where the SDK has no snapshots.
        """
        try:
            # Private to the SDK, which may drop or move it; all else works without.
            from agents.memory.session import _CompactionSnapshot
        except ImportError:
            return None
        if type(self) is not DjangoSession:
            return None
        sessions, user = self._sessions, self.user
        try:
            tail = await sessions.atail(self.session_id, limit, user=user)
        except UnreadableItemError:
            return None

        async def replace_suffix(start: int, output: list[TResponseInputItem]) -> bool:
            return await settled(
                sessions.areplace_tail(
                    self.session_id, tail, start, output, prune=prune_prefix, user=user
                )
            )

        return _CompactionSnapshot(tail.items, tail.is_whole, replace_suffix)

    async def get_conversation_turns(self, limit: int | None = None) -> list[Turn]:
        """Return the newest `limit` turns, oldest first; all if `limit` is None or negative."""
        return await self._turns.anewest(limit)

    async def get_turn_items(self, number: int) -> list[TResponseInputItem]:
        """Return the items of a turn; none if there is no such turn."""
        return await self._turns.aitems(number)

    async def find_turns_by_content(self, words: str) -> list[Turn]:
        """Return the turns whose user message has `words` in its text, upper or lower case."""
        return await self._turns.acontaining(words)

    async def get_tool_usage(self) -> list[ToolUse]:
        """Return how often each tool was called in each turn, sorted by turn and name."""
        return await self._turns.atool_usage()

    async def get_session_usage(self) -> UsageTotal:
        """Return what the whole session cost, as far as it was recorded."""
        return await self._turns.asession_usage()

    async def get_turn_usage(self, number: int) -> UsageTotal:
        """Return what a turn cost, as far as it was recorded."""
        return (await self.get_usage_by_turn()).get(number, UsageTotal())

    async def get_usage_by_turn(self) -> dict[int, UsageTotal]:
        """Return what each turn cost of which something was recorded."""
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
