"""The admin's log: what was done to which session, and by whom.

Sessions stand in it under their ids: a title would stay there when the session is gone or purged.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.contrib.admin.models import CHANGE, LogEntry

from agent_sessions.models import Session

if TYPE_CHECKING:
    from django.http import HttpRequest

    from agent_sessions.admin.sessions import SessionAdmin


def nameless(session: Session) -> Session:
    """Return an object that stands for a session, and knows nothing but its id."""
    return type(session)(session_id=session.pk)


def log_changes(
    model_admin: SessionAdmin, request: HttpRequest, sessions: Iterable[Session], message: str
) -> None:
    """Log the same of several sessions, in one statement."""
    named = [nameless(session) for session in sessions]
    if len(named) == 1:
        model_admin.log_change(request, named[0], message)
        return
    user_id = request.user.pk or 0  # nobody is here who has none
    LogEntry.objects.log_actions(user_id, named, CHANGE, message)
