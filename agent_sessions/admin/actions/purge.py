"""Content thrown away in the admin, after a question that counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, router
from django.http import HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from agent_sessions.admin.access import confirmed, opened, permitted
from agent_sessions.admin.log import log_changes, say_how_far
from agent_sessions.admin.urls import page_url
from agent_sessions.models import Message, Session

if TYPE_CHECKING:
    from django.http import HttpRequest

    from agent_sessions.admin.base import SessionAdminBase


def purge(model_admin: SessionAdminBase, request: HttpRequest, object_id: str) -> HttpResponse:
    """Ask whether a session is to be purged, and purge it once that is confirmed."""
    session = opened(model_admin, request, object_id)
    if not model_admin.has_purge_permission(request, session):
        raise PermissionDenied
    page = page_url(model_admin, session.pk)
    if request.method != "POST":
        return confirmation(model_admin, request, [session], back=page)
    purged(model_admin, request, [session])
    return HttpResponseRedirect(page)


def confirmation(
    model_admin: SessionAdminBase,
    request: HttpRequest,
    sessions: list[Session],
    *,
    back: str,
    action: str = "",
) -> HttpResponse:
    """Return the page that says what a purge takes and what it leaves.

    `back` is where it leads who does not want that, `action` the one of the list that asks.
    """
    ids = [session.pk for session in sessions]
    messages_found = Message.objects.using(sessions[0]._state.db).filter(session__in=ids)
    forks = model_admin.get_queryset(request).filter(parent__in=ids).exclude(pk__in=ids)
    forks = permitted(model_admin, request, forks.order_by())
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Purge content"),
        "opts": model_admin.opts,
        "media": model_admin.media,
        "names": confirmed(model_admin, request, sessions),
        "counts": {
            _("Sessions"): len(sessions),
            _("Messages that lose their content"): messages_found.count(),
            _("Forks that keep their copies"): forks.count(),
        },
        "back": back,
        "hidden": hidden_fields(ids, action) if action else [],
    }
    request.current_app = model_admin.admin_site.name
    return TemplateResponse(
        request, "admin/agent_sessions/session/actions/purge_confirmation.html", context
    )


def hidden_fields(ids: list[str], action: str) -> list[tuple[str, str]]:
    """Return the fields by which the list knows its action and what it was chosen for."""
    return [("action", action), *((ACTION_CHECKBOX_NAME, pk) for pk in ids)]


def purged(model_admin: SessionAdminBase, request: HttpRequest, sessions: list[Session]) -> None:
    """Purge sessions, each in a transaction of its own, log it and say it."""
    count = 0
    done: list[Session] = []
    try:
        for session in sessions:
            using = router.db_for_write(Session, instance=session)
            count += Session.objects.using(using).purge(session.pk)
            done.append(session)
    except DatabaseError as error:
        say_how_far(model_admin, request, error, len(done), len(sessions))
    log_changes(model_admin, request, done, _("Purged the content."))
    text = ngettext(
        "%d message has lost its content.", "%d messages have lost their content.", count
    )
    model_admin.message_user(request, text % count, messages.SUCCESS)
