"""What a project is told of its sessions, once it is committed.

    @receiver(items_added)
    def index(sender, session_id, count, using, **kwargs): ...

The sender is Session. Every signal names the session by its id and the database by its alias.
Receivers run in the thread that wrote, after COMMIT. One that raises is logged by Django (logger
django.dispatch): it harms neither the write nor the other receivers.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.dispatch import Signal

items_added = Signal()
"""`count` items are new at the end of `session_id`."""

session_cleared = Signal()
"""All items of `session_id` are gone; after replace_items(), items_added follows."""

session_purged = Signal()
"""`count` messages of `session_id` have lost their items, and it its title; their numbers stay."""

session_forked = Signal()
"""`session_id` is new, and began as a copy of `parent_id`."""

content_viewed = Signal()
"""`user` has read content of `session_id` in the admin; `view` says on which page of it."""


def send_after_commit(signal: Signal, sender: type, *, using: str, **facts: Any) -> None:
    """Send `signal` when what was written to `using` is committed; nothing if nobody listens.

    Call it after the block of atomic() in which was written. If that was the outermost, it has
    committed and the signal is sent at once; otherwise the transaction around it has to commit
    first. Inside the block receivers would run before it has ended, and on Turso before its
    pipeline has, where an error of a receiver's statement would become one of the write.
    """
    if signal.has_listeners(sender):
        transaction.on_commit(lambda: signal.send_robust(sender, using=using, **facts), using=using)
