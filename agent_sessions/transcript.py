"""Stored items as a person reads them: who, what kind, and the text.

Everything here is pure and returns plain text, never HTML: what a person or a model wrote is
for the template to escape. No kind of item is left out: one that the SDK invents tomorrow shows
as its JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from agent_sessions.items import Item, columns

HALVES = re.compile("[\ud800-\udfff]")  # lone surrogates: no page can be sent with them


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a transcript; `label` says in words who or what it is."""

    kind: str
    role: str
    label: str
    text: str
    tool_name: str = ""
    call_id: str = ""


def entries(items: Iterable[Item]) -> list[Entry]:
    """Return an entry per item, in their order."""
    return [entry(item) for item in items]


def entry(item: Item) -> Entry:
    """Return the entry of one item of any kind."""
    found = columns(item)
    return Entry(
        kind=found.kind,
        role=found.role,
        label=label_of(found.kind, found.role, found.tool_name),
        text=text_of(item),
        tool_name=found.tool_name,
        call_id=found.call_id,
    )


def text_of(item: Item) -> str:
    """Return the readable text of an item of any kind, which is empty if it holds none."""
    write = _TEXTS.get(columns(item).kind, _json) if isinstance(item, dict) else _json
    try:
        text = write(item).strip()
    except RecursionError:
        return "[nested too deeply to show]"
    return HALVES.sub("\N{REPLACEMENT CHARACTER}", text)


def label_of(kind: str, role: str, tool_name: str) -> str:
    """Say in words who or what an item of these columns is."""
    if kind == "message":
        return role.capitalize() or "Message"
    words = kind.replace("_", " ").capitalize() or "Unknown item"
    # "Function call: search_events", but no "Web search call: web_search".
    return words if not tool_name or kind.startswith(tool_name) else f"{words}: {tool_name}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


def _lines(*values: Any) -> str:
    """Join what is there, one to a line; a value is text, a part of a content, or a list."""
    return "\n".join(text for text in map(_part, values) if text)


def _part(value: Any) -> str:
    """Return the text of a content part, or its placeholder in brackets; images stay unloaded."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return _lines(*value)
    if not isinstance(value, dict):
        return "" if value is None else _json(value)
    for key in ("text", "refusal", "transcript"):
        if isinstance(value.get(key), str):
            return str(value[key])
    kind = str(value.get("type") or "part").removeprefix("input_").removeprefix("computer_")
    name = value.get("filename")
    return f"[{kind}: {name}]" if isinstance(name, str) else f"[{kind}]"


def _call(item: dict[str, Any]) -> str:
    """Write a call as its tool's name with the arguments as the model sent them."""
    arguments = item.get("arguments", item.get("input", ""))
    return (
        f"{item.get('name', '')}({arguments if isinstance(arguments, str) else _json(arguments)})"
    )


def _inner(item: dict[str, Any], key: str) -> dict[str, Any]:
    """Return the dict at `key`, or an empty one where something else is."""
    value = item.get(key)
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> list[dict[str, Any]]:
    """Return the dicts of a list, or none where something else is."""
    return [inner for inner in value if isinstance(inner, dict)] if isinstance(value, list) else []


def _web_search(item: dict[str, Any]) -> str:
    action = _inner(item, "action")
    return _lines(action.get("query"), action.get("url"), action.get("pattern"))


def _file_search(item: dict[str, Any]) -> str:
    return _lines(item.get("queries"), item.get("results"))


def _code(item: dict[str, Any]) -> str:
    return _lines(item.get("code"), [output.get("logs") for output in _dicts(item.get("outputs"))])


def _command(item: dict[str, Any]) -> str:
    action = _inner(item, "action")
    words = action.get("command")
    if isinstance(words, list):
        return " ".join(map(str, words))
    return _lines(words, action.get("commands"))


def _shell_output(item: dict[str, Any]) -> str:
    outputs = item.get("output")
    if not isinstance(outputs, list):
        return _lines(outputs)
    return _lines([[output.get("stdout"), output.get("stderr")] for output in _dicts(outputs)])


def _patch(item: dict[str, Any]) -> str:
    operation = _inner(item, "operation")
    return _lines(operation.get("type"), operation.get("path"), operation.get("diff"))


def _tool_names(item: dict[str, Any]) -> str:
    names = [tool.get("name") for tool in _dicts(item.get("tools"))]
    return _lines(item.get("server_label"), names, item.get("error"))


def _approval(item: dict[str, Any]) -> str:
    return _lines("approved" if item.get("approve") else "declined", item.get("reason"))


_TEXTS: dict[str, Callable[[dict[str, Any]], str]] = {
    "message": lambda item: _lines(item.get("content")),
    "function_call": _call,
    "function_call_output": lambda item: _lines(item.get("output")),
    "custom_tool_call": _call,
    "custom_tool_call_output": lambda item: _lines(item.get("output")),
    "reasoning": lambda item: _lines(item.get("summary"), item.get("content")),
    "file_search_call": _file_search,
    "web_search_call": _web_search,
    "computer_call": lambda item: _json(item.get("action") or item.get("actions")),
    "computer_call_output": lambda item: _lines(item.get("output")),
    "code_interpreter_call": _code,
    "image_generation_call": lambda item: _lines(item.get("revised_prompt"), "[image]"),
    "local_shell_call": _command,
    "local_shell_call_output": lambda item: _lines(item.get("output")),
    "shell_call": _command,
    "shell_call_output": _shell_output,
    "apply_patch_call": _patch,
    "apply_patch_call_output": lambda item: _lines(item.get("output")),
    "mcp_list_tools": _tool_names,
    "mcp_call": lambda item: _lines(_call(item), item.get("output"), item.get("error")),
    "mcp_approval_request": _call,
    "mcp_approval_response": _approval,
    "tool_search_call": _call,
    "tool_search_output": _tool_names,
    "compaction": lambda item: "[earlier conversation, compacted]",
    "item_reference": lambda item: _lines(item.get("id")),
    "encrypted": lambda item: "[encrypted]",
}
