"""The list's actions: sessions taken along, forked, purged, deleted, a limited number at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected as django_delete_selected
from django.db import DatabaseError, router, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from agent_sessions.admin.actions.export import export_several
from agent_sessions.admin.actions.fork import answer, forked, question
from agent_sessions.admin.actions.purge import confirmation, purged
from agent_sessions.admin.log import say_how_far
from agent_sessions.models import Session
from agent_sessions.models.deletion import batches

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from agent_sessions.admin.base import SessionAdminBase

AT_ONCE = 500
"""How many sessions: what a request can do in its time, and a form of Django's can name."""
NAMED = 10  # of the sessions with which something may not be done


@admin.action(permissions=["export"], description=gettext_lazy("Export selected sessions"))
def export_selected(
    model_admin: SessionAdminBase, request: HttpRequest, queryset: QuerySet[Session]
) -> HttpResponseBase | None:
    sessions = _chosen(model_admin, request, queryset, model_admin.has_export_permission)
    return export_several(model_admin, request, sessions) if sessions else None


@admin.action(permissions=["fork"], description=gettext_lazy("Fork selected sessions"))
def fork_selected(
    model_admin: SessionAdminBase, request: HttpRequest, queryset: QuerySet[Session]
) -> HttpResponseBase | None:
    sessions = _chosen(model_admin, request, queryset, model_admin.has_fork_permission)
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
    model_admin: SessionAdminBase, request: HttpRequest, queryset: QuerySet[Session]
) -> HttpResponseBase | None:
    sessions = _chosen(model_admin, request, queryset, model_admin.has_purge_permission)
    if not sessions:
        return None
    if "post" not in request.POST:
        back = request.get_full_path()
        return confirmation(model_admin, request, sessions, back=back, action="purge_selected")
    purged(model_admin, request, sessions)
    return None


@admin.action(permissions=["delete"], description=gettext_lazy("Delete selected sessions"))
def delete_selected(
    model_admin: SessionAdminBase, request: HttpRequest, queryset: QuerySet[Session]
) -> HttpResponseBase | None:
    """Delete sessions after Django's page of that name, in batches.

    Each batch is deleted and logged in a transaction of its own, so that nobody who writes waits
    for more than one. If the database fails, the batches before stay deleted.
    """
    sessions = _chosen(model_admin, request, queryset, model_admin.has_delete_permission)
    if not sessions:
        return None
    chosen = model_admin.get_queryset(request).filter(pk__in=[session.pk for session in sessions])
    if "post" in request.POST:
        _, _, lacking, protected = model_admin.get_deleted_objects(sessions, request)
        if not lacking and not protected:
            _delete(model_admin, request, chosen)
            return None
    # Django's action asks, or says what is in the way.
    return django_delete_selected(model_admin, request, chosen)


def _delete(
    model_admin: SessionAdminBase, request: HttpRequest, sessions: QuerySet[Session]
) -> None:
    asked, done = sessions.count(), 0
    using = router.db_for_write(model_admin.model)
    try:
        for batch in batches(sessions.using(using)):
            with transaction.atomic(using=using):
                model_admin.log_deletions(request, batch)
                pks = [session.pk for session in batch]
                model_admin.delete_queryset(request, sessions.using(using).filter(pk__in=pks))
            done += len(batch)
    except DatabaseError as error:
        say_how_far(model_admin, request, error, done, asked)
        return
    text = ngettext("%d session was deleted.", "%d sessions were deleted.", done) % done
    model_admin.message_user(request, text, messages.SUCCESS)


def _chosen(
    model_admin: SessionAdminBase,
    request: HttpRequest,
    queryset: QuerySet[Session],
    is_permitted: Callable[[HttpRequest, Session], bool],
) -> list[Session]:
    """Return the sessions that were chosen, or say why nothing can be done and return none.

    Sessions that the request may not see are left out, as if they had not been chosen.
    """
    sessions = list(queryset.select_related("user")[: AT_ONCE + 1])
    if len(sessions) > AT_ONCE:
        text = _("More than %d sessions are selected. Nothing was done: filter the list further.")
        model_admin.message_user(request, text % AT_ONCE, messages.ERROR)
        return []
    sessions = model_admin.seen(request, sessions)
    refused = [session for session in sessions if not is_permitted(request, session)]
    if refused:
        text = _(
            "You do not have permission to do this with %(count)d of the sessions: %(names)s. "
            "Nothing was done."
        )
        names = ", ".join(map(str, refused[:NAMED])) + (" …" if len(refused) > NAMED else "")
        facts = {"count": len(refused), "names": names}
        model_admin.message_user(request, text % facts, messages.ERROR)
        return []
    return sessions
