"""The list's actions: sessions taken along, forked, purged, deleted, a limited number at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected as django_delete_selected
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from agent_sessions.admin.exports import export_several
from agent_sessions.admin.forking import answer, forked, question
from agent_sessions.admin.purging import confirmation, purged
from agent_sessions.models import Session

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from agent_sessions.admin.sessions import SessionAdmin

AT_ONCE = 500
"""How many sessions: what a request can do in its time, and a form of Django's can name."""


@admin.action(permissions=["export"], description=gettext_lazy("Export selected sessions"))
def export_selected(
    model_admin: SessionAdmin, request: HttpRequest, queryset: QuerySet[Session]
) -> HttpResponseBase | None:
    sessions = _chosen(model_admin, request, queryset)
    return export_several(model_admin, request, sessions) if sessions else None


@admin.action(permissions=["fork"], description=gettext_lazy("Fork selected sessions"))
def fork_selected(
    model_admin: SessionAdmin, request: HttpRequest, queryset: QuerySet[Session]
) -> HttpResponseBase | None:
    sessions = _chosen(model_admin, request, queryset)
    if not sessions:
        return None
    if "owner" not in request.POST:
        back = request.get_full_path()
        return question(model_admin, request, sessions, back=back, action="fork_selected")
    owner = answer(model_admin, request, sessions)
    made = [forked(model_admin, request, session, owner=owner) for session in sessions]
    if count := sum(map(bool, made)):
        text = ngettext("%d session was forked.", "%d sessions were forked.", count) % count
        model_admin.message_user(request, text, messages.SUCCESS)
    return None


@admin.action(
    permissions=["purge"], description=gettext_lazy("Purge the content of selected sessions")
)
def purge_selected(
    model_admin: SessionAdmin, request: HttpRequest, queryset: QuerySet[Session]
) -> HttpResponseBase | None:
    sessions = _chosen(model_admin, request, queryset)
    if not sessions:
        return None
    if "post" not in request.POST:
        back = request.get_full_path()
        return confirmation(model_admin, request, sessions, back=back, action="purge_selected")
    purged(model_admin, request, sessions)
    return None


@admin.action(permissions=["delete"], description=gettext_lazy("Delete selected sessions"))
def delete_selected(
    model_admin: SessionAdmin, request: HttpRequest, queryset: QuerySet[Session]
) -> HttpResponseBase | None:
    """Delete sessions as Django's action of that name does, if they are not too many."""
    if not _chosen(model_admin, request, queryset):
        return None
    return django_delete_selected(model_admin, request, queryset)


def _chosen(
    model_admin: SessionAdmin, request: HttpRequest, queryset: QuerySet[Session]
) -> list[Session]:
    """Return the sessions that were chosen, or say that they are too many and return none."""
    sessions = list(queryset.select_related("user")[: AT_ONCE + 1])
    if len(sessions) <= AT_ONCE:
        return sessions
    text = _("More than %d sessions are selected. Nothing was done: filter the list further.")
    model_admin.message_user(request, text % AT_ONCE, messages.ERROR)
    return []
