"""Forking in the admin. A page asks first who owns the forks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import router, transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from agent_sessions.admin.access import log_changes, opened
from agent_sessions.admin.actions.confirmation import confirmation
from agent_sessions.admin.urls import page_url
from agent_sessions.models import Session
from agent_sessions.text.visible import visible

if TYPE_CHECKING:
    from django.http import HttpRequest

    from agent_sessions.admin.base import SessionAdminBase

MINE, SAME = "mine", "same"
PLACES = ("at", "before")  # a fork may end with a message, or before it


class OwnerChoice(NamedTuple):
    """A possible owner of a fork."""

    value: str
    label: str
    remark: str


def fork(model_admin: SessionAdminBase, request: HttpRequest, object_id: str) -> HttpResponse:
    """Ask who owns the fork of a session; once answered, fork it and redirect to the fork.

    The address may name the message at which the fork ends, or before which it does.
    """
    session = opened(model_admin, request, object_id)
    if not model_admin.has_fork_permission(request, session):
        raise PermissionDenied
    sent = request.POST if request.method == "POST" else request.GET
    try:
        cut = {name: int(sent[name]) for name in PLACES if name in sent}
    except ValueError:
        model_admin.message_user(request, _("That is not a message's number."), messages.ERROR)
        return HttpResponseRedirect(page_url(model_admin, session.pk))
    if "owner" not in request.POST:
        return fork_question(model_admin, request, [session], cut=cut)
    owner = _chosen_owner(model_admin, request, [session])
    new = _fork(model_admin, request, session, owner=owner, cut=cut)
    if new:
        text = _("This is a fork. It began as a copy of %s.") % session.pk
        model_admin.message_user(request, text, messages.SUCCESS)
    return HttpResponseRedirect(page_url(model_admin, (new or session).pk))


def fork_question(
    model_admin: SessionAdminBase,
    request: HttpRequest,
    sessions: list[Session],
    *,
    cut: dict[str, int] | None = None,
    action: str = "",
) -> HttpResponse:
    """Return the page that asks who owns the forks."""
    cut = cut or {}
    context = {
        "title": ngettext("Fork a session", "Fork sessions", len(sessions)),
        "is_cut": bool(cut),
        "choices": owner_choices(model_admin, request, sessions),
    }
    hidden = [(name, str(pk)) for name, pk in cut.items()]
    return confirmation(
        model_admin,
        request,
        sessions,
        "fork_question.html",
        context,
        hidden=hidden,
        action=action,
    )


def fork_each(model_admin: SessionAdminBase, request: HttpRequest, sessions: list[Session]) -> None:
    """Fork whole sessions for the owner that was chosen, and show how many."""
    owner = _chosen_owner(model_admin, request, sessions)
    forks = [_fork(model_admin, request, session, owner=owner, cut={}) for session in sessions]
    if count := sum(map(bool, forks)):
        text = ngettext("%d session was forked.", "%d sessions were forked.", count) % count
        model_admin.message_user(request, text, messages.SUCCESS)


def owner_choices(
    model_admin: SessionAdminBase, request: HttpRequest, sessions: list[Session]
) -> list[OwnerChoice]:
    """Return the possible owners of the forks, the suggested one first.

    The owner of a fork can read it outside the admin as well. So a user who may not read the
    conversations cannot become the owner of their forks.
    """
    choices = []
    if all(model_admin.may_read(request, session) for session in sessions):
        me = _("Me (%s)") % visible(request.user.get_username())
        choices.append(OwnerChoice(MINE, me, _("It appears among your own sessions only.")))
    return [*choices, _same_owner(sessions)]


def _same_owner(sessions: list[Session]) -> OwnerChoice:
    owners = {session.user for session in sessions}
    if owners == {None}:
        return OwnerChoice(SAME, _("Nobody"), _("The conversation has no owner either."))
    if len(owners) > 1:
        remark = _("They see them among their sessions at once.")
        return OwnerChoice(SAME, _("The owner of each conversation"), remark)
    label = _("The owner of the conversation (%s)") % visible(str(sessions[0].user))
    return OwnerChoice(SAME, label, _("They see it among their sessions at once."))


def _chosen_owner(
    model_admin: SessionAdminBase, request: HttpRequest, sessions: list[Session]
) -> str:
    """Return the choice that was made. Raises PermissionDenied if it was not offered."""
    owner = request.POST["owner"]
    if owner not in {choice.value for choice in owner_choices(model_admin, request, sessions)}:
        raise PermissionDenied
    return owner


def _fork(
    model_admin: SessionAdminBase,
    request: HttpRequest,
    session: Session,
    *,
    owner: str,
    cut: dict[str, int],
) -> Session | None:
    """Fork a session and log it; show the error and return None if there is no such message."""
    new = type(session)(session_id=uuid4().hex)
    try:
        _copy(session, new.pk, cut, user_id=request.user.pk if owner == MINE else None)
    except ValueError as error:
        model_admin.message_user(request, str(error), messages.ERROR)
        return None
    model_admin.log_addition(request, new, _("Forked from %s.") % session.pk)
    log_changes(model_admin, request, [session], _("Forked as %s.") % new.pk)
    return new


def _copy(session: Session, new_id: str, cut: dict[str, int], *, user_id: Any) -> None:
    """Fork a session for a user; for its own owner if `user_id` is None."""
    sessions = Session.objects.using(router.db_for_write(Session, instance=session))
    # In one transaction, so that the fork never belongs to another user.
    with transaction.atomic(using=sessions.db):
        sessions.fork(session.pk, new_id, **cut)
        if user_id is not None:
            sessions.filter(pk=new_id).update(user=user_id)
