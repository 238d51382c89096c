"""What the page of a session shows: its head, a window of its conversation, what was sought."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.admin.helpers import AdminReadonlyField
from django.contrib.admin.utils import flatten_fieldsets
from django.db.models import Max, Min, Q

from agent_sessions.admin.access import note
from agent_sessions.admin.owners import user_url
from agent_sessions.admin.session_page.parts import json_of
from agent_sessions.admin.session_page.search import Hits, search, sought
from agent_sessions.admin.session_page.turns import Spent, conversation
from agent_sessions.admin.session_page.window import Window, window
from agent_sessions.admin.urls import page_url
from agent_sessions.models.message import FAILED, Message
from agent_sessions.models.usage import Usage, UsageQuerySet
from agent_sessions.text.visible import visible
from agent_sessions.turns.summaries import summaries

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from agent_sessions.admin.base import SessionAdminBase
    from agent_sessions.models import Session

SHOWN = ("session_id", "title", "user", "created_at", "updated_at", "parent", "metadata")
MOST_FORKS = 10
# Steps whose messages were popped stay: of a window there may be any number of them.
MOST_STEPS = 2_000


def session_page(
    model_admin: SessionAdminBase, request: HttpRequest, session: Session, adminform: Any
) -> dict[str, Any]:
    """Return the context of the page, with a fixed number of statements."""
    may_read = model_admin.may_read(request, session)
    alias = session._state.db
    messages = Message.objects.using(alias).filter(session_id=session.pk)
    query = {name: value for name, value in request.GET.items() if isinstance(value, str)}
    summary = summaries([session.pk], using=alias, with_text=may_read)[session.pk]
    shown = window(messages, query, turns=summary.turns)
    if may_read:
        note(model_admin, request, session, view="page")
    turns = conversation(shown, _spent(shown, session), may_read=may_read)
    if not shown.before and not shown.after:  # then the page knows, whoever wrote the messages
        summary = summary._replace(turns=sum(turn.number != 0 for turn in turns))
    context = {
        "may_read": may_read,
        "window": shown,
        "turns": turns,
        "failures": _failures(messages, shown) if summary.failed_tools else None,
        "hits": _hits(model_admin, request, session, messages) if may_read else None,
        "summary": summary._replace(first_words=visible(summary.first_words)),
        "agents": [visible(agent) for agent in summary.agents],
        "subtitle": visible(session.title or session.pk),
        "may_export": model_admin.has_export_permission(request, session),
        "may_fork": model_admin.has_fork_permission(request, session),
        "may_purge": model_admin.has_purge_permission(request, session),
        "head": _head(model_admin, request, session, may_read),
        "user_url": user_url(model_admin, request, session.user),
        "extra_fields": _extra_fields(adminform),
        **_relatives(model_admin, request, session),
    }
    return context


def _spent(shown: Window, session: Session) -> Spent:
    """Read what is recorded of the steps that end in the window."""
    if shown.first_id is None:
        return Spent([], [])
    steps = steps_in(shown, session).order_by("message")
    traced = steps.exclude(trace_id="").values_list("message_id", "trace_id").distinct()
    return Spent([*steps[:MOST_STEPS].by_message()], [*traced[:MOST_STEPS]])


def steps_in(shown: Window, session: Session) -> UsageQuerySet:
    """Return the steps that end in a window, or after it where their messages are gone."""
    steps = Usage.objects.using(session._state.db).filter(session_id=session.pk)
    steps = steps.filter(message__gte=shown.first_id)
    return steps.filter(message__lt=shown.after[0].pk) if shown.after else steps


def _failures(messages: QuerySet[Message], shown: Window) -> dict[str, int | None]:
    """Return the newest message that says that a tool failed, and the nearest beside the window.

    An index holds nothing but these.
    """
    return (
        messages.filter(FAILED)
        .order_by()
        .aggregate(
            newest=Max("pk"),
            earlier=Max("pk", filter=Q(pk__lt=shown.first_id)),
            later=Min("pk", filter=Q(pk__gt=shown.last_id)),
        )
    )


def _hits(
    model_admin: SessionAdminBase,
    request: HttpRequest,
    session: Session,
    messages: QuerySet[Message],
) -> Hits | None:
    words = sought(request.GET.get("find", ""))
    if not words:
        return None
    note(model_admin, request, session, view="search")
    return search(messages, words)


def _head(
    model_admin: SessionAdminBase, request: HttpRequest, session: Session, may_read: bool
) -> dict[str, Any]:
    """Return the facts of the session that the admin shows, less those that are content."""
    names = set(flatten_fieldsets(model_admin.get_fieldsets(request, session)))
    has_metadata = may_read and "metadata" in names and session.metadata
    return {
        "session_id": visible(session.session_id),
        "title": visible(session.title) if may_read and "title" in names else "",
        "user": visible(str(session.user)) if session.user_id and "user" in names else "",
        "metadata": visible(json_of(session.metadata)) if has_metadata else "",
        "created_at": session.created_at if "created_at" in names else None,
        "updated_at": session.updated_at if "updated_at" in names else None,
    }


def _extra_fields(adminform: Any) -> list[tuple[str, Any]]:
    """Return what a subclass shows beside the fields that the page has a place for."""
    fields = (field for fieldset in adminform for line in fieldset for field in line)
    return [
        (field.field["label"], field.contents())
        for field in fields
        if isinstance(field, AdminReadonlyField) and field.field["name"] not in SHOWN
    ]


def _relatives(
    model_admin: SessionAdminBase, request: HttpRequest, session: Session
) -> dict[str, Any]:
    """Return the session's parent and its newest forks, as far as the request may see them."""
    seen = model_admin.get_queryset(request).using(session._state.db).order_by()
    newest = seen.filter(parent=session.pk).order_by("-updated_at")[: MOST_FORKS + 1]
    forks = model_admin.seen(request, newest)
    parent = next(iter(model_admin.seen(request, seen.filter(pk=session.parent_id))), None)
    return {
        "parent": parent and visible(parent.pk),
        "parent_url": parent and page_url(model_admin, parent.pk),
        "forks": [
            (visible(fork.pk), page_url(model_admin, fork.pk)) for fork in forks[:MOST_FORKS]
        ],
        "has_more_forks": len(forks) > MOST_FORKS,
    }
