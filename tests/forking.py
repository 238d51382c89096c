"""Sessions that are stored, forked and read without async code."""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync

from agent_sessions import DjangoSession, Session, fork
from agent_sessions.items import Item


def items_of(session: DjangoSession) -> list[Item]:
    return Session.objects.items(session.session_id)


def forked(session: DjangoSession, **options: Any) -> DjangoSession:
    """Fork a session, from sync code."""
    return async_to_sync(fork)(session, **options)


def stored(session_id: str, items: list[Item], **options: Any) -> DjangoSession:
    """Append items to a session and return it."""
    Session.objects.append(session_id, items, **options)
    return DjangoSession(session_id, **options)
