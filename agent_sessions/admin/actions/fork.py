"""Sessions forked in the admin, after a question whose the forks are to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import router, transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from agent_sessions.admin.access import confirmed, opened
from agent_sessions.admin.actions.purge import hidden_fields
from agent_sessions.admin.log import log_changes
from agent_sessions.admin.urls import page_url
from agent_sessions.models import Session
from agent_sessions.text.visible import visible

if TYPE_CHECKING:
    from django.http import HttpRequest

    from agent_sessions.admin.base import SessionAdminBase

MINE, SAME = "mine", "same"
PLACES = ("at", "before")


class Choice(NamedTuple):
    """Somebody to whom a fork may belong, and what follows from that."""

    value: str
    label: str
    remark: str


def fork(model_admin: SessionAdminBase, request: HttpRequest, object_id: str) -> HttpResponse:
    """Ask whose the fork of a session is to be, and make it once that is answered.

    The fork is whole, or ends at or before a message; it is then led to.
    """
    session = opened(model_admin, request, object_id)
    if not model_admin.has_fork_permission(request, session):
        raise PermissionDenied
    page = page_url(model_admin, session.pk)
    sent = request.POST if request.method == "POST" else request.GET
    try:
        cut = {name: int(sent[name]) for name in PLACES if name in sent}
    except ValueError:
        model_admin.message_user(request, _("That is no message's number."), messages.ERROR)
        return HttpResponseRedirect(page)
    if "owner" not in request.POST:
        hidden = [(name, str(pk)) for name, pk in cut.items()]
        return question(model_admin, request, [session], back=page, hidden=hidden)
    new = forked(
        model_admin, request, session, owner=answer(model_admin, request, [session]), **cut
    )
    if new:
        text = _("This is a fork, and began as a copy of %s.") % session.pk
        model_admin.message_user(request, text, messages.SUCCESS)
    return HttpResponseRedirect(page_url(model_admin, (new or session).pk))


def question(
    model_admin: SessionAdminBase,
    request: HttpRequest,
    sessions: list[Session],
    *,
    back: str,
    hidden: list[tuple[str, str]] | None = None,
    action: str = "",
) -> HttpResponse:
    """Return the page that asks whose the forks are to be.

    `back` is the page of whoever wants none, `hidden` what the answer sends along, and `action` the
    one of the list that asks.
    """
    context = {
        **model_admin.admin_site.each_context(request),
        "title": ngettext("Fork a session", "Fork sessions", len(sessions)),
        "opts": model_admin.opts,
        "media": model_admin.media,
        "names": confirmed(model_admin, request, sessions),
        "is_cut": bool(hidden),
        "choices": choices(model_admin, request, sessions),
        "back": back,
        "hidden": [
            *(hidden or []),
            *(hidden_fields([one.pk for one in sessions], action) if action else []),
        ],
    }
    request.current_app = model_admin.admin_site.name
    return TemplateResponse(
        request, "admin/agent_sessions/session/actions/fork_question.html", context
    )


def choices(
    model_admin: SessionAdminBase, request: HttpRequest, sessions: list[Session]
) -> list[Choice]:
    """Return to whom the forks may belong; the first is the one to suggest.

    A fork can be read by its owner, outside the admin as well. So nobody gets one into their own
    account who may not read the conversation.
    """
    found = []
    if _may_read(model_admin, request, sessions):
        me = visible(request.user.get_username())
        found.append(Choice(MINE, _("Me (%s)") % me, _("It appears among your own sessions only.")))
    owners = {session.user for session in sessions}
    if owners == {None}:
        found.append(Choice(SAME, _("Nobody"), _("The conversation has no owner either.")))
    elif len(owners) == 1:
        found.append(
            Choice(
                SAME,
                _("The owner of the conversation (%s)") % visible(str(sessions[0].user)),
                _("They see it among their sessions at once."),
            )
        )
    else:
        remark = _("They see them among their sessions at once.")
        found.append(Choice(SAME, _("The owner of each conversation"), remark))
    return found


def answer(model_admin: SessionAdminBase, request: HttpRequest, sessions: list[Session]) -> str:
    """Return the choice that was made. Raises PermissionDenied if it was not offered."""
    owner = request.POST["owner"]
    if owner not in {choice.value for choice in choices(model_admin, request, sessions)}:
        raise PermissionDenied
    return owner


def forked(
    model_admin: SessionAdminBase, request: HttpRequest, session: Session, *, owner: str, **cut: int
) -> Session | None:
    """Fork a session for its owner, or for whoever asks, and log it; or say why that cannot be."""
    sessions = Session.objects.using(router.db_for_write(Session, instance=session))
    new = type(session)(session_id=uuid4().hex)
    try:
        # In one transaction: at no time does it belong to somebody else.
        with transaction.atomic(using=sessions.db):
            sessions.fork(session.pk, new.pk, **cut)
            if owner == MINE:
                sessions.filter(pk=new.pk).update(user=request.user.pk)
    except ValueError as error:
        model_admin.message_user(request, str(error), messages.ERROR)
        return None
    model_admin.log_addition(request, new, _("Forked from %s.") % session.pk)
    log_changes(model_admin, request, [session], _("Forked as %s.") % new.pk)
    return new


def _may_read(model_admin: SessionAdminBase, request: HttpRequest, sessions: list[Session]) -> bool:
    return all(model_admin.may_read(request, session) for session in sessions)
