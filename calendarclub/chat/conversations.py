"""Whose conversation is whose.

A conversation belongs to the user who began it, or, if nobody was logged in, to the browser:
its Django session keeps the list. For everybody else it does not exist.
"""

from __future__ import annotations

from uuid import uuid4

from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest
from django.utils.text import Truncator

# DjangoSession is loaded when it is used: the SDK behind it takes seconds to import, and
# manage.py reads this module too.
import agent_sessions
from agent_sessions import Session

BROWSER_KEY = "conversations"
TITLE_LENGTH = 60


async def mine(request: HttpRequest) -> QuerySet[Session]:
    """Return the conversations that this visitor may open, the latest first."""
    may_open = Q(user=None, session_id__in=await _in_browser(request))
    user = await request.auser()
    if user.is_authenticated:
        may_open |= Q(user=user)
    return Session.objects.filter(may_open).order_by("-updated_at", "session_id")


async def open_mine(request: HttpRequest, session_id: str) -> Session:
    """Return the visitor's own conversation, or raise Http404."""
    if "\x00" in session_id:  # PostgreSQL has no such text and would complain
        raise Http404
    try:
        return await (await mine(request)).select_related("user").aget(pk=session_id)
    except Session.DoesNotExist as error:
        raise Http404 from error


async def begin(request: HttpRequest) -> Session:
    """Make an empty conversation that belongs to the user or, without one, to the browser."""
    user = await request.auser()
    session_id = uuid4().hex
    if user.is_authenticated:
        return await Session.objects.acreate(session_id=session_id, user=user)
    await request.session.aset(BROWSER_KEY, [*await _in_browser(request), session_id])
    return await Session.objects.acreate(session_id=session_id)


def memory(session: Session) -> agent_sessions.DjangoSession:
    """Return the conversation as the SDK's Runner remembers it."""
    return agent_sessions.DjangoSession(session.session_id, user=session.user)


def where(session: Session | None) -> str:
    """Name a session and its owner for the log, which learns nothing that either has said."""
    if session is None:
        return "a run without a session"
    owner = "nobody" if session.user_id is None else f"user {session.user_id}"
    return f"session {session.session_id!r} of {owner}"


async def name_after(session: Session, message: str) -> None:
    """Give the conversation its first message as title, if it has none."""
    if session.title:
        return
    # Neither NUL nor lone surrogates fit into every database's text.
    plain = message.replace("\x00", "").encode(errors="replace").decode()
    session.title = Truncator(" ".join(plain.split())).chars(TITLE_LENGTH)
    await session.asave(update_fields=["title"])


async def forget(request: HttpRequest, session: Session) -> None:
    """Remove the conversation with all its messages, and from the browser's list."""
    await memory(session).clear_session()
    listed = await _in_browser(request)
    if session.session_id in listed:
        listed.remove(session.session_id)
        await request.session.aset(BROWSER_KEY, listed)


async def _in_browser(request: HttpRequest) -> list[str]:
    return list(await request.session.aget(BROWSER_KEY, []))
