"""The context of a session's page: its head, a window of its conversation, and search results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from django.contrib.admin.helpers import AdminReadonlyField
from django.contrib.admin.utils import flatten_fieldsets
from django.db.models import Max, Min, Q

from agent_sessions.admin.access import note
from agent_sessions.admin.owners import user_url
from agent_sessions.admin.session_page.parts import json_of
from agent_sessions.admin.session_page.search import Hits, search, sought
from agent_sessions.admin.session_page.spent import spent_in
from agent_sessions.admin.session_page.turns import TurnView, conversation
from agent_sessions.admin.session_page.window import Window, window
from agent_sessions.admin.urls import page_url
from agent_sessions.models.message import FAILED, Message
from agent_sessions.text.visible import visible
from agent_sessions.turns.summaries import Summary, summaries

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet
    from django.http import HttpRequest

    from agent_sessions.admin.base import SessionAdminBase
    from agent_sessions.models import Session

SHOWN = ("session_id", "title", "user", "created_at", "updated_at", "parent", "metadata")
MOST_FORKS = 10


class SessionPage(NamedTuple):
    """The variables that the page adds to the context of Django's change form.

    `extra_fields` are labels and values of fields that a subclass of SessionAdmin adds.
    """

    may_read: bool
    may_export: bool
    may_fork: bool
    may_purge: bool
    subtitle: str
    head: Head
    user_url: str
    summary: Summary
    agents: list[str]
    relatives: Relatives
    extra_fields: list[tuple[str, Any]]
    failures: Failures | None
    hits: Hits | None
    window: Window
    turns: list[TurnView]


class Head(NamedTuple):
    """The fields of the session that the admin shows; blank if they are content or left out."""

    session_id: str
    title: str
    user: str
    metadata: str
    created_at: datetime | None
    updated_at: datetime | None


class Relatives(NamedTuple):
    """The session's parent and its newest forks, if the request may see them."""

    parent: str
    parent_url: str
    forks: list[tuple[str, str]]
    has_more_forks: bool


class Failures(NamedTuple):
    """Ids of messages with failed tools: the newest, and the nearest outside the window."""

    newest: int | None
    earlier: int | None
    later: int | None


def session_page(
    model_admin: SessionAdminBase, request: HttpRequest, session: Session, adminform: Any
) -> SessionPage:
    """Return the context of the page, with a fixed number of queries."""
    may_read = model_admin.may_read(request, session)
    alias = session._state.db
    messages = Message.objects.using(alias).filter(session_id=session.pk)
    query = {name: value for name, value in request.GET.items() if isinstance(value, str)}
    summary = summaries([session.pk], using=alias, with_text=may_read)[session.pk]
    shown = window(messages, query, turns=summary.turns)
    if may_read:
        note(model_admin, request, session, view="page")
    turns = conversation(shown, spent_in(shown, session), may_read=may_read)
    if not shown.before and not shown.after:  # all turns are here, even those the SDK wrote
        summary = summary._replace(turns=sum(turn.number != 0 for turn in turns))
    return SessionPage(
        may_read=may_read,
        may_export=model_admin.has_export_permission(request, session),
        may_fork=model_admin.has_fork_permission(request, session),
        may_purge=model_admin.has_purge_permission(request, session),
        subtitle=visible(session.title or session.pk),
        head=_head(model_admin, request, session, may_read),
        user_url=user_url(model_admin, request, session.user),
        summary=summary._replace(first_words=visible(summary.first_words)),
        agents=[visible(agent) for agent in summary.agents],
        relatives=_relatives(model_admin, request, session),
        extra_fields=_extra_fields(adminform),
        failures=_failures(messages, shown) if summary.failed_tools else None,
        hits=_hits(model_admin, request, session, messages) if may_read else None,
        window=shown,
        turns=turns,
    )


def _head(
    model_admin: SessionAdminBase, request: HttpRequest, session: Session, may_read: bool
) -> Head:
    names = set(flatten_fieldsets(model_admin.get_fieldsets(request, session)))
    has_metadata = may_read and "metadata" in names and session.metadata
    return Head(
        session_id=visible(session.session_id),
        title=visible(session.title) if may_read and "title" in names else "",
        user=visible(str(session.user)) if session.user_id and "user" in names else "",
        metadata=visible(json_of(session.metadata)) if has_metadata else "",
        created_at=session.created_at if "created_at" in names else None,
        updated_at=session.updated_at if "updated_at" in names else None,
    )


def _relatives(model_admin: SessionAdminBase, request: HttpRequest, session: Session) -> Relatives:
    seen = model_admin.get_queryset(request).using(session._state.db).order_by()
    newest = seen.filter(parent=session.pk).order_by("-updated_at")[: MOST_FORKS + 1]
    forks = model_admin.seen(request, newest)
    parent = next(iter(model_admin.seen(request, seen.filter(pk=session.parent_id))), None)
    return Relatives(
        parent=visible(parent.pk) if parent else "",
        parent_url=page_url(model_admin, parent.pk) if parent else "",
        forks=[(visible(fork.pk), page_url(model_admin, fork.pk)) for fork in forks[:MOST_FORKS]],
        has_more_forks=len(forks) > MOST_FORKS,
    )


def _extra_fields(adminform: Any) -> list[tuple[str, Any]]:
    """Return the label and value of each field that no other part of the page shows."""
    fields = (field for fieldset in adminform for line in fieldset for field in line)
    return [
        (field.field["label"], field.contents())
        for field in fields
        if isinstance(field, AdminReadonlyField) and field.field["name"] not in SHOWN
    ]


def _failures(messages: QuerySet[Message], shown: Window) -> Failures:
    """Find failed tools, in an index that contains nothing else."""
    found = (
        messages.filter(FAILED)
        .order_by()
        .aggregate(
            newest=Max("pk"),
            earlier=Max("pk", filter=Q(pk__lt=shown.first_id)),
            later=Min("pk", filter=Q(pk__gt=shown.last_id)),
        )
    )
    return Failures(**found)


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
