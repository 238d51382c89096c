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

if TYPE_CHECKING:
    from django.http import HttpRequest

    from agent_sessions.admin.sessions import SessionAdmin


def opened(model_admin: SessionAdmin, request: HttpRequest, object_id: str) -> Session:
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
    model_admin: SessionAdmin, request: HttpRequest, object_id: str, *, view: str
) -> Session:
    """Return the session as opened() does, for its content to be read, and note that it is."""
    session = opened(model_admin, request, object_id)
    if not model_admin.has_view_content_permission(request, session):
        raise PermissionDenied
    note(model_admin, request, session, view=view)
    return session


def note(model_admin: SessionAdmin, request: HttpRequest, session: Session, *, view: str) -> None:
    """Tell whoever listens, and the admin's log if the settings say so, who reads a session."""
    tell(request, session, view=view)
    if conf.admin_log_views:
        log_changes(model_admin, request, [session], _("Read the content: %s.") % view)


def tell(request: HttpRequest, session: Session, *, view: str) -> None:
    """Tell whoever listens who reads a session."""
    facts: dict[str, Any] = {"session_id": session.pk, "user": request.user, "view": view}
    content_viewed.send_robust(Session, using=session._state.db, **facts)


def without_content(session: Session) -> Session:
    """Take from a session, which is not to be saved, what tells of its content."""
    session.title, session.metadata = "", {}
    return session
