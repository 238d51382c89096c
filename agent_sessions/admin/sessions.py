"""The model admin: what a session's pages are, who may open them, and where they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth import get_permission_codename
from django.core.exceptions import BadRequest
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from agent_sessions.admin.access import without_content
from agent_sessions.admin.actions import (
    delete_selected,
    export_selected,
    fork_selected,
    purge_selected,
)
from agent_sessions.admin.addresses import list_url
from agent_sessions.admin.columns import COLUMNS
from agent_sessions.admin.exports import export
from agent_sessions.admin.filters import FILTERS
from agent_sessions.admin.forking import fork
from agent_sessions.admin.items import item_view, media_view
from agent_sessions.admin.listing import SessionList
from agent_sessions.admin.log import nameless
from agent_sessions.admin.owners import fields_to_search
from agent_sessions.admin.pages import session_page
from agent_sessions.admin.policy import with_policy
from agent_sessions.admin.purging import purge
from agent_sessions.admin.usage_page import usage_page
from agent_sessions.models import Message, Session
from agent_sessions.usage import Usage
from agent_sessions.visible import visible

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.http.response import HttpResponseBase


@admin.register(Session)
class SessionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Lists sessions and shows one as a conversation, to read and not to write."""

    list_display = COLUMNS
    list_select_related = ("user",)
    list_filter = FILTERS
    list_per_page = 50
    sortable_by = ("updated_at",)  # whatever else would be sorted whole for a page of it
    date_hierarchy = "updated_at"
    show_facets = admin.ShowFacets.NEVER  # to count would be to look at every session
    search_help_text = _("Search by session id, title, or the owner's name or e-mail address.")
    ordering = ("-updated_at",)
    # The number of all sessions beside that of the found ones would be counted for every page.
    show_full_result_count = False
    fields = ("session_id", "title", "user", "created_at", "updated_at", "parent", "metadata")
    actions = (export_selected, fork_selected, purge_selected, delete_selected)
    # Named, so that a proxy of Session under another name has them too.
    change_form_template = "admin/agent_sessions/session/change_form.html"
    change_list_template = "admin/agent_sessions/session/change_list.html"

    class Media:
        css = {"all": ["agent_sessions/tools.css"]}

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

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[SessionList]:
        return SessionList

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        # Django takes any field of the model from the address. What a title begins with would
        # tell the title.
        is_content = lookup.split("__")[0] in ("title", "metadata")
        if is_content and not self._shows_content(request):
            return False
        return super().lookup_allowed(lookup, value, request)

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        # Whoever may not read a title could guess it by searching.
        own = ("session_id", "title") if self._shows_content(request) else ("session_id",)
        return own + fields_to_search(self, request)

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

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Session], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        # As above, of sessions that were chosen.
        if any("\x00" in pk for pk in request.POST.getlist(ACTION_CHECKBOX_NAME)):
            raise BadRequest("An id holds a NUL.")
        return super().response_action(request, queryset, *args, **kwargs)

    def get_deleted_objects(
        self, objs: Iterable[Any], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Count what goes with the sessions; Django would load and list each."""
        sessions = list(objs)
        using = sessions[0]._state.db if sessions else None
        counts = {str(Session._meta.verbose_name_plural): len(sessions)}
        for model in (Message, Usage):
            held = model._base_manager.using(using).filter(session__in=sessions)
            counts[str(model._meta.verbose_name_plural)] = held.count()
        reads = self._shows_content(request)
        names = [visible(str(session) if reads else session.pk) for session in sessions]
        # Django asks for this with the permission to delete sessions, and so what they hold.
        return names, counts, set(), []

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: int) -> HttpResponse:
        response = super().response_delete(request, obj_display, obj_id)
        if response.status_code == HTTPStatus.FOUND and self.has_view_permission(request):
            # Django leads whoever may change nothing to the index.
            response.headers["Location"] = list_url(self)
        return response

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Session]) -> Any:
        # Under their ids: a title would stay in the log when the session is gone.
        named = [nameless(session) for session in queryset]
        return super().log_deletions(request, named)  # type: ignore[arg-type]  # a list will do

    # What is shown

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Session | None = None,
    ) -> HttpResponse:
        context.update(session_page(self, request, obj, context["adminform"]) if obj else {})
        return super().render_change_form(request, context, add, change, form_url, obj)

    # Where the pages are

    def get_urls(self) -> list[URLPattern]:
        views: list[URLPattern] = [
            self._path("usage/", usage_page, "usage"),
            self._path("<path:object_id>/export/<slug:file_format>/", export, "export"),
            self._path("<path:object_id>/fork/", fork, "fork"),
            self._path("<path:object_id>/purge/", purge, "purge"),
            self._path("<path:object_id>/item/<int:message_id>/", item_view, "item"),
            self._path("<path:object_id>/media/<int:message_id>/<int:place>/", media_view, "media"),
        ]
        urls = [*views, *super().get_urls()]
        for url in urls:
            url.callback = with_policy(url.callback)
        return urls

    def _path(self, route: str, view: Callable[..., HttpResponseBase], name: str) -> URLPattern:
        """Return the address of a view of ours, named as Django's own are."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_{name}"
        return path(route, self.admin_site.admin_view(partial(view, self)), name=name)

    def _shows_content(self, request: HttpRequest) -> bool:
        return self.has_view_content_permission(request)
