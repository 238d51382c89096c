"""DjangoSession: the Agents SDK's Session protocol on the models."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from agents.memory import SessionSettings
from agents.memory.session_settings import coerce_session_settings, resolve_session_limit

from agent_sessions.conf import conf
from agent_sessions.fields import checked_id
from agent_sessions.models import Session, SessionQuerySet, checked_owner

if TYPE_CHECKING:
    from agents import RunContextWrapper, TResponseInputItem

T = TypeVar("T")


class DjangoSession:
    """A conversation in the Django database, for the Runner of the Agents SDK.

        session = DjangoSession("conversation-1", user=await request.auser())
        result = await Runner.run(agent, "Any concerts this weekend?", session=session)

    With `user` that user becomes the owner of a new session, and every method raises
    SessionOwnershipError before it gives away or changes anything of a session that is not
    theirs, a session without an owner included.
    Without it any session is opened: check elsewhere who asks. `using` picks the database alias;
    otherwise the project's routers do. `session_settings` limits what a run is given, as with the
    SDK's own sessions.

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
    ) -> None:
        self.session_id = checked_id(session_id)
        self.user = checked_owner(user)
        self.using = using
        self.session_settings = (
            SessionSettings(limit=conf.history_limit)
            if session_settings is None
            else coerce_session_settings(session_settings)
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.session_id!r})"

    async def get_items(
        self, limit: int | None = None, *, wrapper: RunContextWrapper[Any] | None = None
    ) -> list[TResponseInputItem]:
        """Return the newest `limit` items, oldest first.

        None means the limit of `session_settings`, or all; so does a negative one. Rows that
        cannot be read are skipped, logged and left in place.
        """
        effective = resolve_session_limit(limit, self.session_settings)
        return await self._sessions.aitems(self.session_id, effective, user=self.user)

    async def add_items(
        self, items: list[TResponseInputItem], *, wrapper: RunContextWrapper[Any] | None = None
    ) -> None:
        """Add `items` at the end, all or none, in one transaction.

        Raises ItemError if one of them is not JSON.
        """
        await _settled(self._sessions.aappend(self.session_id, items, user=self.user))

    async def pop_item(
        self, *, wrapper: RunContextWrapper[Any] | None = None
    ) -> TResponseInputItem | None:
        """Remove the newest item and return it, or None if there is none."""
        return await _settled(self._sessions.apop(self.session_id, user=self.user))

    async def clear_session(self, *, wrapper: RunContextWrapper[Any] | None = None) -> None:
        """Delete the session with all its items."""
        await _settled(self._sessions.aclear(self.session_id, user=self.user))

    async def replace_items(self, items: list[TResponseInputItem]) -> None:
        """Put `items` in the place of all that the session held, all or none."""
        await _settled(self._sessions.areplace(self.session_id, items, user=self.user))

    async def _atomic_replace_items(self, items: list[TResponseInputItem]) -> bool:
        """Replace the history for the SDK's compaction, which looks this name up on the type.

        A subclass may transform what it stores, so it is left to the SDK's slower way.
        """
        if type(self) is not DjangoSession:
            return False
        await self.replace_items(items)
        return True

    @property
    def _sessions(self) -> SessionQuerySet:
        return Session.objects.using(self.using)


async def _settled(operation: Coroutine[Any, Any, T]) -> T:
    """Wait for a write that began, however often the caller is cancelled, then cancel.

    The thread that writes cannot be stopped. A caller that left at once would not know whether
    its items are stored, and the SDK would store them again or never.
    """
    task = asyncio.ensure_future(operation)
    cancellation: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancellation = cancellation or error
    if cancellation is not None:
        task.exception()  # looked at, so that asyncio does not report it as forgotten
        raise cancellation
    return task.result()
