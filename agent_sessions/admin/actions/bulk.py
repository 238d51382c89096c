"""The list's actions: export, fork, purge and delete the selected sessions, up to AT_ONCE."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected as django_delete_selected
from django.db import DatabaseError, router, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from agent_sessions.admin.actions.confirmation import report_failure
from agent_sessions.admin.actions.export import export_several
from agent_sessions.admin.actions.fork import fork_each, fork_question
from agent_sessions.admin.actions.purge import purge_each, purge_question
from agent_sessions.models import Session
from agent_sessions.models.deletion import batches

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from agent_sessions.admin.base import SessionAdminBase

AT_ONCE = 500
"""How many sessions one request can handle in its time, and a form of Django's can name."""
NAMED = 10  # sessions in an error message


@admin.action(permissions=["export"], description=gettext_lazy("Export selected sessions"))
def export_selected(
    model_admin: SessionAdminBase, request: HttpRequest, queryset: QuerySet[Session]
) -> HttpResponseBase | None:
    sessions = _selected(model_admin, request, queryset, model_admin.has_export_permission)
    return export_several(model_admin, request, sessions) if sessions else None


@admin.action(permissions=["fork"], description=gettext_lazy("Fork selected sessions"))
def fork_selected(
    model_admin: SessionAdminBase, request: HttpRequest, queryset: QuerySet[Session]
) -> HttpResponseBase | None:
    sessions = _selected(model_admin, request, queryset, model_admin.has_fork_permission)
    if sessions and "owner" not in request.POST:
        return fork_question(model_admin, request, sessions, action="fork_selected")
    if sessions:
        fork_each(model_admin, request, sessions)
    return None


@admin.action(
    permissions=["purge"], description=gettext_lazy("Purge the content of selected sessions")
)
def purge_selected(
    model_admin: SessionAdminBase, request: HttpRequest, queryset: QuerySet[Session]
) -> HttpResponseBase | None:
    sessions = _selected(model_admin, request, queryset, model_admin.has_purge_permission)
    if sessions and "post" not in request.POST:
        return purge_question(model_admin, request, sessions, action="purge_selected")
    if sessions:
        purge_each(model_admin, request, sessions)
    return None


@admin.action(permissions=["delete"], description=gettext_lazy("Delete selected sessions"))
def delete_selected(
    model_admin: SessionAdminBase, request: HttpRequest, queryset: QuerySet[Session]
) -> HttpResponseBase | None:
    """Delete sessions in batches, after the question of Django's action of the same name.

    Each batch is deleted and logged in its own transaction, so that other writers wait for one
    batch at most. If the database fails, the earlier batches stay deleted.
    """
    sessions = _selected(model_admin, request, queryset, model_admin.has_delete_permission)
    if not sessions:
        return None
    chosen = model_admin.get_queryset(request).filter(pk__in=[session.pk for session in sessions])
    if "post" in request.POST:
        _, _, lacking, protected = model_admin.get_deleted_objects(sessions, request)
        if not lacking and not protected:
            _delete(model_admin, request, chosen)
            return None
    # Django's action asks, or shows the rows and permissions that prevent it.
    return django_delete_selected(model_admin, request, chosen)


def _delete(
    model_admin: SessionAdminBase, request: HttpRequest, sessions: QuerySet[Session]
) -> None:
    asked, done = sessions.count(), 0
    using = router.db_for_write(model_admin.model)
    try:
        for batch in batches(sessions.using(using)):
            _delete_batch(model_admin, request, batch, sessions.using(using))
            done += len(batch)
    except DatabaseError as error:
        report_failure(model_admin, request, error, done, asked)
        return
    text = ngettext("%d session was deleted.", "%d sessions were deleted.", done) % done
    model_admin.message_user(request, text, messages.SUCCESS)


def _delete_batch(
    model_admin: SessionAdminBase,
    request: HttpRequest,
    batch: list[Session],
    sessions: QuerySet[Session],
) -> None:
    with transaction.atomic(using=sessions.db):
        model_admin.log_deletions(request, batch)
        pks = [session.pk for session in batch]
        model_admin.delete_queryset(request, sessions.filter(pk__in=pks))


def _selected(
    model_admin: SessionAdminBase,
    request: HttpRequest,
    queryset: QuerySet[Session],
    is_permitted: Callable[[HttpRequest, Session], bool],
) -> list[Session]:
    """Return the selected sessions, or show why nothing can be done and return none.

    Sessions that the request may not see are left out, as if they had not been selected.
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
