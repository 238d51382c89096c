"""CompactionSession: the SDK's compaction, which tells the session inside which run it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agents import OpenAIResponsesCompactionSession

from agent_sessions.recording import running

if TYPE_CHECKING:
    from agents import RunContextWrapper, TResponseInputItem


class CompactionSession(OpenAIResponsesCompactionSession):
    """The SDK's OpenAIResponsesCompactionSession, around a DjangoSession that records the run.

        session = CompactionSession("conversation-1", DjangoSession("conversation-1"))

    The SDK's class does not name `wrapper` in its methods, so the Runner does not hand it the
    run's context, and what a step cost stays unknown to the session inside. It can go once that
    class names it and passes it on.
    """

    # What the class of the SDK asks of the session inside it asks without a context, here and
    # there in its methods, so the context goes around them.

    async def get_items(
        self, limit: int | None = None, *, wrapper: RunContextWrapper[Any] | None = None
    ) -> list[TResponseInputItem]:
        """Return the newest `limit` items of the session inside."""
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
