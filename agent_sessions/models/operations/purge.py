"""Redaction: a session loses its content and keeps its numbers."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from agent_sessions.concurrency import in_database_thread
from agent_sessions.items.codec import UnreadableItemError, decode
from agent_sessions.items.columns import Columns, columns
from agent_sessions.items.kinds import OUTPUT_OF
from agent_sessions.models.message import PURGED, WITHOUT_COLUMNS, Message
from agent_sessions.models.operations.base import Operations
from agent_sessions.signals import session_purged

BATCH = 50  # messages whose items are held in memory at once

# Includes results of tools that were stored before the column tool_failed existed.
_MAY_HAVE_FAILED = Q(tool_failed=None) & (
    Q(kind__endswith="_output") | (Q(kind__endswith="_call") & ~Q(kind__in=OUTPUT_OF))
)


class PurgeOperations(Operations):
    """Purging, which other systems call redaction."""

    def purge(self, session_id: str, *, user: Any = None) -> int:
        """Empty the title and all messages of a session, and return the number of messages.

        The messages keep their times and columns, and the session its costs, so all numbers stay
        the same; columns that are blank because the SDK wrote the row are derived from its item
        first. A purged message is not an item: nothing reads, pops or replaces it, and only
        deleting the session deletes it. New items can be added after it.

        The metadata stays, because it may say which tenant owns a session; clear it yourself if it
        has content. Forks are separate sessions and keep their copies. A session that does not
        exist is left alone. Files and backups of the database may keep the old content for a while.
        """
        with self._writing(session_id):
            exists = self._lock_if_exists(session_id, user, is_activity=False)
            if exists:
                self._fill_columns(session_id)
                count = self._unpurged(session_id).update(message_data=PURGED)
                self.filter(pk=session_id).update(title="")
        if not exists:
            return 0
        self._announce(session_purged, session_id, count=count)
        return count

    async def apurge(self, session_id: str, *, user: Any = None) -> int:
        """See purge()."""
        return await in_database_thread(lambda: self.purge(session_id, user=user))

    def _fill_columns(self, session_id: str) -> None:
        """Derive unknown columns from the items, as long as there are items."""
        unknown = WITHOUT_COLUMNS | _MAY_HAVE_FAILED
        blank = self._unpurged(session_id).filter(unknown).order_by("pk")
        after = 0
        while rows := list(blank.filter(pk__gt=after).only("message_data")[:BATCH]):
            filled = [row for row in rows if _fill(row)]
            Message.objects.using(self.db).bulk_update(filled, Columns._fields)
            after = rows[-1].pk


def _fill(message: Message) -> bool:
    """Set the columns of a message, and return whether its item has any."""
    try:
        found = columns(decode(message.message_data))
    except UnreadableItemError:
        return False
    for name, value in found._asdict().items():
        setattr(message, name, value)
    return any(found)
