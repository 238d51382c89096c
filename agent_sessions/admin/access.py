"""Who may open which session in the admin, and what is noted of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.translation import gettext as _

from agent_sessions.admin.log import log_changes
from agent_sessions.conf import conf
from agent_sessions.models import Session
from agent_sessions.signals import content_viewed
from agent_sessions.text.visible import visible

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from agent_sessions.admin.base import SessionAdminBase

MOST_CHECKED = 5_001
"""How many sessions are looked at one by one: those of the list, and one to tell there are more."""


def opened(model_admin: SessionAdminBase, request: HttpRequest, object_id: str) -> Session:
    """Return the session that an address names.

    Raises Http404 if there is none among those that the request may see, and PermissionDenied if
    it may see none at all.
    """
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    session = model_admin.get_object(request, unquote(object_id))
    if session is None:
        raise Http404(_("There is no such session."))
    if not model_admin.has_view_permission(request, session):
        raise PermissionDenied
    return session


def opened_to_read(
    model_admin: SessionAdminBase, request: HttpRequest, object_id: str, *, view: str
) -> Session:
    """Return the session as opened() does, for its content to be read, and note that it is."""
    session = opened(model_admin, request, object_id)
    if not model_admin.may_read(request, session):
        raise PermissionDenied
    note(model_admin, request, session, view=view)
    return session


def permitted(
    model_admin: SessionAdminBase,
    request: HttpRequest,
    sessions: QuerySet[Session],
    *,
    words: str = "",
    by_content: bool = False,
) -> QuerySet[Session]:
    """Leave out the sessions that the permissions of each one hide, if they differ by session.

    `words` were looked for in ids, owners' names and titles, and `by_content` says that what
    sessions say was searched as well. A session that may be seen and not read is left out if it
    can only have been found by what it says. Only the first MOST_CHECKED sessions are looked at.
    """
    if not model_admin.depends_on_session:
        return sessions
    kept = [
        session.pk
        for session in model_admin.seen(request, sessions.select_related("user")[:MOST_CHECKED])
        if model_admin.may_read(request, session)
        or not (by_content or (words and not _is_named_by(session, words)))
    ]
    return sessions.filter(pk__in=kept)


def _is_named_by(session: Session, words: str) -> bool:
    """Tell whether each word is in the session's id or in the name of its owner."""
    user: Any = session.user
    name = f"{session.pk}\n{user.get_username() if user else ''}".lower()
    return all(word.strip("'\"").lower() in name for word in words.split())


def note_each(
    model_admin: SessionAdminBase, request: HttpRequest, sessions: list[Session], *, view: str
) -> None:
    """Tell who reads content of several sessions, as note() does; the log in one statement."""
    for session in sessions:
        tell(request, session, view=view)
    if sessions and conf.admin_log_views:
        log_changes(model_admin, request, sessions, _("Read the content: %s.") % view)


def confirmed(
    model_admin: SessionAdminBase, request: HttpRequest, sessions: list[Session]
) -> list[str]:
    """Name the sessions of a question by their ids, and by the titles that the request may read."""
    titles = {
        session.pk: session.title.strip()
        for session in sessions
        if model_admin.may_read(request, session)
    }
    if "post" not in request.POST:
        read = [session for session in sessions if titles.get(session.pk)]
        note_each(model_admin, request, read, view="confirmation")
    return [
        f"{visible(session.pk)} ({visible(title)})"
        if (title := titles.get(session.pk))
        else visible(session.pk)
        for session in sessions
    ]


def note(
    model_admin: SessionAdminBase, request: HttpRequest, session: Session, *, view: str
) -> None:
    """Tell whoever listens, and the admin's log if the settings say so, who reads a session."""
    note_each(model_admin, request, [session], view=view)


def tell(request: HttpRequest, session: Session, *, view: str) -> None:
    """Tell whoever listens who reads a session."""
    facts: dict[str, Any] = {"session_id": session.pk, "user": request.user, "view": view}
    content_viewed.send_robust(Session, using=session._state.db, **facts)
