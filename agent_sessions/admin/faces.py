"""How a message is shown: the look of its card, and what stands above it. (pure)"""

from __future__ import annotations

from typing import Literal, TypeAlias

from django.utils.translation import gettext as _

from agent_sessions.pairs import CALLS, OUTPUTS
from agent_sessions.rows import Row
from agent_sessions.transcript import label_of

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
        roles = {"user": _("User"), "system": _("System"), "developer": _("Developer")}
        if row.role == "assistant":
            return row.agent_name or _("Assistant")
        return roles.get(row.role) or row.role or _("Message")
    titles = {
        "reasoning": _("Reasoning"),
        "compaction": _("The conversation until here was compacted"),
        "encrypted": _("Encrypted by EncryptedSession, cannot be read here"),
        "item_reference": _("Reference to an item"),
        "mcp_approval_request": _("Approval asked for: %s") % row.tool_name,
        "mcp_approval_response": _("Approval"),
        "mcp_list_tools": _("Tools of a server"),
        "web_search_call": _("Web search"),
        "file_search_call": _("File search"),
        "code_interpreter_call": _("Code interpreter"),
        "image_generation_call": _("Image generation"),
        "computer_call": _("Computer"),
        "local_shell_call": _("Local shell"),
        "shell_call": _("Shell"),
        "apply_patch_call": _("Patch"),
        "tool_search_call": _("Search for tools"),
        "program": _("Program"),
        "": _("Unknown item"),
    }
    if row.kind in titles:
        return titles[row.kind]
    if is_named(row):
        return row.tool_name
    return label_of(row.kind, row.role, row.tool_name)


def is_named(row: Row) -> bool:
    """Tell whether a card is under the name of its tool, and not of the kind that says the same."""
    is_of_tool = bool(row.tool_name) and face_of(row) == "tool"
    return is_of_tool and not row.kind.startswith(row.tool_name)
