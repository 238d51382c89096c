"""The state of sessions, computed by the database from the columns of their messages.

A session is in the state of its last turn. `state_of()` in rows.py computes the same in Python; the
list of the admin filters millions of sessions by it, without reading an item.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Literal, TypeAlias

from django.db.models import (
    Case,
    CharField,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Concat
from django.db.models.lookups import Exact, GreaterThan, IsNull

from agent_sessions.items.kinds import CALL_OF, ENCRYPTED, OUTPUT_OF
from agent_sessions.models import Session
from agent_sessions.models.message import FROM_A_USER, Message

SessionState: TypeAlias = Literal["complete", "waiting", "incomplete", "unknown", "empty"]

# The meaning of the last message for the state of its session.
_ENDING = Case(
    When(kind="message", role="assistant", then=Value("answer")),
    When(kind__in=("", ENCRYPTED), then=Value("unknown")),
    default=Value("other"),
    output_field=CharField(),
)
# The kind of output that a call waits for.
_OUTPUT = Case(
    *(
        When(kind=call, then=Value(output))
        for call, output in OUTPUT_OF.items()
        if output != f"{call}_output"
    ),
    default=Concat("kind", Value("_output")),
)
# A search for tools may have no id: its output is the next one, whatever its id.
_HAS_NO_ID = Q(kind__in=("tool_search_call", "tool_search_output"))


def states(session_ids: Iterable[str], *, using: str | None = None) -> dict[str, SessionState]:
    """Return the state of each of the sessions that exists, in one statement."""
    sessions = Session.objects.using(using).filter(pk__in=list(session_ids)).order_by()
    return dict(sessions.values_list("pk", state()))


@cache
def state() -> Case:
    """Return the state of sessions as an expression, to annotate and filter them with.

    "empty" is a session without messages. "unknown" is one whose last turn ends encrypted, or has
    messages without columns: the SDK wrote them, and only their items tell what they are. The
    other states are those of a Turn.
    """
    newest_first = Message.objects.filter(session=OuterRef("pk")).order_by("-pk")
    ending = Subquery(newest_first.annotate(ending=_ENDING).values("ending")[:1])
    last_turn = _messages_after_last(FROM_A_USER)
    after_last_message = _messages_after_last(Q(kind="message"))
    is_answered = Q(Exact(ending, "answer")) & ~Exists(_unanswered(last_turn))
    is_unknown = Q(Exact(ending, "unknown")) | Exists(last_turn.filter(kind=""))
    return Case(
        # The state of most sessions comes first, because it takes the fewest subqueries.
        When(is_answered, then=Value("complete")),
        When(IsNull(ending, True), then=Value("empty")),
        When(is_unknown, then=Value("unknown")),
        When(Exists(_unanswered(after_last_message)), then=Value("waiting")),
        default=Value("incomplete"),
        output_field=CharField(),
    )


def _messages_after_last(which: Q) -> QuerySet[Message]:
    """Return the messages of a session after the last of such messages, or all if it has none."""
    such = Message.objects.filter(which, session=OuterRef(OuterRef("pk"))).order_by("-pk")
    last = Coalesce(Subquery(such.values("pk")[:1]), 0)
    return Message.objects.filter(session=OuterRef("pk"), pk__gt=last)


def _unanswered(messages: QuerySet[Message]) -> QuerySet[Message]:
    """Return the calls among the messages that have no output, and messages that may be calls.

    An output answers the newest call of its id that waits. So a call is unanswered if from it on
    there are more calls of its id than outputs:

        id  kind                  call_id  calls less outputs from here on
        1   function_call         a        2 - 1 = 1: unanswered
        2   function_call         a        1 - 1 = 0: answered
        3   function_call_output  a
        4   function_call         b        1 - 0 = 1: unanswered

    A call directly followed by its output (2) is answered without counting, as nearly all are.
    """
    calls = messages.filter(kind__in=("", *OUTPUT_OF)).alias(output=_OUTPUT)
    of_its_id = Message.objects.filter(
        Q(call_id=OuterRef("call_id")) | _HAS_NO_ID,
        session=OuterRef("session"),
        kind__in=(OuterRef("kind"), OuterRef("output")),
    )
    next_kind = of_its_id.filter(pk__gt=OuterRef("pk")).order_by("pk").values("kind")[:1]
    one = Case(When(kind__in=CALL_OF, then=Value(-1)), default=Value(1))
    from_it_on = of_its_id.filter(pk__gte=OuterRef("pk")).order_by().values("session")
    calls_less_outputs = Subquery(from_it_on.annotate(sum=Sum(one)).values("sum"))
    return calls.alias(next_kind=Subquery(next_kind)).filter(
        GreaterThan(Case(When(next_kind=F("output"), then=Value(0)), default=calls_less_outputs), 0)
    )
