"""The model admin: what a session's pages are, who may open them, and where they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth import get_permission_codename, get_user_model
from django.urls import URLPattern, path

from agent_sessions.admin.access import without_content
from agent_sessions.admin.policy import with_policy
from agent_sessions.models import Message, Session
from agent_sessions.usage import Usage

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@admin.register(Session)
class SessionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Lists sessions and shows one as a conversation, to read and not to write."""

    list_display = ("__str__", "user", "updated_at")
    list_select_related = ("user",)
    list_filter = ("updated_at",)
    list_per_page = 50
    ordering = ("-updated_at",)
    # The number of all sessions beside that of the found ones would be counted for every page.
    show_full_result_count = False
    fields = ("session_id", "title", "user", "created_at", "updated_at", "parent", "metadata")
    # Named, so that a proxy of Session under another name has them too.
    change_form_template = "admin/agent_sessions/session/change_form.html"

    # Who may do what

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        return False

    def has_view_content_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        """Tell whether the request may read what sessions, or this one, say."""
        return request.user.has_perm("agent_sessions.view_content")

    def has_export_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        """Tell whether the request may take content along: whoever may read it."""
        return self.has_view_content_permission(request, obj)

    def has_fork_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        """Tell whether the request may fork sessions: a fork is a session that is added."""
        codename = get_permission_codename("add", self.opts)
        return request.user.has_perm(f"{self.opts.app_label}.{codename}")

    def has_purge_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        """Tell whether the request may purge content: whoever may delete it altogether."""
        return self.has_delete_permission(request, obj)

    # What is found

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        # The field by which this project's users log in: user name, e-mail address...
        name = f"user__{get_user_model().USERNAME_FIELD}"
        # Whoever may not read a title could guess it by searching.
        return (
            ("session_id", "title", name) if self._shows_content(request) else ("session_id", name)
        )

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Session | None:
        # PostgreSQL has no NUL in text, and answers the question for one with an error.
        if "\x00" in object_id:
            return None
        session = super().get_object(request, object_id, from_field)
        if session is None or self.has_view_content_permission(request, session):
            return session
        return without_content(session)

    def get_deleted_objects(
        self, objs: Iterable[Any], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Count what goes with the sessions; Django would load and list each."""
        sessions = list(objs)
        counts = {
            str(Session._meta.verbose_name_plural): len(sessions),
            str(Message._meta.verbose_name_plural): Message.objects.filter(
                session__in=sessions
            ).count(),
            str(Usage._meta.verbose_name_plural): Usage.objects.filter(
                session__in=sessions
            ).count(),
        }
        name = str if self._shows_content(request) else (lambda session: session.pk)
        # Django asks for this with the permission to delete sessions, and so what they hold.
        return [name(session) for session in sessions], counts, set(), []

    # Where the pages are

    def get_urls(self) -> list[URLPattern]:
        views: list[URLPattern] = []
        urls = [*views, *super().get_urls()]
        for url in urls:
            url.callback = with_policy(url.callback)
        return urls

    def _path(self, route: str, view: Callable[..., HttpResponse], name: str) -> URLPattern:
        """Return the address of a view of ours, named as Django's own are."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_{name}"
        return path(route, self.admin_site.admin_view(partial(view, self)), name=name)

    def _shows_content(self, request: HttpRequest) -> bool:
        return self.has_view_content_permission(request)
