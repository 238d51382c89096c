"""The face of a message's card, which decides how it looks, and the title of the card."""

from __future__ import annotations

from typing import Literal, TypeAlias

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agent_sessions.items.kinds import CALL_OF, ENCRYPTED, KINDS, Kind
from agent_sessions.transcript import label_of
from agent_sessions.turns.rows import Row

Face: TypeAlias = Literal[
    "user", "assistant", "system", "tool", "reasoning", "handoff", "approval", "note", "other"
]

# The faces of all kinds in KINDS that are not a tool's call or output.
FACES: dict[str, Face] = {
    "reasoning": "reasoning",
    "mcp_approval_request": "approval",
    "mcp_approval_response": "approval",
    "compaction": "note",
    "item_reference": "other",
    ENCRYPTED: "note",
    "": "note",
}
MESSAGE_FACES: dict[str, Face] = {"user": "user", "assistant": "assistant"}

ROLES = {
    "user": gettext_lazy("User"),
    "system": gettext_lazy("System"),
    "developer": gettext_lazy("Developer"),
}


def face_of(row: Row) -> Face:
    if row.kind == "message":
        return MESSAGE_FACES.get(row.role, "system")
    if row.kind in FACES:
        return FACES[row.kind]
    return "tool" if row.kind in KINDS or row.kind in CALL_OF else "other"


def title_of(row: Row) -> str:
    if row.kind == "message":
        return _speaker(row)
    if row.kind == "mcp_approval_request":
        return request_title(row.tool_name)
    if title := KINDS.get(row.kind, Kind()).title:
        return str(title)
    if is_tool_name(row):
        return row.tool_name
    return label_of(row.kind, row.role, row.tool_name)


def request_title(tool_name: str) -> str:
    return _("Approval requested: %s") % tool_name


def is_tool_name(row: Row) -> bool:
    """Tell whether the title is the name of a tool, and not a name for its kind.

    "web_search" of a "web_search_call" only repeats the kind.
    """
    is_of_tool = bool(row.tool_name) and face_of(row) == "tool"
    return is_of_tool and not row.kind.startswith(row.tool_name)


def _speaker(row: Row) -> str:
    if row.role == "assistant":
        return row.agent_name or _("Assistant")
    return str(ROLES[row.role]) if row.role in ROLES else row.role or _("Message")
