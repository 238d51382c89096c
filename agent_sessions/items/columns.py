"""The columns that the database keeps beside an item, to find it without reading it."""

from __future__ import annotations

from typing import Any, NamedTuple

from agent_sessions.items import Item
from agent_sessions.items.kinds import ENCRYPTED, is_tool_call, role_of, tool_of
from agent_sessions.items.reported_errors import tool_failed

KIND_LENGTH = 64
ROLE_LENGTH = 32
NAME_LENGTH = 255


class Columns(NamedTuple):
    """The columns of an item, blank where unknown.

    `tool_failed` is None if the item is not the result of a tool. Otherwise it is derived from its
    status, its exit code or the SDK's error text.
    """

    kind: str = ""
    role: str = ""
    tool_name: str = ""
    call_id: str = ""
    tool_failed: bool | None = None


def columns(item: Item) -> Columns:
    """Derive the columns of an item of any type, known to the SDK or not."""
    if not isinstance(item, dict):
        return Columns()
    kind = _kind(item)
    return Columns(
        kind=fitting(kind, KIND_LENGTH),
        role=fitting(_text(item, "role", role_of(kind)), ROLE_LENGTH),
        tool_name=fitting(_tool_name(kind, item), NAME_LENGTH),
        call_id=fitting(_call_id(kind, item), NAME_LENGTH),
        tool_failed=tool_failed(kind, item),
    )


def is_envelope(item: Item) -> bool:
    """Tell whether the SDK's EncryptedSession wrote the item, so that nothing is known of it."""
    return isinstance(item, dict) and "__enc__" in item


def _kind(item: dict[str, Any]) -> str:
    if is_envelope(item):
        return ENCRYPTED
    return _text(item, "type", "message" if "role" in item else "")


def _tool_name(kind: str, item: dict[str, Any]) -> str:
    if kind in ("message", "function_call_output", "custom_tool_call_output"):
        # A message's name is not a tool's. Outputs of functions have it in the call with their
        # call_id, and tool_of() would name them "function".
        return ""
    return _text(item, "name", tool_of(kind))


def _call_id(kind: str, item: dict[str, Any]) -> str:
    """Return the id that a call shares with its output, or a request with its approval."""
    for key in ("call_id", "approval_request_id"):
        if isinstance(value := item.get(key), str):
            return value
    # Hosted calls and requests for approval have no id but the item's.
    return _text(item, "id") if is_tool_call(kind) else ""


def _text(item: dict[str, Any], key: str, default: str = "") -> str:
    return value if isinstance(value := item.get(key), str) else default


def fitting(text: str, length: int) -> str:
    """Cut `text` to a column, without what PostgreSQL (NUL) and UTF-8 (surrogates) cannot keep."""
    return text.replace("\x00", "").encode(errors="replace").decode()[:length]
