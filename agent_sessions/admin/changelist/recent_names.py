"""Names of agents and tools to choose from: those of the newest messages and sessions."""

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

RECENT = 2_000
"""How many of the newest messages are looked at: all would be a scan of the largest table."""

ENDS = 1_000
"""Of how many of the newest sessions the agent is looked up that spoke last."""


class Names(NamedTuple):
    agents: set[str]
    tools: set[str]


def recent_names(model_admin: SessionAdminBase, request: HttpRequest) -> Names:
    """Return the names in the newest messages of sessions that the request may see.

    Beside them are the agents with which the newest of these sessions end: a session may be longer
    than what is looked at of messages, and somebody may see only sessions that are older.
    They are found once for a request, in three statements.
    """
    found: Names | None = getattr(request, "_agent_sessions_names", None)
    if found is None:
        found = _names(model_admin, request)
        request._agent_sessions_names = found  # type: ignore[attr-defined]  # kept for the request
    return found


def _names(model_admin: SessionAdminBase, request: HttpRequest) -> Names:
    sessions = model_admin.get_queryset(request).order_by()
    newest = Message.objects.using(sessions.db).order_by("-pk")
    rows = list(newest.values_list("session_id", "agent_name", "tool_name")[:RECENT])
    ids = {session_id for session_id, _, _ in rows}
    seen = permitted(model_admin, request, sessions.filter(pk__in=ids))
    seen_ids = set(seen.values_list("pk", flat=True))
    own = [row for row in rows if row[0] in seen_ids]
    newest_sessions = permitted(model_admin, request, sessions.order_by("-updated_at", "-pk"))
    agents = {agent for _, agent, _ in own} | _last_agents(newest_sessions)
    return Names(agents=agents - {""}, tools={tool for _, _, tool in own} - {""})


def _last_agents(sessions: QuerySet[Session]) -> set[str]:
    """Return the agents that spoke last in the first of `sessions`, each found by an index."""
    spoken = Message.objects.filter(session=OuterRef("pk")).exclude(agent_name="")
    last = Subquery(spoken.order_by("-pk").values("agent_name")[:1])
    return {name or "" for name in sessions.values_list(last, flat=True)[:ENDS]}
