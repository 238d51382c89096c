"""Signals about sessions, sent after COMMIT.

    @receiver(items_added)
    def index(sender, session_id, count, using, **kwargs): ...

The sender is Session. Every signal has the id of the session and the alias of the database as
`session_id` and `using`. Receivers run in the thread that wrote. If one raises, Django logs it
(logger django.dispatch), and neither the write nor the other receivers are affected.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.dispatch import Signal

items_added = Signal()
"""`count` items are new at the end of `session_id`."""

session_cleared = Signal()
"""All items of `session_id` were deleted; after replace_items(), items_added follows."""

session_purged = Signal()
"""The title and the items of `count` messages of `session_id` were purged."""

session_forked = Signal()
"""`session_id` was created as a copy of `parent_id`."""

content_viewed = Signal()
"""`user` has read content of `session_id` in the admin, on the page `view`."""


def send_after_commit(signal: Signal, sender: type, *, using: str, **facts: Any) -> None:
    """Send `signal` when the transaction on `using` is committed.

    Call it after the atomic() block of the write. If that was the outermost block, the signal is
    sent at once; otherwise when the outer transaction commits. Inside the block receivers would run
    before the block ends, and on Turso inside its pipeline, where an error in a receiver's
    statement would fail the write.
    """
    if signal.has_listeners(sender):
        transaction.on_commit(lambda: signal.send_robust(sender, using=using, **facts), using=using)
