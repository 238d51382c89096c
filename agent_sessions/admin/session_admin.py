"""The model admin: what a session's pages are, who may open them, and where they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import BadRequest
from django.db.models import QuerySet
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from agent_sessions.admin.access import confirmed, permitted
from agent_sessions.admin.actions.bulk import (
    delete_selected,
    export_selected,
    fork_selected,
    purge_selected,
)
from agent_sessions.admin.actions.export import export
from agent_sessions.admin.actions.fork import fork
from agent_sessions.admin.actions.purge import purge
from agent_sessions.admin.base import SessionAdminBase
from agent_sessions.admin.changelist.changelist import SessionList
from agent_sessions.admin.changelist.columns import COLUMNS
from agent_sessions.admin.changelist.filters import FILTERS
from agent_sessions.admin.changelist.lookups import is_of_a_popup, is_offered
from agent_sessions.admin.changelist.text_sql import bounded
from agent_sessions.admin.csp import with_policy
from agent_sessions.admin.owners import fields_to_search
from agent_sessions.admin.session_page.page import session_page
from agent_sessions.admin.session_page.raw import item_view, media_view
from agent_sessions.admin.urls import list_url
from agent_sessions.admin.usage_page.page import usage_page
from agent_sessions.models import Message, Session
from agent_sessions.models.deletion import delete_in_batches
from agent_sessions.models.usage import Usage

if TYPE_CHECKING:
    from django.core.paginator import Paginator
    from django.http import HttpRequest, HttpResponse
    from django.http.response import HttpResponseBase


@admin.register(Session)
class SessionAdmin(SessionAdminBase):
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

    # What is found

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[SessionList]:
        return SessionList

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        # Django takes any field and lookup from the address: a title by how it begins, a regular
        # expression that takes minutes.
        filters = {*self.get_list_filter(request), self.date_hierarchy} - {None}
        return is_offered(lookup, filters) or is_of_a_popup(self.model, lookup, value)

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        # Whoever may not read a title could guess it by searching.
        own = ("session_id", "title") if self._shows_content(request) else ("session_id",)
        return own + fields_to_search(self, request)

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
        """List and check what goes with the sessions, as Django does, but count their messages.

        Messages and steps, which are many, need no permission but that to delete their sessions.
        """
        sessions = list(objs)
        nested, found, lacking, protected = super().get_deleted_objects(sessions, request)
        counts = {str(name): count for name, count in found.items()}
        using = sessions[0]._state.db if sessions else None
        for model in (Message, Usage):
            held = model._base_manager.using(using).filter(session__in=sessions)
            counts[str(model._meta.verbose_name_plural)] = held.count()
        names = confirmed(self, request, sessions)
        related = [rows for rows in nested if isinstance(rows, list)]
        return [*names, *related], counts, lacking, protected

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        for _batch in delete_in_batches(queryset):
            pass

    def get_paginator(
        self, request: HttpRequest, queryset: Any, *args: Any, **kwargs: Any
    ) -> Paginator:  # type: ignore[type-arg]  # not generic at run time
        # The list gives primary keys, which it has checked; Django's autocomplete gives sessions.
        if isinstance(queryset, QuerySet):
            words = bounded(request.GET.get("term", ""))
            queryset = permitted(self, request, queryset, words=words)
        return super().get_paginator(request, queryset, *args, **kwargs)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Session], search_term: str
    ) -> tuple[QuerySet[Session], bool]:
        return super().get_search_results(request, queryset, bounded(search_term))

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: int) -> HttpResponse:
        response = super().response_delete(request, obj_display, obj_id)
        if response.status_code == HTTPStatus.FOUND and self.has_view_permission(request):
            # Django leads whoever may change nothing to the index.
            response.headers["Location"] = list_url(self)
        return response

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
