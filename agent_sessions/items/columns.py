"""The columns of an item, by which the database finds it."""

from __future__ import annotations

from typing import Any, NamedTuple

from agent_sessions.items import Item
from agent_sessions.items.reported_errors import tool_failed

KIND_LENGTH = 64


ROLE_LENGTH = 32


NAME_LENGTH = 255


NO_AGENT = ("user", "system", "developer")  # the roles in which no agent speaks


class Columns(NamedTuple):
    """Columns that the database keeps beside an item, to list and filter by; blank if unknown.

    `tool_failed` is None if the item holds no result of a tool.
    """

    kind: str = ""
    role: str = ""
    tool_name: str = ""
    call_id: str = ""
    tool_failed: bool | None = None


def columns(item: Item) -> Columns:
    """Derive the columns of an item of any kind, known to the SDK or not."""
    if not isinstance(item, dict):
        return Columns()
    kind = _kind(item)
    return Columns(
        kind=fitting(kind, KIND_LENGTH),
        role=fitting(_role(kind, item), ROLE_LENGTH),
        tool_name=fitting(_tool_name(kind, item), NAME_LENGTH),
        call_id=fitting(_call_id(kind, item), NAME_LENGTH),
        tool_failed=tool_failed(kind, item),
    )


def _kind(item: dict[str, Any]) -> str:
    if "__enc__" in item:
        return "encrypted"  # the envelope of the SDK's EncryptedSession
    kind = item.get("type")
    if isinstance(kind, str):
        return kind
    return "message" if "role" in item else ""


def _role(kind: str, item: dict[str, Any]) -> str:
    """Say who made the item: a message names its role, the other kinds have theirs by nature."""
    if isinstance(role := item.get("role"), str):
        return role
    if kind.endswith("_output"):
        return "tool"
    if kind.endswith("_call") or kind in ("reasoning", "mcp_list_tools", "mcp_approval_request"):
        return "assistant"
    return "user" if kind == "mcp_approval_response" else ""


def _tool_name(kind: str, item: dict[str, Any]) -> str:
    """Name the tool; a hosted one is called as its kind is ("web_search" of "web_search_call")."""
    if kind in ("function_call_output", "custom_tool_call_output"):
        return ""  # the call with the same call_id knows
    if isinstance(name := item.get("name"), str) and kind != "message":
        return name
    if kind.endswith(("_call", "_output")):
        return kind.removesuffix("_output").removesuffix("_call")
    return ""


def _call_id(kind: str, item: dict[str, Any]) -> str:
    """Identify the call that an item makes, answers or approves."""
    for key in ("call_id", "approval_request_id"):
        if isinstance(value := item.get(key), str):
            return value
    # Hosted tools answer inside their call, which has no identifier but its own.
    if kind.endswith("_call") or kind == "mcp_approval_request":
        return value if isinstance(value := item.get("id"), str) else ""
    return ""


def fitting(text: str, length: int) -> str:
    """Cut `text` to a column, less what PostgreSQL (NUL) and UTF-8 (surrogates) cannot keep."""
    return text.replace("\x00", "").encode(errors="replace").decode()[:length]
