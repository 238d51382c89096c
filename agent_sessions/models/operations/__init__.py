"""The operations on a session, each atomic: the queryset behind Session.objects."""

from __future__ import annotations

from agent_sessions.models.operations.copying import ForkOperations
from agent_sessions.models.operations.protocol import ItemOperations
from agent_sessions.models.operations.purge import PurgeOperations
from agent_sessions.models.operations.tails import TailOperations


class SessionQuerySet(  # type: ignore[override]  # django-stubs: an as_manager() of each base's own
    ItemOperations, TailOperations, ForkOperations, PurgeOperations
):
    """The operations on a session's items, each atomic; the a-twins are for async code.

    A session is named by its id. With `user=` an operation makes that user the owner of a new
    session, and raises SessionOwnershipError before it gives away or changes anything of a session
    that is not the user's: the owner comes with the rows that are read, and is looked at under the
    lock under which is written. Without it, an operation works on any session. It is called on
    `Session.objects`, or `Session.objects.using(...)`: a queryset with filters, which an operation
    on one session would not heed, is refused.
    """
