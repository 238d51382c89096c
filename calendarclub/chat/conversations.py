"""Who may open which conversation.

A conversation belongs to the user who began it. Without a login it belongs to the browser, whose
Django session lists its ids. For everybody else it does not exist.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import uuid4

from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest
from django.utils.text import Truncator

from agent_sessions import Session
from calendarclub.chat.json_errors import RefusedError
from calendarclub.chat.page_turns import page_turns

BROWSER_KEY = "conversations"
TITLE_LENGTH = 60
ITEMS_SHOWN = 400  # more would be slow to draw; the agent itself gets the whole conversation


async def own_conversations(request: HttpRequest) -> QuerySet[Session]:
    """Return the conversations that this visitor may open, the latest first."""
    may_open = Q(user=None, session_id__in=await _in_browser(request))
    user = await request.auser()
    if user.is_authenticated:
        may_open |= Q(user=user)
    return Session.objects.filter(may_open).order_by("-updated_at", "session_id")


async def get_conversation_or_404(request: HttpRequest, session_id: str) -> Session:
    """Return the visitor's own conversation, or raise Http404."""
    if "\x00" in session_id:  # PostgreSQL raises an error for such a text
        raise Http404
    try:
        return await (await own_conversations(request)).select_related("user").aget(pk=session_id)
    except Session.DoesNotExist as error:
        raise Http404 from error


async def create_conversation(request: HttpRequest) -> Session:
    """Create an empty conversation that belongs to the user or, without a login, to the browser."""
    user = await request.auser()
    session_id = uuid4().hex
    if user.is_authenticated:
        return await Session.objects.acreate(session_id=session_id, user=user)
    await request.session.aset(BROWSER_KEY, [*await _in_browser(request), session_id])
    return await Session.objects.acreate(session_id=session_id)


async def latest_items(session: Session) -> list[Any]:
    """Return the newest ITEMS_SHOWN items of the conversation, oldest first."""
    return await Session.objects.aitems(session.session_id, ITEMS_SHOWN, user=session.user)


async def check_unanswered(session: Session) -> None:
    """Raise RefusedError if the last message has an answer."""
    last = page_turns(await latest_items(session))[-1:]
    if not last or last[0].is_answered:
        sentence = "There is nothing to try again. Reload the page to see the conversation."
        raise RefusedError(HTTPStatus.CONFLICT, sentence)


async def set_title(session: Session, message: str) -> None:
    """Use the first message as the conversation's title."""
    if session.title:
        return
    # Not every database can store NUL and lone surrogates.
    plain = message.replace("\x00", "").encode(errors="replace").decode()
    session.title = Truncator(" ".join(plain.split())).chars(TITLE_LENGTH)
    await session.asave(update_fields=["title"])


async def delete_conversation(request: HttpRequest, session: Session) -> None:
    """Delete the conversation with all its messages, and its id in the browser's list."""
    await Session.objects.aclear(session.session_id, user=session.user)
    listed = await _in_browser(request)
    if session.session_id in listed:
        listed.remove(session.session_id)
        await request.session.aset(BROWSER_KEY, listed)


def log_label(session: Session | None) -> str:
    """Name a session and its owner for the log, without anything that was said."""
    if session is None:
        return "a run without a session"
    owner = "nobody" if session.user_id is None else f"user {session.user_id}"
    return f"session {session.session_id!r} of {owner}"


async def _in_browser(request: HttpRequest) -> list[str]:
    return list(await request.session.aget(BROWSER_KEY, []))
