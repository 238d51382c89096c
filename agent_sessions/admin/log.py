"""The admin's log: what was done to which session, and by whom.

Sessions stand in it under their ids: a title would stay there when the session is gone or purged.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.utils.translation import gettext as _

from agent_sessions.admin.base import nameless

if TYPE_CHECKING:
    from django.db import DatabaseError
    from django.http import HttpRequest

    from agent_sessions.admin.base import SessionAdminBase
    from agent_sessions.models import Session


logger = logging.getLogger("agent_sessions")


def say_how_far(
    model_admin: SessionAdminBase, request: HttpRequest, error: DatabaseError, done: int, asked: int
) -> None:
    """Say that the database failed in the middle of something, and what is done and what is not."""
    logger.error("The admin stopped after %d of %d sessions.", done, asked, exc_info=error)
    text = _(
        "The database reported an error after %(done)d of %(asked)d sessions: %(error)s "
        "These %(done)d are done, the others are as they were."
    )
    names = {"done": done, "asked": asked, "error": f"{type(error).__name__}."}
    model_admin.message_user(request, text % names, messages.ERROR)


def log_changes(
    model_admin: SessionAdminBase, request: HttpRequest, sessions: Iterable[Session], message: str
) -> None:
    """Log the same of several sessions, in one statement."""
    named = [nameless(session) for session in sessions]
    if not named:
        return
    if len(named) == 1:
        model_admin.log_change(request, named[0], message)
        return
    user_id = request.user.pk or 0  # nobody is here who has none
    LogEntry.objects.log_actions(user_id, named, CHANGE, message)
