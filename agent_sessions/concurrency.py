"""From async code into a thread in which the ORM may work, and out without an open connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from asgiref.sync import SyncToAsync, sync_to_async
from django.db import connections

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

T = TypeVar("T")


async def in_database_thread(operation: Callable[[], T]) -> T:
    """Run `operation` in the thread in which the code around it uses the ORM, if that is free."""
    if _is_blocking_the_orm():
        return await sync_to_async(_closing(operation), thread_sensitive=False)()
    return await sync_to_async(_handing_back(operation))()


async def release_connections() -> None:
    """Release the idle database connections of the code that awaits this.

        await release_connections()
        result = await Runner.run(agent, message, session=session)

    A run takes seconds, and the connection that `await request.auser()` or a query of a view has
    opened would be held all the while. A connection of a pool goes back to its pool, others are
    closed, and the next query opens one again. A connection inside a transaction stays open, as in
    atomic() and TestCase, and so does one to SQLite, which no server has to keep. CONN_MAX_AGE
    keeps connections for its time.

    Call it where no query is being iterated: the rest of its rows goes with the connection.
    """
    # Django's connections are a thread's own, and async code runs in another thread than its
    # queries: sync_to_async(connection.close)() looks up the event loop's connection, and fails.
    await in_database_thread(release_connections_sync)


def release_connections_sync() -> None:
    """See release_connections(). Sync code calls this before Runner.run_sync()."""
    for connection in _open_connections():
        if connection.autocommit and not connection.in_atomic_block:
            _give_back(connection)


def _is_blocking_the_orm() -> bool:
    """Tell whether this event loop was started in the very thread that would run the ORM.

    Runner.run_sync() in a synchronous view under ASGI does that: the view's thread is the only
    one of its executor, and waits for the loop. asgiref notes in each such thread the loop that
    gave it its work.
    """
    employer = getattr(SyncToAsync.threadlocal, "main_event_loop", None)
    return employer not in (None, asyncio.get_running_loop()) and employer.is_running()


def _closing(operation: Callable[[], T]) -> Callable[[], T]:
    """Let `operation` close what it opened, in a thread that nobody tidies up."""

    def operate() -> T:
        try:
            return operation()
        finally:
            connections.close_all()

    return operate


def _handing_back(operation: Callable[[], T]) -> Callable[[], T]:
    """Let `operation` give back the connections that it opened to a database server.

    A request that streams an answer lives as long as the model talks, and Django would hold its
    connection all the while: a pool of four would serve four conversations and no fifth. A
    connection that was open before is the caller's, with its cursors, locks and settings:
    the caller decides, by release_connections().
    """

    def operate() -> T:
        before = _open_connections()
        try:
            return operation()
        finally:
            for connection in _open_connections() - before:
                _give_back(connection)

    return operate


def _give_back(connection: BaseDatabaseWrapper) -> None:
    """Close a connection, or return it to its pool, unless CONN_MAX_AGE keeps it.

    SQLite's is a file of this process, and takes longer to open than to use. A connection to Turso
    holds nothing on the server.
    """
    if connection.vendor != "sqlite":
        connection.close_if_unusable_or_obsolete()


def _open_connections() -> set[BaseDatabaseWrapper]:
    """Return this thread's connections that are open, opening none."""
    every = connections.all(initialized_only=True)
    return {connection for connection in every if connection.connection is not None}


async def settled(operation: Coroutine[Any, Any, T]) -> T:
    """Wait for a write that began, however often the caller is cancelled, then cancel.

    The thread that writes cannot be stopped. A caller that left at once would not know whether
    its items are stored, and the SDK would store them again or never.
    """
    task = asyncio.ensure_future(operation)
    cancellation: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancellation = cancellation or error
    if cancellation is not None:
        task.exception()  # looked at, so that asyncio does not report it as forgotten
        raise cancellation
    return task.result()
