"""How a message is shown: the look of its card, and what stands above it. (pure)"""

from __future__ import annotations

from typing import Literal, TypeAlias

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agent_sessions.items.kinds import CALLS, OUTPUTS
from agent_sessions.transcript import label_of
from agent_sessions.turns.rows import Row

Face: TypeAlias = Literal[
    "user", "assistant", "system", "tool", "reasoning", "handoff", "approval", "note", "other"
]

TOOLS = {
    *OUTPUTS,
    *CALLS,
    "mcp_call",
    "mcp_list_tools",
    "web_search_call",
    "file_search_call",
    "code_interpreter_call",
    "image_generation_call",
}

ROLES = {
    "user": gettext_lazy("User"),
    "system": gettext_lazy("System"),
    "developer": gettext_lazy("Developer"),
}
TITLES = {
    "reasoning": gettext_lazy("Reasoning"),
    "compaction": gettext_lazy("The conversation until here was compacted"),
    "encrypted": gettext_lazy("Encrypted by EncryptedSession, cannot be read here"),
    "item_reference": gettext_lazy("Reference to an item"),
    "mcp_approval_response": gettext_lazy("Approval"),
    "mcp_list_tools": gettext_lazy("Tools of a server"),
    "web_search_call": gettext_lazy("Web search"),
    "file_search_call": gettext_lazy("File search"),
    "code_interpreter_call": gettext_lazy("Code interpreter"),
    "image_generation_call": gettext_lazy("Image generation"),
    "computer_call": gettext_lazy("Computer"),
    "local_shell_call": gettext_lazy("Local shell"),
    "shell_call": gettext_lazy("Shell"),
    "apply_patch_call": gettext_lazy("Patch"),
    "tool_search_call": gettext_lazy("Search for tools"),
    "program": gettext_lazy("Program"),
    "": gettext_lazy("Unknown item"),
}


def face_of(row: Row) -> Face:
    if row.kind == "message":
        faces: dict[str, Face] = {"user": "user", "assistant": "assistant"}
        return faces.get(row.role, "system")
    faces = {
        "reasoning": "reasoning",
        "mcp_approval_request": "approval",
        "mcp_approval_response": "approval",
        "compaction": "note",
        "encrypted": "note",
        "": "note",
    }
    return faces.get(row.kind, "tool" if row.kind in TOOLS else "other")


def title_of(row: Row) -> str:
    if row.kind == "message":
        return _speaker(row)
    if row.kind == "mcp_approval_request":
        return _("Approval asked for: %s") % row.tool_name
    if row.kind in TITLES:
        return str(TITLES[row.kind])
    if is_named(row):
        return row.tool_name
    return label_of(row.kind, row.role, row.tool_name)


def _speaker(row: Row) -> str:
    if row.role == "assistant":
        return row.agent_name or _("Assistant")
    return str(ROLES[row.role]) if row.role in ROLES else row.role or _("Message")


def is_named(row: Row) -> bool:
    """Tell whether a card is under the name of its tool, and not of the kind that says the same."""
    is_of_tool = bool(row.tool_name) and face_of(row) == "tool"
    return is_of_tool and not row.kind.startswith(row.tool_name)
