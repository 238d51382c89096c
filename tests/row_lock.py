"""A lock on a session's row, held by another connection."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from agent_sessions import Session


@contextmanager
def locked(session_id: str) -> Iterator[Callable[[], None]]:
    """Lock the session's row from another thread, until the yielded callable is called."""
    holding, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Session.objects.filter(pk=session_id).update(title="held")
            holding.set()
            let_go.wait(10)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    holding.wait(10)
    try:
        yield let_go.set
    finally:
        let_go.set()
        holder.join()
