"""Purging in the admin: deletes the content of sessions and keeps their numbers, like a redaction.

A page asks first, and counts what is lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, router
from django.http import HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from agent_sessions.admin.access import log_changes, opened, permitted
from agent_sessions.admin.actions.confirmation import confirmation, report_failure
from agent_sessions.admin.urls import page_url
from agent_sessions.models import Message, Session

if TYPE_CHECKING:
    from django.http import HttpRequest

    from agent_sessions.admin.base import SessionAdminBase


def purge(model_admin: SessionAdminBase, request: HttpRequest, object_id: str) -> HttpResponse:
    """Ask whether to purge a session, and purge it once that is confirmed."""
    session = opened(model_admin, request, object_id)
    if not model_admin.has_purge_permission(request, session):
        raise PermissionDenied
    if request.method != "POST":
        return purge_question(model_admin, request, [session])
    purge_each(model_admin, request, [session])
    return HttpResponseRedirect(page_url(model_admin, session.pk))


def purge_question(
    model_admin: SessionAdminBase,
    request: HttpRequest,
    sessions: list[Session],
    *,
    action: str = "",
) -> HttpResponse:
    """Return the page that says what a purge deletes and what it keeps."""
    ids = [session.pk for session in sessions]
    lost = Message.objects.using(sessions[0]._state.db).filter(session__in=ids)
    forks = model_admin.get_queryset(request).filter(parent__in=ids).exclude(pk__in=ids)
    forks = permitted(model_admin, request, forks.order_by())
    counts = {
        _("Sessions"): len(sessions),
        _("Messages that lose their content"): lost.count(),
        _("Forks that keep their copies"): forks.count(),
    }
    context = {"title": _("Purge content"), "counts": counts}
    return confirmation(
        model_admin,
        request,
        sessions,
        "purge_confirmation.html",
        context,
        hidden=[("post", "yes")],
        action=action,
    )


def purge_each(
    model_admin: SessionAdminBase, request: HttpRequest, sessions: list[Session]
) -> None:
    """Purge sessions, each in its own transaction, log them and show how many messages it cost."""
    count = 0
    done: list[Session] = []
    try:
        for session in sessions:
            using = router.db_for_write(Session, instance=session)
            count += Session.objects.using(using).purge(session.pk)
            done.append(session)
    except DatabaseError as error:
        report_failure(model_admin, request, error, len(done), len(sessions))
    log_changes(model_admin, request, done, _("Purged the content."))
    text = ngettext(
        "%d message has lost its content.", "%d messages have lost their content.", count
    )
    model_admin.message_user(request, text % count, messages.SUCCESS)
