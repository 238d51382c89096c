"""The operations of the SDK's Session protocol: read, append, pop and clear."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db import IntegrityError

from agent_sessions import known_sessions
from agent_sessions.arguments import checked_limit
from agent_sessions.concurrency import in_database_thread
from agent_sessions.exceptions import SessionDeletedError
from agent_sessions.items import Item
from agent_sessions.items.codec import encode_all
from agent_sessions.models.message import readable
from agent_sessions.models.operations.base import Operations
from agent_sessions.signals import items_added, session_cleared
from agent_sessions.usage.steps import Step


class ItemOperations(Operations):
    """The items of a session, read and written."""

    def items(self, session_id: str, limit: int | None = None, *, user: Any = None) -> list[Item]:
        """Return the newest `limit` items, oldest first; all if `limit` is None or negative.

        Rows that are not JSON are logged, left in place and not counted.
        """
        limit = checked_limit(limit)
        if limit is None or limit < 0:
            return [*readable(self._newest(session_id, user))][::-1]
        newest_first: list[Item] = []
        window, before = limit, None
        while len(newest_first) < limit:  # for 0 items nothing is read or checked
            rows = self._newest(session_id, user, window, before)
            newest_first += readable(rows)
            if len(rows) < window:
                break
            # Some rows were unreadable: look further back, in growing steps, for there may be many.
            window, before = window * 2, rows[-1][0]
        return newest_first[:limit][::-1]

    def items_until(
        self,
        session_id: str,
        is_enough: Callable[[list[Item]], bool],
        *,
        window: int,
        user: Any = None,
    ) -> list[Item]:
        """Return as many of the newest items, oldest first, as `is_enough` asks for, or all.

        `window` is the number of rows to read first. Unreadable rows are skipped, see items().
        """
        newest_first: list[Item] = []
        before = None
        while True:
            rows = self._newest(session_id, user, window, before)
            newest_first += readable(rows)
            items = newest_first[::-1]
            if len(rows) < window or is_enough(items):
                return items
            # In growing steps, so that a long session takes a few statements.
            window, before = window * 4, rows[-1][0]

    def append(
        self,
        session_id: str,
        items: Iterable[Any],
        *,
        user: Any = None,
        step: Step | None = None,
        must_exist: bool = False,
    ) -> None:
        """Add `items` at the end, all or none, creating the session if it is new.

        `step` has the run that stores them, the agent that spoke, and the cost.
        Raises ItemError, before anything is written, if one of them is not JSON. With
        `must_exist`, raises SessionDeletedError instead of creating the session.
        """
        encoded = encode_all(items)
        if not encoded:
            return
        try:
            with self._writing(session_id):
                (self._lock_unread if must_exist else self._lock_or_create)(session_id, user)
                agent_name = step.agent_name if step else ""
                self._insert_messages(session_id, encoded, user, agent_name, must_exist=must_exist)
                if step and step.tokens:
                    self._insert_usage(session_id, step)
        except IntegrityError as error:
            self.refuse_others(session_id, user=user)
            if must_exist:
                raise SessionDeletedError(session_id) from error
            raise
        self._announce(items_added, session_id, count=len(encoded))

    def pop(self, session_id: str, *, user: Any = None) -> Item | None:
        """Remove the newest item and return it, or None if there is none.

        Only one caller gets an item. As in the SDK's SQLiteSession, newer rows that are not JSON
        are removed as well; the log names them. Purged messages stay.
        """
        with self._writing(session_id):
            if not self._lock_if_exists(session_id, user):
                return None
            while rows := self._newest(session_id, user=None, window=1):
                claimed, _ = self._messages(session_id).filter(pk=rows[0][0]).delete()
                # The SDK's own sessions take no lock, and may have been faster.
                for item in readable(rows if claimed else []):
                    return item  # not next(..., None): an item may be None
        return None

    def clear(self, session_id: str, *, user: Any = None) -> None:
        """Delete the session with all its messages, if there is one."""
        with self._writing(session_id):
            exists = self._lock_if_exists(session_id, user)
            if exists:
                self.filter(pk=session_id).delete()
        # The run that clears its session may store items in it again.
        known_sessions.forget(self.key(session_id))
        if exists:
            self._announce(session_cleared, session_id)

    async def aitems(
        self, session_id: str, limit: int | None = None, *, user: Any = None
    ) -> list[Item]:
        """See items()."""
        return await in_database_thread(lambda: self.items(session_id, limit, user=user))

    async def aitems_until(
        self,
        session_id: str,
        is_enough: Callable[[list[Item]], bool],
        *,
        window: int,
        user: Any = None,
    ) -> list[Item]:
        """See items_until()."""
        return await in_database_thread(
            lambda: self.items_until(session_id, is_enough, window=window, user=user)
        )

    async def aappend(
        self,
        session_id: str,
        items: Iterable[Any],
        *,
        user: Any = None,
        step: Step | None = None,
        must_exist: bool = False,
    ) -> None:
        """See append()."""
        await in_database_thread(
            lambda: self.append(session_id, items, user=user, step=step, must_exist=must_exist)
        )

    async def apop(self, session_id: str, *, user: Any = None) -> Item | None:
        """See pop()."""
        return await in_database_thread(lambda: self.pop(session_id, user=user))

    async def aclear(self, session_id: str, *, user: Any = None) -> None:
        """See clear()."""
        await in_database_thread(lambda: self.clear(session_id, user=user))
