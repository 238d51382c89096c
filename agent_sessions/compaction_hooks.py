"""The methods that the SDK's compaction looks for on a session, under names private to the SDK.

With them a summary replaces items in one transaction, and only if nobody has written in between.
Without them compaction works as well, in several steps.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from agents.memory import SessionSettings

from agent_sessions.concurrency import settled
from agent_sessions.history import History
from agent_sessions.items.codec import UnreadableItemError
from agent_sessions.items.pairing import Dangling, healed
from agent_sessions.models.operations import SessionQuerySet

if TYPE_CHECKING:
    from agents import TResponseInputItem
    from agents.memory.session import _CompactionSnapshot

# Items, and whether they are known to be all.
Compactable: TypeAlias = "tuple[list[TResponseInputItem], bool]"


class CompactionHooks(ABC):
    """A base of DjangoSession, which has the attributes that these methods use."""

    session_id: str
    user: Any
    history: History | None
    dangling: Dangling
    session_settings: SessionSettings | None

    @property
    @abstractmethod
    def _sessions(self) -> SessionQuerySet: ...

    @abstractmethod
    async def get_items(self, limit: int | None = None) -> list[TResponseInputItem]: ...

    async def _atomic_replace_items(self, items: list[TResponseInputItem]) -> bool:
        """Replace all items. The SDK looks this name up on the type."""
        if self._may_transform_items():
            return False
        await settled(
            self._sessions.areplace(self.session_id, items, user=self.user, must_exist=True)
        )
        return True

    def _may_transform_items(self) -> bool:
        """Tell whether this is a subclass of DjangoSession, which may change what is stored."""
        return CompactionHooks not in type(self).__bases__

    @property
    def _read_compaction_items(self) -> Callable[..., Awaitable[Compactable]] | None:
        """The function with which compaction by hand reads the history that it replaces.

        The SDK looks this name up on the object. If get_items() returns everything anyway, it is
        None, and the SDK keeps a cache of what it has read.
        """
        is_limited = self.session_settings is not None and self.session_settings.limit is not None
        return self._read_whole if is_limited or self.history is not None else None

    async def _read_whole(self, limit: int | None) -> Compactable:
        """Return the newest `limit` items, or all, and whether there are no older ones."""
        if limit is None:
            return healed(await self.get_items(-1), self.dangling), False
        items = await self.get_items(limit)
        return items, len(items) < limit

    async def _get_compaction_snapshot(
        self, limit: int, *, prune_prefix: Callable[[TResponseInputItem], bool] | None = None
    ) -> _CompactionSnapshot | None:
        """Return the newest `limit` items, whose end compaction may replace.

        None selects the SDK's slower way: for a subclass, if an item is not JSON, or if this
        version of the SDK has no snapshots.
        """
        try:
            # Private to the SDK, which may move it.
            from agents.memory.session import _CompactionSnapshot
        except ImportError:
            return None
        if self._may_transform_items():
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
