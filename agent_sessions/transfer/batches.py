"""A session read in windows: some messages and costs at once, however many there are."""

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

WINDOW = 100
SHORT_LENGTH = 65_536  # in characters
SHORT_TEXT = Case(
    When(LessThanOrEqual(Length("message_data"), SHORT_LENGTH), then=F("message_data")),
    default=Value(None),
    output_field=TextField(),
)


def messages_of(session: Session) -> Iterator[Message]:
    """Yield the messages of a session, oldest first, up to the newest that there is at first.

    Of a window the short ones are read at once and each long one when its turn comes, so that no
    more than one picture is in memory.
    """
    if not isinstance(session, Session):
        raise TypeError(
            f"session is a {type(session).__name__}. Pass a row: Session.objects.get(pk=...)."
        )
    every = Message.objects.using(session._state.db).filter(session_id=session.pk)
    newest, after = every.aggregate(newest=Max("pk"))["newest"] or 0, 0
    windows = every.defer("message_data").annotate(short=SHORT_TEXT).order_by("pk")
    while after < newest:
        window = deque(windows.filter(pk__gt=after, pk__lte=newest)[:WINDOW])
        after = window[-1].pk if window else newest  # the others have been deleted meanwhile
        while window:
            message = window.popleft()
            texts = [message.short] if message.short is not None else _text(every, message.pk)
            for message.message_data in texts:
                yield message


def _text(every: QuerySet[Message], pk: int) -> list[str]:
    """Return the text of a message, or none of one that has been deleted meanwhile."""
    return [*every.filter(pk=pk).values_list("message_data", flat=True)]


def usage_of(session: Session) -> Iterator[Usage]:
    """Yield what the steps of a session cost, in the order of their last messages.

    Those come first of which no message is known.
    """
    usage = Usage.objects.using(session._state.db).filter(session_id=session.pk)
    ordered = usage.order_by("message_id", "pk")
    yield from ordered.filter(message=None)
    message_id = pk = 0
    while True:
        later = Q(message__gt=message_id) | Q(message=message_id, pk__gt=pk)
        window = list(ordered.filter(later, message__gte=message_id)[:WINDOW])
        yield from window
        if len(window) < WINDOW:
            return
        message_id, pk = window[-1].message_id or 0, window[-1].pk


class Costs:
    """What turns cost, asked for in their order."""

    def __init__(self, session: Session) -> None:
        self._usage = usage_of(session)
        self._next = next(self._usage, None)

    def until(self, message_id: int | None = None) -> UsageTotal:
        """Return the sum of what was not asked for yet, of the steps before a message or of all."""
        groups = []
        while (step := self._next) and (message_id is None or (step.message_id or 0) < message_id):
            tokens = [getattr(step, name) for name in Tokens._fields]
            groups.append(group_of((), step.model, tokens))
            self._next = next(self._usage, None)
        return totals(groups).get((), UsageTotal())
