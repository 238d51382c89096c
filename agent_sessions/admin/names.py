"""Names of agents and tools to choose from: those of the newest messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agent_sessions.admin.access import permitted
from agent_sessions.messages import Message

if TYPE_CHECKING:
    from django.http import HttpRequest

    from agent_sessions.admin.sessions import SessionAdmin

RECENT = 2_000
"""How many of the newest messages are looked at: all would be a scan of the largest table."""


class Names(NamedTuple):
    agents: set[str]
    tools: set[str]


def recent_names(model_admin: SessionAdmin, request: HttpRequest) -> Names:
    """Return the names in the newest messages of sessions that the request may see.

    They are found once for a request, in two statements.
    """
    found: Names | None = getattr(request, "_agent_sessions_names", None)
    if found is None:
        found = _names(model_admin, request)
        request._agent_sessions_names = found  # type: ignore[attr-defined]  # kept for the request
    return found


def _names(model_admin: SessionAdmin, request: HttpRequest) -> Names:
    sessions = model_admin.get_queryset(request).order_by()
    newest = Message.objects.using(sessions.db).order_by("-pk")
    rows = list(newest.values_list("session_id", "agent_name", "tool_name")[:RECENT])
    ids = {session_id for session_id, _, _ in rows}
    seen = permitted(model_admin, request, sessions.filter(pk__in=ids))
    seen_ids = set(seen.values_list("pk", flat=True))
    own = [row for row in rows if row[0] in seen_ids]
    return Names(
        agents={agent for _, agent, _ in own} - {""}, tools={tool for _, _, tool in own} - {""}
    )
