"""Which sessions a request may open, and the record of who read or changed them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.translation import gettext as _

from agent_sessions.admin.base import nameless
from agent_sessions.conf import conf
from agent_sessions.models import Session
from agent_sessions.signals import content_viewed
from agent_sessions.text.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet
    from django.http import HttpRequest

    from agent_sessions.admin.base import SessionAdminBase

MOST_CHECKED = 5_001
"""How many sessions permitted() checks one by one: the list's 5,000, and one to tell of more."""


def opened(model_admin: SessionAdminBase, request: HttpRequest, object_id: str) -> Session:
    """Return the session that an address names.

    Raises Http404 if the request's sessions contain none of that id, and PermissionDenied if the
    request may not see it, or any session at all.
    """
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    session: Session | None = model_admin.get_object(request, unquote(object_id))
    if session is None:
        raise Http404(_("There is no such session."))
    if not model_admin.has_view_permission(request, session):
        raise PermissionDenied
    return session


def opened_to_read(
    model_admin: SessionAdminBase, request: HttpRequest, object_id: str, *, view: str
) -> Session:
    """Return a session as opened() does, if its content may be read, and record the reading."""
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
    """Leave out the sessions that a subclass's permissions hide, if they differ by session.

    `words` is a search in ids, owners' names and titles; `by_content` says that messages were
    searched as well. A session that may be seen but not read is left out if only its content can
    have matched. Only the first MOST_CHECKED sessions are checked.
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


def names_to_confirm(
    model_admin: SessionAdminBase, request: HttpRequest, sessions: list[Session]
) -> list[str]:
    """Name sessions for a confirmation page: by id, and by title where it may be read.

    Showing the titles is recorded as reading, until the request confirms ("post").
    """
    titles = {
        session.pk: session.title.strip()
        for session in sessions
        if model_admin.may_read(request, session)
    }
    if "post" not in request.POST:
        titled = [session for session in sessions if titles.get(session.pk)]
        note_each(model_admin, request, titled, view="confirmation")
    return [
        f"{visible(session.pk)} ({visible(title)})"
        if (title := titles.get(session.pk))
        else visible(session.pk)
        for session in sessions
    ]


def note(
    model_admin: SessionAdminBase, request: HttpRequest, session: Session, *, view: str
) -> None:
    """See note_each()."""
    note_each(model_admin, request, [session], view=view)


def note_each(
    model_admin: SessionAdminBase, request: HttpRequest, sessions: list[Session], *, view: str
) -> None:
    """Record that the request reads sessions: by the signal, and in the log if the settings say so.

    `view` names the page or the file in which they are read.
    """
    for session in sessions:
        send_viewed(request, session, view=view)
    if sessions and conf.admin_log_views:
        log_changes(model_admin, request, sessions, _("Read the content: %s.") % view)


def send_viewed(request: HttpRequest, session: Session, *, view: str) -> None:
    """Send the signal that the request reads a session. Errors of receivers are only logged."""
    facts: dict[str, Any] = {"session_id": session.pk, "user": request.user, "view": view}
    content_viewed.send_robust(Session, using=session._state.db, **facts)


def log_changes(
    model_admin: SessionAdminBase, request: HttpRequest, sessions: Iterable[Session], message: str
) -> None:
    """Write the same message into the admin's log for each session, in one statement.

    The log names sessions by their ids: a title would stay there after a purge.
    """
    named = [nameless(session) for session in sessions]
    if not named:
        return
    if len(named) == 1:
        model_admin.log_change(request, named[0], message)
        return
    user_id = request.user.pk or 0  # the admin lets in no user without a key
    LogEntry.objects.log_actions(user_id, named, CHANGE, message)
