"""Who may do what with which session: the part of the model admin that its pages build on.

Pages and actions are typed against `SessionAdminBase`. It imports none of them; `SessionAdmin` adds
them to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth import get_permission_codename

from agent_sessions.models import Session

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpRequest


class SessionAdminBase(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """A read-only model admin of sessions, with a separate permission to read their content."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        return False

    def has_view_content_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        """Tell whether the request may read the content of sessions, or of this one."""
        return request.user.has_perm("agent_sessions.view_content")

    def has_export_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        """Tell whether the request may export sessions: the permission to read them is enough."""
        return self.has_view_content_permission(request, obj)

    def has_fork_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        """Tell whether the request may fork sessions: a fork adds a session."""
        codename = get_permission_codename("add", self.opts)
        return request.user.has_perm(f"{self.opts.app_label}.{codename}")

    def has_purge_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        """Tell whether the request may purge content: the permission to delete is enough."""
        return self.has_delete_permission(request, obj)

    @property
    def depends_on_session(self) -> bool:
        """Whether a subclass decides for each session who may see or read it."""
        kind = type(self)
        return (
            kind.has_view_permission is not admin.ModelAdmin.has_view_permission
            or kind.has_view_content_permission is not SessionAdminBase.has_view_content_permission
        )

    def may_read(self, request: HttpRequest, session: Session) -> bool:
        """Tell whether the request may read the content of a session that it may see."""
        return self.has_view_permission(request, session) and self.has_view_content_permission(
            request, session
        )

    def seen(self, request: HttpRequest, sessions: Iterable[Session]) -> list[Session]:
        """Return the sessions that the request may see."""
        return [session for session in sessions if self.has_view_permission(request, session)]

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Session | None:
        """Return a session, without its title and metadata if the request may not read them."""
        # PostgreSQL answers a query for text that contains NUL with an error.
        if "\x00" in object_id:
            return None
        # An address may contain an empty `_to_field`, which Django would look up as a field.
        session = super().get_object(request, object_id, from_field or None)
        if session is None or self.may_read(request, session):
            return session
        return without_content(session)

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Session]) -> Any:
        """Log deletions under the sessions' ids: a title would outlive its session."""
        named = [nameless(session) for session in queryset]
        return super().log_deletions(request, named)  # type: ignore[arg-type]  # a list will do


def without_content(session: Session) -> Session:
    """Blank the fields of a session that tell about its content. It must not be saved then."""
    session.title, session.metadata = "", {}
    return session


def nameless(session: Session) -> Session:
    """Return a session that knows nothing but its id, to be named by that in the admin's log."""
    return type(session)(session_id=session.pk)
