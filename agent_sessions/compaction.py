"""CompactionSession: the SDK's compaction, which passes the run on to the session inside."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from agents import OpenAIResponsesCompactionSession

from agent_sessions.recording import running
from agent_sessions.session import DjangoSession

if TYPE_CHECKING:
    from agents import RunContextWrapper, TResponseInputItem


# The SDK's own number for all items, which EncryptedSession takes as well.
EVERYTHING = 2_147_483_647

_is_compacting: ContextVar[bool] = ContextVar("agent_sessions.compaction", default=False)


class CompactionSession(OpenAIResponsesCompactionSession):
    """The SDK's OpenAIResponsesCompactionSession, around a DjangoSession that records the run.

        session = CompactionSession("conversation-1", DjangoSession("conversation-1"))

    The methods of the SDK's class have no parameter `wrapper`, so the Runner does not pass the
    run's context to it, and the session inside could not record costs. This class can go when the
    SDK's class has the parameter and passes it on.
    """

    # The SDK's methods call the session inside in several places, without the context. So it is
    # set around them.

    async def get_items(
        self, limit: int | None = None, *, wrapper: RunContextWrapper[Any] | None = None
    ) -> list[TResponseInputItem]:
        """Return the newest `limit` items of the session inside."""
        if limit is None and _is_compacting.get():
            limit = EVERYTHING
        with running(wrapper):
            return await super().get_items(limit)

    async def add_items(
        self, items: list[TResponseInputItem], *, wrapper: RunContextWrapper[Any] | None = None
    ) -> None:
        """Add `items` to the session inside."""
        with running(wrapper):
            await super().add_items(items)

    async def pop_item(
        self, *, wrapper: RunContextWrapper[Any] | None = None
    ) -> TResponseInputItem | None:
        """Remove the newest item of the session inside and return it."""
        with running(wrapper):
            return await super().pop_item()

    async def clear_session(self, *, wrapper: RunContextWrapper[Any] | None = None) -> None:
        """Delete the session inside."""
        with running(wrapper):
            await super().clear_session()

    # Compaction by hand replaces all items, so it has to read all, even if the session inside has a
    # limit for runs. DjangoSession does so by itself; EncryptedSession, inside or around, respects
    # the limit. Both names are private to the SDK, and nothing else depends on them.

    async def _run_compaction(self, *args: Any, **options: Any) -> None:
        token = _is_compacting.set(True)
        try:
            await super()._run_compaction(*args, **options)
        finally:
            _is_compacting.reset(token)

    async def _ensure_compaction_candidates(
        self, read_items: Any = None, *, limit: int | None = None
    ) -> Any:
        is_encrypted = not isinstance(self.underlying_session, DjangoSession) and hasattr(
            self.underlying_session, "_read_compaction_items"
        )
        if is_encrypted and read_items is None and limit is None:
            read_items = self._read_everything
        return await super()._ensure_compaction_candidates(read_items, limit=limit)

    async def _read_everything(self, limit: int | None) -> tuple[list[TResponseInputItem], bool]:
        return await self.underlying_session.get_items(EVERYTHING), False
