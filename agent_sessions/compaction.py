"""CompactionSession: the SDK's compaction, which tells the session inside which run it is."""

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

    The SDK's class does not name `wrapper` in its methods, so the Runner does not hand it the
    run's context, and what a step cost stays unknown to the session inside. It can go once that
    class names it and passes it on.
    """

    # The SDK's class calls the session inside without a context, in several places of each method,
    # so the context goes around them.

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

    # Compaction by hand replaces all that is stored, so it has to read all, whatever limit the
    # session inside has for runs. DjangoSession sees to that itself; EncryptedSession, inside or
    # around, asks for no more than the limit. Both names are private to the SDK, and everything
    # else works without them.

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
