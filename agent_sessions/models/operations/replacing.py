"""The operations for compaction: the end of a session, or all of it, is replaced by a summary."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import takewhile
from typing import Any, NamedTuple

from agent_sessions.concurrency import in_database_thread
from agent_sessions.exceptions import SessionDeletedError
from agent_sessions.items import Item
from agent_sessions.items.codec import UnreadableItemError, decode, encode_all
from agent_sessions.models.operations.base import Operations
from agent_sessions.signals import items_added, session_cleared


class Tail(NamedTuple):
    """The newest messages of a session when they were read, oldest first."""

    rows: list[tuple[int, str]]  # (id, text)
    items: list[Item]
    is_whole: bool  # there were no older messages


class _TailChangedError(Exception):
    """Rolls back a replacement: the session no longer ends with what was read."""


class ReplaceOperations(Operations):
    """The items of a session, replaced by others."""

    def tail(self, session_id: str, length: int, *, user: Any = None) -> Tail:
        """Return the newest `length` messages, and whether there are no others.

        Raises UnreadableItemError if one of them is not JSON.
        """
        newest = self._newest(session_id, user, length + 1)
        rows = newest[:length][::-1]
        return Tail(rows, [decode(text) for _, text in rows], len(newest) <= length)

    def replace_tail(
        self,
        session_id: str,
        tail: Tail,
        start: int,
        items: Iterable[Any],
        *,
        prune: Callable[[Item], bool] | None = None,
        user: Any = None,
    ) -> bool:
        """Replace `tail` from position `start` on by `items`, if the session still ends with it.

        Returns whether it did; if not, nothing is changed. The oldest messages are deleted too, up
        to the first that is not JSON or for which `prune` is false.
        Raises ItemError, before anything is written, if one of the items is not JSON.
        """
        encoded, rows = encode_all(items), tail.rows[start:]
        if not rows:
            return False
        try:
            with self._writing(session_id):
                if not self._lock_if_exists(session_id, user):
                    raise _TailChangedError
                agent_name = self.last_agent_name(session_id)
                self._delete_tail(session_id, rows)
                if prune:
                    self._prune(session_id, prune, before=rows[0][0], batch=len(tail.rows))
                # A summary keeps the name of the agent that spoke last.
                self._insert_messages(session_id, encoded, agent_name=agent_name)
        except _TailChangedError:
            return False
        if encoded:
            self._announce(items_added, session_id, count=len(encoded))
        return True

    def replace(
        self,
        session_id: str,
        items: Iterable[Any],
        *,
        user: Any = None,
        must_exist: bool = False,
    ) -> None:
        """Replace all items of the session by `items`, creating the session if it is new.

        Purged messages stay. Raises ItemError, before anything is written, if one of the items is
        not JSON. With `must_exist`, raises SessionDeletedError instead of creating the session.
        """
        encoded = encode_all(items)
        with self._writing(session_id):
            if not must_exist:
                self._lock_or_create(session_id, user)
                self.refuse_others(session_id, user=user)
            elif not self._lock_if_exists(session_id, user):
                raise SessionDeletedError(session_id)
            agent_name = self.last_agent_name(session_id)
            self._unpurged(session_id).delete()
            # A summary by compaction keeps the name of the agent that spoke last.
            self._insert_messages(session_id, encoded, agent_name=agent_name)
        self._announce(session_cleared, session_id)
        if encoded:
            self._announce(items_added, session_id, count=len(encoded))

    async def atail(self, session_id: str, length: int, *, user: Any = None) -> Tail:
        """See tail()."""
        return await in_database_thread(lambda: self.tail(session_id, length, user=user))

    async def areplace_tail(
        self,
        session_id: str,
        tail: Tail,
        start: int,
        items: Iterable[Any],
        *,
        prune: Callable[[Item], bool] | None = None,
        user: Any = None,
    ) -> bool:
        """See replace_tail()."""
        return await in_database_thread(
            lambda: self.replace_tail(session_id, tail, start, items, prune=prune, user=user)
        )

    async def areplace(
        self,
        session_id: str,
        items: Iterable[Any],
        *,
        user: Any = None,
        must_exist: bool = False,
    ) -> None:
        """See replace()."""
        await in_database_thread(
            lambda: self.replace(session_id, items, user=user, must_exist=must_exist)
        )

    def _delete_tail(self, session_id: str, rows: list[tuple[int, str]]) -> None:
        """Delete the newest messages if they are `rows`; raise _TailChangedError if not."""
        if self._newest(session_id, user=None, window=len(rows))[::-1] != rows:
            raise _TailChangedError
        tail = self._unpurged(session_id).filter(pk__gte=rows[0][0], pk__lte=rows[-1][0])
        deleted, _ = tail.delete()
        # The SDK's own sessions take no lock, and may have written in between.
        if deleted != len(rows):
            raise _TailChangedError

    def _prune(
        self, session_id: str, prune: Callable[[Item], bool], *, before: int, batch: int
    ) -> None:
        """Delete the oldest messages while `prune` is true, reading `batch` at a time."""
        older = self._unpurged(session_id).filter(pk__lt=before).order_by("pk")
        while rows := list(older.values_list("pk", "message_data")[:batch]):
            pruned = [*takewhile(lambda row: _is_readable_and(prune, row[1]), rows)]
            if pruned:
                older.filter(pk__lte=pruned[-1][0]).delete()
            if len(pruned) < batch:
                break


def _is_readable_and(condition: Callable[[Item], bool], text: str) -> bool:
    try:
        return condition(decode(text))
    except UnreadableItemError:
        return False
