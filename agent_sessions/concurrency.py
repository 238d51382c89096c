"""The ORM in async code: the thread it runs in, and the connections it opens there."""

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
    """Run `operation` in the thread in which the caller uses the ORM, unless that thread waits."""
    if _is_orm_thread_waiting():
        return await sync_to_async(_closing(operation), thread_sensitive=False)()
    return await sync_to_async(_releasing(operation))()


async def release_connections() -> None:
    """Release the idle database connections of the code that awaits this.

        await release_connections()
        result = await Runner.run(agent, message, session=session)

    A run takes seconds, during which the connection that `await request.auser()` or a query has
    opened would stay open. Connections of a pool return to it, others are closed, and the next
    query opens one again. A connection inside a transaction stays open, as in atomic() and
    TestCase, and so do connections to SQLite, and others for the time of CONN_MAX_AGE.

    Do not call this while iterating over a query, whose remaining rows would be lost.
    """
    # Each thread has its connections, and async code runs in another thread than its queries:
    # sync_to_async(connection.close)() would look up the event loop's connection, and fail.
    await in_database_thread(release_connections_sync)


def release_connections_sync() -> None:
    """See release_connections(). Sync code calls this before Runner.run_sync()."""
    for connection in _open_connections():
        if connection.autocommit and not connection.in_atomic_block:
            _release(connection)


def _is_orm_thread_waiting() -> bool:
    """Tell whether this event loop was started in the thread that would run the ORM.

    Runner.run_sync() in a sync view under ASGI does that: the view runs in the only thread of its
    executor, and waits there for the loop. asgiref stores in that thread the loop that the thread
    works for, see SyncToAsync.threadlocal.
    """
    employer = getattr(SyncToAsync.threadlocal, "main_event_loop", None)
    return employer not in (None, asyncio.get_running_loop()) and employer.is_running()


def _closing(operation: Callable[[], T]) -> Callable[[], T]:
    """Close all connections after `operation`, in a thread that Django does not clean up."""

    def operate() -> T:
        try:
            return operation()
        finally:
            connections.close_all()

    return operate


def _releasing(operation: Callable[[], T]) -> Callable[[], T]:
    """Release the connections that `operation` opens to a database server.

    Django would keep them until the request ends. A streamed answer takes as long as the model
    talks, so a pool of four would serve only four conversations. A connection that was open before
    belongs to the caller, with its cursors, locks and settings; see release_connections().
    """

    def operate() -> T:
        before = _open_connections()
        try:
            return operation()
        finally:
            for connection in _open_connections() - before:
                _release(connection)

    return operate


def _release(connection: BaseDatabaseWrapper) -> None:
    """Close a connection, or return it to its pool, unless CONN_MAX_AGE keeps it.

    A connection to SQLite is an open file, and takes longer to open than to use. A connection to
    Turso occupies nothing on the server.
    """
    if connection.vendor != "sqlite":
        connection.close_if_unusable_or_obsolete()


def _open_connections() -> set[BaseDatabaseWrapper]:
    """Return the open connections of this thread."""
    every = connections.all(initialized_only=True)
    return {connection for connection in every if connection.connection is not None}


async def settled(operation: Coroutine[Any, Any, T]) -> T:
    """Wait for a write to end even if the caller is cancelled, and cancel only then.

    The writing thread cannot be stopped. If the cancellation came first, nobody would know whether
    the items are stored, and the SDK would store them twice or never.
    """
    task = asyncio.ensure_future(operation)
    cancellation: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancellation = cancellation or error
    if cancellation is not None:
        task.exception()  # retrieved, so that asyncio does not log it as lost
        raise cancellation
    return task.result()
