"""The admin: sessions to find, and each of them to read as the conversation that it is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth import get_user_model
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from agent_sessions.conf import conf
from agent_sessions.models import Message, Session
from agent_sessions.usage import Usage

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

BEFORE = re.compile(r"[0-9]{1,18}")  # what fits a 64-bit id; anything else shows the newest page


@admin.register(Session)
class SessionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Lists sessions and shows one as a transcript, to read and not to write."""

    list_display = ("__str__", "user", "message_count", "updated_at")
    list_select_related = ("user",)
    list_filter = ("updated_at",)
    ordering = ("-updated_at",)
    # The number of all sessions beside that of the found ones would be counted for every page.
    show_full_result_count = False
    fields = ("session_id", "title", "user", "created_at", "updated_at", "parent", "metadata")

    class Media:
        css = {"all": ("agent_sessions/transcript.css",)}

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        # The field by which this project's users log in: user name, e-mail address...
        return ("session_id", "title", f"user__{get_user_model().USERNAME_FIELD}")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Session]:
        # A subquery counts for the rows of one page only; a join would group the whole table.
        counted = (
            Message.objects.filter(session=OuterRef("pk"))
            .order_by()
            .values("session")
            .values_list(Count("pk"))
        )
        sessions: QuerySet[Session] = super().get_queryset(request)
        return sessions.annotate(message_count=Coalesce(Subquery(counted, IntegerField()), 0))

    @admin.display(description=_("messages"))
    def message_count(self, session: Any) -> int:
        return int(session.message_count)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Session | None:
        # PostgreSQL has no NUL in text, and answers the question for one with an error.
        if "\x00" in object_id:
            return None
        return super().get_object(request, object_id, from_field)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        return False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the newest messages of the session, or those before the message ?before=."""
        before = request.GET.get("before", "")
        before_pk = int(before) if BEFORE.fullmatch(before) else None
        # Read by the template, which is reached with permission and for sessions that exist.
        page = SimpleLazyObject(lambda: _page(unquote(object_id), before_pk))
        return super().change_view(
            request, object_id, form_url, {"transcript": page, **(extra_context or {})}
        )

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
        # Django asks for this with the permission to delete sessions, and so what they hold.
        return [str(session) for session in sessions], counts, set(), []


def _page(session_id: str, before: int | None) -> dict[str, Any]:
    """Return a window of the session's messages, oldest first, for the template.

    One row more than fits tells whether there are earlier ones, without counting them.
    """
    size = conf.admin_page_size
    newest_first = Message.objects.filter(session_id=session_id).order_by("-pk")
    if before is not None:
        newest_first = newest_first.filter(pk__lt=before)
    messages = list(newest_first[: size + 1])
    has_earlier = len(messages) > size
    shown = messages[:size][::-1]
    return {"messages": shown, "has_earlier": has_earlier, "is_newest": before is None}
