"""Agents and tools that the filters offer: the names in the newest messages and sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.db.models import OuterRef, Subquery

from agent_sessions.admin.access import permitted
from agent_sessions.models.message import Message

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from agent_sessions.admin.base import SessionAdminBase
    from agent_sessions.models import Session

RECENT_MESSAGES = 2_000
"""How many of the newest messages are read. To read all would scan the largest table."""

RECENT_SESSIONS = 1_000
"""For how many of the newest sessions the last agent is looked up."""


class RecentNames(NamedTuple):
    agents: set[str]
    tools: set[str]


def recent_names(model_admin: SessionAdminBase, request: HttpRequest) -> RecentNames:
    """Return the names in the newest messages of sessions that the request may see.

    The last agents of the newest of these sessions are added: one long session may have written all
    of the newest messages, and the request may see none of them. Each request looks them up once,
    in three statements.
    """
    found: RecentNames | None = getattr(request, "_agent_sessions_names", None)
    if found is None:
        found = _read_names(model_admin, request)
        request._agent_sessions_names = found  # type: ignore[attr-defined]  # kept for the request
    return found


def _read_names(model_admin: SessionAdminBase, request: HttpRequest) -> RecentNames:
    sessions = model_admin.get_queryset(request).order_by()
    newest = Message.objects.using(sessions.db).order_by("-pk")
    rows = list(newest.values_list("session_id", "agent_name", "tool_name")[:RECENT_MESSAGES])
    ids = {session_id for session_id, _, _ in rows}
    seen = permitted(model_admin, request, sessions.filter(pk__in=ids))
    seen_ids = set(seen.values_list("pk", flat=True))
    own = [row for row in rows if row[0] in seen_ids]
    newest_sessions = permitted(model_admin, request, sessions.order_by("-updated_at", "-pk"))
    agents = {agent for _, agent, _ in own} | _last_agents(newest_sessions)
    return RecentNames(agents=agents - {""}, tools={tool for _, _, tool in own} - {""})


def _last_agents(sessions: QuerySet[Session]) -> set[str]:
    """Return the last agent of each of the first sessions, found by an index."""
    messages = Message.objects.filter(session=OuterRef("pk")).exclude(agent_name="")
    last = Subquery(messages.order_by("-pk").values("agent_name")[:1])
    return {name or "" for name in sessions.values_list(last, flat=True)[:RECENT_SESSIONS]}
