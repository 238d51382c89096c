"""The messages and costs of a session, read in batches."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from django.db.models import Case, F, Max, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual

from agent_sessions.models import Session
from agent_sessions.models.message import Message
from agent_sessions.models.usage import Usage
from agent_sessions.usage.steps import Tokens
from agent_sessions.usage.totals import UsageTotal, group_of, totals

BATCH = 100
SHORT_LENGTH = 65_536  # in characters
SHORT_TEXT = Case(
    When(LessThanOrEqual(Length("message_data"), SHORT_LENGTH), then=F("message_data")),
    default=Value(None),
    output_field=TextField(),
)


def messages_of(session: Session) -> Iterator[Message]:
    """Yield the messages of a session, oldest first, without those added during the iteration.

    The short messages of a batch are read together and each long one when it is yielded, so that
    at most one image is in memory.
    """
    if not isinstance(session, Session):
        raise TypeError(
            f"session is a {type(session).__name__}. Pass a row: Session.objects.get(pk=...)."
        )
    every = Message.objects.using(session._state.db).filter(session_id=session.pk)
    newest, after = every.aggregate(newest=Max("pk"))["newest"] or 0, 0
    batches = every.defer("message_data").annotate(short=SHORT_TEXT).order_by("pk")
    while after < newest:
        batch = deque(batches.filter(pk__gt=after, pk__lte=newest)[:BATCH])
        after = batch[-1].pk if batch else newest  # the rest has been deleted meanwhile
        while batch:
            message = batch.popleft()
            texts = [message.short] if message.short is not None else _text(every, message.pk)
            for message.message_data in texts:
                yield message


def _text(every: QuerySet[Message], pk: int) -> list[str]:
    """Return the text of a message in a list, which is empty if it has been deleted meanwhile."""
    return [*every.filter(pk=pk).values_list("message_data", flat=True)]


def usage_of(session: Session) -> Iterator[Usage]:
    """Yield the steps of a session in the order of their last messages, those without one first."""
    usage = Usage.objects.using(session._state.db).filter(session_id=session.pk)
    ordered = usage.order_by("message_id", "pk")
    yield from ordered.filter(message=None)
    message_id = pk = 0
    while True:
        later = Q(message__gt=message_id) | Q(message=message_id, pk__gt=pk)
        batch = list(ordered.filter(later, message__gte=message_id)[:BATCH])
        yield from batch
        if len(batch) < BATCH:
            return
        message_id, pk = batch[-1].message_id or 0, batch[-1].pk


class RunningCosts:
    """The costs of a session, added up turn by turn while its messages are read."""

    def __init__(self, session: Session) -> None:
        self._usage = usage_of(session)
        self._next = next(self._usage, None)

    def until(self, message_id: int | None = None) -> UsageTotal:
        """Return the sum of the steps since the last call, up to a message or to the end."""
        groups = []
        while (step := self._next) and (message_id is None or (step.message_id or 0) < message_id):
            tokens = [getattr(step, name) for name in Tokens._fields]
            groups.append(group_of((), step.model, tokens))
            self._next = next(self._usage, None)
        return totals(groups).get((), UsageTotal())
