"""Replacing the newest part of a session, if it is still what was read: what compaction needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import takewhile
from typing import Any, NamedTuple

from django.db import transaction

from agent_sessions.concurrency import in_database_thread
from agent_sessions.items import Item
from agent_sessions.items.codec import UnreadableItemError, decode, encode_all
from agent_sessions.models.operations.runs import RunOperations
from agent_sessions.signals import items_added


class Tail(NamedTuple):
    """The newest messages of a session as they were when they were read, oldest first."""

    rows: list[tuple[int, str]]  # (id, text)
    items: list[Item]
    is_whole: bool  # nothing older was there


class TailOperations(RunOperations):
    """The newest messages of a session, read and replaced."""

    def tail(self, session_id: str, length: int, *, user: Any = None) -> Tail:
        """Return the newest `length` messages, and whether they are all.

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
        """Put `items` in the place of `tail` from `start` on, if the session still ends with that.

        Return whether it did; if not, nothing has changed. The oldest messages go as well, for as
        long as `prune` holds of them: the first of which it does not, or that is not JSON, stays,
        and so does all that follows it.
        Raises ItemError, before anything is written, if one of the items is not JSON.
        """
        encoded, rows = encode_all(items), tail.rows[start:]
        if not rows:
            return False
        with self._writing(session_id):
            is_there = self._hold(session_id, user)
            agent_name = self.last_agent_name(session_id) if is_there else ""
            is_replaced = is_there and self._delete_tail(session_id, rows)
            if is_replaced and prune:
                self._prune(session_id, prune, before=rows[0][0], batch=len(tail.rows))
            if is_replaced:
                # Who spoke last is still known when what was said is a summary.
                self._insert_messages(session_id, encoded, agent_name=agent_name)
            else:
                # The lock was an UPDATE, and nothing has happened to the session.
                transaction.set_rollback(True, using=self.db)
        if is_replaced and encoded:
            self._announce(items_added, session_id, count=len(encoded))
        return is_replaced

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

    def _delete_tail(self, session_id: str, rows: list[tuple[int, str]]) -> bool:
        """Delete the newest messages if they are `rows`, and say whether they were."""
        if self._newest(session_id, user=None, window=len(rows))[::-1] != rows:
            return False
        # Somebody who locks no session, such as SQLAlchemySession, may have come in between.
        tail = self._unpurged(session_id).filter(pk__gte=rows[0][0], pk__lte=rows[-1][0])
        deleted, _ = tail.delete()
        return deleted == len(rows)

    def _prune(
        self, session_id: str, prune: Callable[[Item], bool], *, before: int, batch: int
    ) -> None:
        """Delete the oldest messages for as long as `prune` holds, looking at `batch` at once."""
        older = self._unpurged(session_id).filter(pk__lt=before).order_by("pk")
        while rows := list(older.values_list("pk", "message_data")[:batch]):
            pruned = [*takewhile(lambda row: _is_readable_and(prune, row[1]), rows)]
            if pruned:
                older.filter(pk__lte=pruned[-1][0]).delete()
            if len(pruned) < batch:
                break


def _is_readable_and(holds: Callable[[Item], bool], text: str) -> bool:
    """Tell whether `text` is JSON of which `holds` holds."""
    try:
        return holds(decode(text))
    except UnreadableItemError:
        return False
