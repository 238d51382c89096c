"""The SDK's items as text and back, and the columns by which they are found.

An item is what the Agents SDK puts into a session: a dict in the format of the Responses API
(`agents.TResponseInputItem`), or anything else that is JSON: nothing here validates it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from math import isfinite
from typing import Any, NamedTuple, TypeAlias

from agent_sessions.exceptions import AgentSessionsError, ItemError

Item: TypeAlias = Any  # whatever JSON holds; the SDK's own name for it costs seconds to import

KIND_LENGTH = 64
ROLE_LENGTH = 32
NAME_LENGTH = 255

# Python refuses to write, and to read, integers of more than 4,300 digits (about 14,284 bits):
# see sys.set_int_max_str_digits(), whose smallest limit is 640 digits.
SHORT_INTEGER_BITS = 2_000


class UnreadableItemError(AgentSessionsError, ValueError):
    """A row's text is not JSON: somebody else wrote it, or it was damaged."""


class Columns(NamedTuple):
    """What the database keeps beside an item, to be listed and filtered by; blank if unknown."""

    kind: str = ""
    role: str = ""
    tool_name: str = ""
    call_id: str = ""


def encode(item: object) -> str:
    """Return `item` as JSON text that every database keeps and every JSON reader reads.

    `decode(encode(item)) == item` for every JSON value; a tuple becomes a list, and a pydantic
    model the dict that the SDK would send. Text is not escaped, so that it can be searched for,
    unless it holds a lone surrogate, which UTF-8 does not have.

    Raises ItemError, whose `path` leads to the value that is not JSON.
    """
    return _encoded(item)[0]


def encode_all(items: Iterable[object]) -> list[tuple[str, Columns]]:
    """Return each item as text with its columns, or raise the ItemError of the first bad one."""
    encoded = []
    for position, item in enumerate(items):
        try:
            encoded.append(_encoded(item))
        except ItemError as error:
            raise error.under(position) from None
    return encoded


def decode(text: str) -> Item:
    """Return the item that `text` holds, made anew on each call.

    Raises UnreadableItemError for what is not JSON.
    """
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise UnreadableItemError(f"{type(error).__name__}: {error}") from error


def columns(item: Item) -> Columns:
    """Derive the columns of an item of any kind, known to the SDK or not."""
    if not isinstance(item, dict):
        return Columns()
    kind = _kind(item)
    return Columns(
        kind=_fitting(kind, KIND_LENGTH),
        role=_fitting(_role(kind, item), ROLE_LENGTH),
        tool_name=_fitting(_tool_name(kind, item), NAME_LENGTH),
        call_id=_fitting(_call_id(kind, item), NAME_LENGTH),
    )


def _encoded(item: object) -> tuple[str, Columns]:
    try:
        plain = _plain(item)
        text = json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except RecursionError:
        raise ItemError("is nested too deeply to be stored. Flatten it.") from None
    try:
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(plain, separators=(",", ":"))
    return text, columns(plain)


def _plain(value: Any) -> Any:
    """Return `value` in JSON's own types; an error names the path by growing on its way out."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        return _checked_integer(value)
    if isinstance(value, float):
        return _checked_float(value)
    if isinstance(value, dict):
        return {_checked_key(key): _plain_under(key, inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_under(position, inner) for position, inner in enumerate(value)]
    if hasattr(value, "model_dump"):
        # The options with which the SDK dumps the items of a run.
        return _plain(value.model_dump(exclude_unset=True, warnings=False))
    raise ItemError(
        f"is a {type(value).__name__}, which JSON does not have. Convert it to text, numbers, "
        "lists or dicts before it goes into the session."
    )


def _plain_under(key: Any, value: Any) -> Any:
    try:
        return _plain(value)
    except ItemError as error:
        raise error.under(key) from None


def _checked_key(key: Any) -> str:
    if isinstance(key, str):
        return key
    # json.dumps would write 1 and "1" as the same key and lose one of the two.
    raise ItemError(f"has the key {key!r}, which is no string. Use str keys.")


def _checked_integer(value: int) -> int:
    if value.bit_length() <= SHORT_INTEGER_BITS:
        return value
    try:
        str(value)
    except ValueError:
        raise ItemError("is an integer too long to be written. Store it as a string.") from None
    return value


def _checked_float(value: float) -> float:
    if isfinite(value):
        return value
    raise ItemError(f"is {value}, which JSON does not have. Store None or a string.")


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


def _fitting(text: str, length: int) -> str:
    """Cut `text` to a column, less what PostgreSQL (NUL) and UTF-8 (surrogates) cannot keep."""
    return text.replace("\x00", "").encode(errors="replace").decode()[:length]
