"""In which state sessions are, told by the database from the columns of their messages.

The state of a session is that of its last turn, as `rows.state_of` tells it of rows in Python.
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

from agent_sessions.items.kinds import CALLS, OUTPUTS
from agent_sessions.models import Session
from agent_sessions.models.message import FROM_A_USER, Message

SessionState: TypeAlias = Literal["complete", "waiting", "incomplete", "unknown", "empty"]

_ENDINGS = Case(
    When(kind="message", role="assistant", then=Value("answer")),
    When(kind__in=("", "encrypted"), then=Value("unknown")),
    default=Value("other"),
    output_field=CharField(),
)
_ANSWERS = Case(
    *(
        When(kind=call, then=Value(output))
        for call, output in OUTPUTS.items()
        if output != f"{call}_output"
    ),
    default=Concat("kind", Value("_output")),
)
# A search for tools may be anonymous: its output is that of any.
_ANONYMOUS = Q(kind__in=("tool_search_call", OUTPUTS["tool_search_call"]))


def states(session_ids: Iterable[str], *, using: str | None = None) -> dict[str, SessionState]:
    """Return the state of each session that is there, in one statement."""
    sessions = Session.objects.using(using).filter(pk__in=list(session_ids)).order_by()
    return dict(sessions.values_list("pk", state()))


@cache
def state() -> Case:
    """Return the state of sessions as an expression, to annotate and to filter them with.

    "empty" is a session without messages. "unknown" is one whose last turn ends encrypted, or has
    messages without columns, which the SDK wrote: only their items tell what they are. The others
    are as `Turn` describes them.
    """
    last = Message.objects.filter(session=OuterRef("pk")).order_by("-pk")
    ending = Subquery(last.annotate(ending=_ENDINGS).values("ending")[:1])
    turn, tail = _since(FROM_A_USER), _since(Q(kind="message"))
    return Case(
        # What most sessions are is found out first, with the fewest questions.
        When(Q(Exact(ending, "answer")) & ~Exists(_open(turn)), then=Value("complete")),
        When(IsNull(ending, True), then=Value("empty")),
        When(Q(Exact(ending, "unknown")) | Exists(turn.filter(kind="")), then=Value("unknown")),
        # A user's message is a message: what comes after the last one is of the last turn.
        When(Exists(_open(tail)), then=Value("waiting")),
        default=Value("incomplete"),
        output_field=CharField(),
    )


def _since(which: Q) -> QuerySet[Message]:
    """Return what stands in a session after the last of such messages, or all if there is none."""
    such = Message.objects.filter(which, session=OuterRef(OuterRef("pk"))).order_by("-pk")
    last = Coalesce(Subquery(such.values("pk")[:1]), 0)
    return Message.objects.filter(session=OuterRef("pk"), pk__gt=last)


def _open(messages: QuerySet[Message]) -> QuerySet[Message]:
    """Return nothing if all calls among the messages are answered, and none may be a call unseen.

    An output answers the newest call of its id before it that waits. So a call that its output
    follows directly is answered; of another it has to be counted whether more calls than outputs
    come from it on, which takes long only where ids are given again and again.
    """
    calls = messages.filter(kind__in=("", *OUTPUTS)).alias(answer=_ANSWERS)
    is_alike = Q(call_id=OuterRef("call_id")) | _ANONYMOUS
    alike = Message.objects.filter(
        is_alike, session=OuterRef("session"), kind__in=(OuterRef("kind"), OuterRef("answer"))
    )
    following = alike.filter(pk__gt=OuterRef("pk")).order_by("pk").values("kind")[:1]
    change = Case(When(kind__in=CALLS, then=Value(-1)), default=Value(1))
    counted = alike.filter(pk__gte=OuterRef("pk")).order_by().values("session")
    missing = Subquery(counted.annotate(missing=Sum(change)).values("missing"))
    return calls.alias(following=Subquery(following)).filter(
        GreaterThan(Case(When(following=F("answer"), then=Value(0)), default=missing), 0)
    )
