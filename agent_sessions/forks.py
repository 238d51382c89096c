"""Forks: sessions that begin as a copy of another one, up to a turn or a message."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, TypeAlias, TypeVar
from uuid import uuid4

from django.db import router
from django.db.models import Max, Min

from agent_sessions.concurrency import in_database_thread, settled
from agent_sessions.fields import checked_id
from agent_sessions.models import Message, Session
from agent_sessions.models.operations import SessionQuerySet
from agent_sessions.turns.turns import Turn, Turns

if TYPE_CHECKING:
    from agent_sessions.session import DjangoSession

S = TypeVar("S", bound="DjangoSession")
Place: TypeAlias = int | Turn | Message


async def fork(
    session: S,
    *,
    at: Place | None = None,
    before: Place | None = None,
    session_id: str | None = None,
) -> S:
    """Return a new session that begins as a copy of `session`.

        again = await fork(session, before=3)
        result = await Runner.run(agent, "The third question, put better", session=again)

    With `at` the copy ends with that turn or message, with `before` it ends before it; without
    either it is complete. A turn is a Turn or its number: 1 for the first user message, and 0 for
    the messages before it. The fork has the owner, title, metadata and options of `session`, and
    `session_id` or a new id. `session` does not change, and later changes of one do not show in
    the other. Costs are not copied, because nothing was spent twice.

    Raises ValueError if the session, turn or message does not exist or the id is taken, and
    SessionOwnershipError if the session is not its user's. Then nothing is created.
    """
    # Late: the SDK takes seconds to import, and the caller has imported it to make a session.
    from agent_sessions.session import DjangoSession

    if not isinstance(session, DjangoSession):
        raise TypeError(
            f"Cannot fork {type(session).__name__}. Fork the DjangoSession inside it, and wrap the "
            "fork again."
        )
    new = copy.copy(session)
    new.session_settings = copy.copy(session.session_settings)
    new.session_id = checked_id(uuid4().hex if session_id is None else session_id)
    await settled(in_database_thread(lambda: _write(session, new.session_id, at, before)))
    return new


def _write(session: DjangoSession, new_id: str, at: Place | None, before: Place | None) -> None:
    # Not a replica, which may not have the newest turns yet.
    sessions = Session.objects.using(session.using or router.db_for_write(Session))
    end = {}
    if at is not None:
        end["at"] = _ids(at, sessions, session)[1]
    if before is not None:
        end["before"] = _ids(before, sessions, session)[0]
    sessions.fork(session.session_id, new_id, user=session.user, **end)


async def forks(session: DjangoSession) -> list[Session]:
    """Return the forks of a session as rows, oldest first.

    Forks of forks are not included, nor, for a session with a user, forks of other users.
    """
    from agent_sessions.session import DjangoSession  # late, as in fork()

    if not isinstance(session, DjangoSession):
        raise TypeError(f"session is a {type(session).__name__}. Pass a DjangoSession.")
    found = Session.objects.using(session.using).forked_from(session.session_id)
    if session.user is not None:
        found = found.owned_by(session.user)

    def read() -> list[Session]:
        rows = list(found)
        if not rows:
            sessions = Session.objects.using(session.using)
            sessions.refuse_others(session.session_id, user=session.user)
        return rows

    return await in_database_thread(read)


def _ids(place: Place, sessions: SessionQuerySet, session: DjangoSession) -> tuple[int, int]:
    """Return the ids of the first and the last message of a turn, or of a message."""
    if isinstance(place, bool) or not isinstance(place, int | Turn | Message):
        raise TypeError(
            f"Cannot fork a session at {type(place).__name__}. Pass the number of a turn, a "
            "Turn or a Message."
        )
    if isinstance(place, int):
        return _ids_of_turn(place, Turns(session.session_id, user=session.user, using=sessions.db))
    if isinstance(place, Turn):
        return place.first_id, place.last_id
    if place.pk is None:
        raise ValueError("The message is not stored. Pass one that was read from the session.")
    return place.pk, place.pk


def _ids_of_turn(number: int, turns: Turns) -> tuple[int, int]:
    """Return the ids of the first and the last message of a turn by its number."""
    messages = turns.messages()
    # Read first: a turn that is added meanwhile must not become a part of the last one.
    span = messages.aggregate(oldest=Min("pk"), newest=Max("pk"))
    starts = [pk for pk in turns.starts() if pk <= (span["newest"] or 0)]
    firsts = dict(enumerate(starts, start=1))
    if span["oldest"] not in (None, *starts[:1]):
        firsts[0] = span["oldest"]
    if number not in firsts:
        raise ValueError(
            f"Session {turns.session_id!r} has no turn {number}. Turns are numbered from 1; number "
            f"of turns: {len(starts)}."
        )
    if number + 1 not in firsts:
        return firsts[number], span["newest"]
    last = messages.filter(pk__lt=firsts[number + 1]).aggregate(newest=Max("pk"))["newest"]
    return firsts[number], last or firsts[number]  # its messages may have been popped meanwhile
