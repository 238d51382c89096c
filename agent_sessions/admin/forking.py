"""Sessions forked in the admin, for their owners."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import router
from django.http import HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.utils.translation import gettext as _

from agent_sessions.admin.access import opened
from agent_sessions.admin.addresses import page_url
from agent_sessions.admin.log import log_changes
from agent_sessions.models import Session

if TYPE_CHECKING:
    from django.http import HttpRequest

    from agent_sessions.admin.sessions import SessionAdmin


def fork(model_admin: SessionAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """Fork a session, whole or at or before a message, and lead to the fork."""
    session = opened(model_admin, request, object_id)
    if not model_admin.has_fork_permission(request, session):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    try:
        cut = {name: int(request.POST[name]) for name in ("at", "before") if name in request.POST}
    except ValueError:
        model_admin.message_user(request, _("That is no message's number."), messages.ERROR)
        return HttpResponseRedirect(page_url(model_admin, session.pk))
    new = forked(model_admin, request, session, **cut)
    if new:
        text = _("This is a fork, and began as a copy of %s.") % session.pk
        model_admin.message_user(request, text, messages.SUCCESS)
    return HttpResponseRedirect(page_url(model_admin, (new or session).pk))


def forked(
    model_admin: SessionAdmin, request: HttpRequest, session: Session, **cut: int
) -> Session | None:
    """Fork a session for its owner and log that, or say why that cannot be."""
    sessions = Session.objects.using(router.db_for_write(Session, instance=session))
    new = type(session)(session_id=uuid4().hex)
    try:
        sessions.fork(session.pk, new.pk, **cut)
    except ValueError as error:
        model_admin.message_user(request, str(error), messages.ERROR)
        return None
    model_admin.log_addition(request, new, _("Forked from %s.") % session.pk)
    log_changes(model_admin, request, [session], _("Forked as %s.") % new.pk)
    return new
