"""Throwing away what was said, and keeping that it was and what it cost."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from agent_sessions.concurrency import in_database_thread
from agent_sessions.items.codec import UnreadableItemError, decode
from agent_sessions.items.columns import Columns, columns
from agent_sessions.items.kinds import OUTPUTS
from agent_sessions.models.message import PURGED, WITHOUT_COLUMNS, Message
from agent_sessions.models.operations.base import Operations
from agent_sessions.signals import session_purged

BATCH = 50  # messages whose items are held in memory at once

# Results of tools that were stored before there was a column for their failures, among others.
_MAY_HAVE_FAILED = Q(tool_failed=None) & (
    Q(kind__endswith="_output") | (Q(kind__endswith="_call") & ~Q(kind__in=OUTPUTS))
)


class PurgeOperations(Operations):
    """Sessions that lose their content."""

    def purge(self, session_id: str, *, user: Any = None) -> int:
        """Empty all messages of a session and its title, and return how many messages they were.

        The messages stay with their times, kinds, tools, call ids, agents and whether a tool
        failed, and so does what they cost: numbers and turns are as before. Rows that the SDK wrote
        get their columns from their items first. A purged message is no item any more: nobody
        reads, pops or replaces it, and it goes with its session only. New items can be added
        behind it.

        The metadata stays, because it may say which tenant a session is of: what it holds of the
        content is the project's to clear. Forks are sessions of their own and keep their copies.
        Nothing happens if there is no such session. The database's files and backups may keep what
        was overwritten for a while.
        """
        with self._writing(session_id):
            is_there = self._hold(session_id, user, is_activity=False)
            if is_there:
                self._fill_columns(session_id)
                count = self._unpurged(session_id).update(message_data=PURGED)
                self.filter(pk=session_id).update(title="")
        if not is_there:
            return 0
        self._announce(session_purged, session_id, count=count)
        return count

    async def apurge(self, session_id: str, *, user: Any = None) -> int:
        """See purge()."""
        return await in_database_thread(lambda: self.purge(session_id, user=user))

    def _fill_columns(self, session_id: str) -> None:
        """Read the columns that are not known from the items, while there are any."""
        unknown = WITHOUT_COLUMNS | _MAY_HAVE_FAILED
        blank = self._unpurged(session_id).filter(unknown).order_by("pk")
        after = 0
        while rows := list(blank.filter(pk__gt=after).only("message_data")[:BATCH]):
            filled = [row for row in rows if _fill(row)]
            Message.objects.using(self.db).bulk_update(filled, Columns._fields)
            after = rows[-1].pk


def _fill(message: Message) -> bool:
    """Set the columns of a message, and say whether its item has any."""
    try:
        found = columns(decode(message.message_data))
    except UnreadableItemError:
        return False
    for name, value in found._asdict().items():
        setattr(message, name, value)
    return any(found)
