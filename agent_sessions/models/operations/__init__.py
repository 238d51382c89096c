"""The operations on a session, whose writes are atomic: the queryset behind Session.objects.

base.py locks a session and reads and inserts its rows; the other modules each add the operations
for one purpose. An operation is sync. Its async twin has an "a" before the name, and runs it in
Django's database thread (concurrency.py).

On Turso, a database over HTTP, each statement whose result is read is a request. So
operations use few statements, and avoid reading their results.
"""

from __future__ import annotations

from agent_sessions.models.operations.copying import ForkOperations
from agent_sessions.models.operations.protocol import ItemOperations
from agent_sessions.models.operations.purge import PurgeOperations
from agent_sessions.models.operations.replacing import ReplaceOperations
from agent_sessions.models.operations.runs import RunOperations


class SessionQuerySet(  # type: ignore[override]  # django-stubs gives each base another as_manager()
    ItemOperations, RunOperations, ReplaceOperations, ForkOperations, PurgeOperations
):
    """Operations on one session, named by its id.

    With `user=` an operation makes that user the owner of a new session, and raises
    SessionOwnershipError before it returns or changes anything of a session of somebody else.
    Reads of items check it with the rows that they fetch, writes while they hold the lock. Without
    `user` an operation works on any session.

    Call them on `Session.objects` or `Session.objects.using(...)`. A filtered queryset is rejected
    with a TypeError, because an operation would ignore the filters.
    """
