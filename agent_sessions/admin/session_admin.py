"""The model admin of sessions: its list, its pages and actions, and their addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import BadRequest
from django.db.models import QuerySet
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from agent_sessions.admin.access import names_to_confirm, permitted
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
    """Lists sessions and shows each as a conversation, read-only."""

    # `list_filter` and `fields` have types, so that those of a subclass may be longer or shorter.

    list_display = COLUMNS
    list_select_related = ("user",)
    list_filter: ClassVar[list[Any] | tuple[Any, ...]] = FILTERS
    list_per_page = 50
    # Only this column has an index to sort by: another one would sort every session for one page.
    sortable_by = ("updated_at",)
    date_hierarchy = "updated_at"
    show_facets = admin.ShowFacets.NEVER  # counting them reads every session
    search_help_text = _("Search by session id, title, or the owner's name or e-mail address.")
    ordering = ("-updated_at",)
    show_full_result_count = False  # counting all sessions reads the whole table for each page
    fields: ClassVar[list[Any] | tuple[Any, ...]] = (
        *("session_id", "title", "user"),
        *("created_at", "updated_at", "parent", "metadata"),
    )
    actions = (export_selected, fork_selected, purge_selected, delete_selected)
    # Given by name, because Django would look for those of a proxy under the proxy's name.
    change_form_template = "admin/agent_sessions/session/change_form.html"
    change_list_template = "admin/agent_sessions/session/change_list.html"

    class Media:
        css = {"all": ["agent_sessions/tools.css"]}

    # The list and its search

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[SessionList]:
        return SessionList

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        # Django would allow any lookup of the model's own fields: a title by its first letters, or
        # a regular expression that runs for minutes.
        filters = {*self.get_list_filter(request), self.date_hierarchy} - {None}
        return is_offered(lookup, filters) or is_of_a_popup(self.model, lookup, value)

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        # Searching titles would reveal them to requests that may not read them.
        may_read = self.has_view_content_permission(request)
        own = ("session_id", "title") if may_read else ("session_id",)
        return own + fields_to_search(self, request)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Session], search_term: str
    ) -> tuple[QuerySet[Session], bool]:
        return super().get_search_results(request, queryset, bounded(search_term))

    def get_paginator(
        self, request: HttpRequest, queryset: Any, *args: Any, **kwargs: Any
    ) -> Paginator:  # type: ignore[type-arg]  # not generic at run time
        # The list passes keys that it has checked; Django's autocomplete passes a queryset.
        if isinstance(queryset, QuerySet):
            words = bounded(request.GET.get("term", ""))
            queryset = permitted(self, request, queryset, words=words)
        return super().get_paginator(request, queryset, *args, **kwargs)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Session], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        # PostgreSQL answers a query for text that contains NUL with an error.
        if any("\x00" in pk for pk in request.POST.getlist(ACTION_CHECKBOX_NAME)):
            raise BadRequest("A session id contains NUL.")
        return super().response_action(request, queryset, *args, **kwargs)

    # The page of a session

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        # There is always an object, because nobody may add a session.
        context.update(session_page(self, request, obj, context["adminform"])._asdict())
        return super().render_change_form(request, context, add, change, form_url, obj)

    # Deletion

    def get_deleted_objects(
        self, objs: Iterable[Any], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """List and check what is deleted with the sessions, as Django does, but count messages.

        There may be very many messages and usage rows. Deleting them needs no permission besides
        the one to delete their sessions.
        """
        sessions = list(objs)
        nested, found, lacking, protected = super().get_deleted_objects(sessions, request)
        counts = {str(name): count for name, count in found.items()}
        using = sessions[0]._state.db if sessions else None
        for model in (Message, Usage):
            rows = model._base_manager.using(using).filter(session__in=sessions)
            counts[str(model._meta.verbose_name_plural)] = rows.count()
        names = names_to_confirm(self, request, sessions)
        related = [branch for branch in nested if isinstance(branch, list)]
        return [*names, *related], counts, lacking, protected

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        for _batch in delete_in_batches(queryset):
            pass

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: int) -> HttpResponse:
        response = super().response_delete(request, obj_display, obj_id)
        if response.status_code == HTTPStatus.FOUND and self.has_view_permission(request):
            # Django redirects users without the permission to change sessions to the index.
            response.headers["Location"] = list_url(self)
        return response

    # Addresses

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
        """Return the URL pattern of a view, named as Django names its own."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_{name}"
        return path(route, self.admin_site.admin_view(partial(view, self)), name=name)
