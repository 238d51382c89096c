"""The page that asks before a session is forked or purged, and the report if that fails halfway."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from agent_sessions.admin.access import names_to_confirm
from agent_sessions.admin.urls import page_url

if TYPE_CHECKING:
    from django.db import DatabaseError
    from django.http import HttpRequest

    from agent_sessions.admin.base import SessionAdminBase
    from agent_sessions.models import Session

TEMPLATES = "admin/agent_sessions/session/actions/"

logger = logging.getLogger("agent_sessions")


def confirmation(
    model_admin: SessionAdminBase,
    request: HttpRequest,
    sessions: list[Session],
    template: str,
    context: dict[str, Any],
    *,
    hidden: list[tuple[str, str]],
    action: str,
) -> TemplateResponse:
    """Return the page that names the sessions and asks; the template asks the question.

    `hidden` fields are sent with the answer. `action` is the name of the list's action; blank for
    the page of one session. Cancelling leads back to where the request came from.
    """
    if action:  # the fields by which Django's list knows its action and the selected sessions
        hidden = [*hidden, ("action", action)]
        hidden += [(ACTION_CHECKBOX_NAME, session.pk) for session in sessions]
        back = request.get_full_path()
    else:
        back = page_url(model_admin, sessions[0].pk)
    request.current_app = model_admin.admin_site.name
    shared = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "media": model_admin.media,
        "names": names_to_confirm(model_admin, request, sessions),
        "hidden": hidden,
        "back": back,
    }
    return TemplateResponse(request, TEMPLATES + template, {**shared, **context})


def report_failure(
    model_admin: SessionAdminBase, request: HttpRequest, error: DatabaseError, done: int, asked: int
) -> None:
    """Log a database error, and show after how many sessions it ended the action."""
    logger.error("The admin stopped after %d of %d sessions.", done, asked, exc_info=error)
    text = _(
        "The database reported an error after %(done)d of %(asked)d sessions: %(error)s "
        "These %(done)d are done, the others are unchanged."
    )
    facts = {"done": done, "asked": asked, "error": f"{type(error).__name__}."}
    model_admin.message_user(request, text % facts, messages.ERROR)
