"""Items as a person reads them: who, what, and the text.

The functions return plain text, never HTML: the template escapes it. Nothing is left out: an item
of a type that the SDK adds tomorrow is shown as JSON, and a field that it adds to a known type as
"key: value".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from agent_sessions.items import Item
from agent_sessions.items.attachments import taken
from agent_sessions.items.columns import columns, is_envelope
from agent_sessions.items.reading import NOTHING, Reading

SURROGATES = re.compile("[\ud800-\udfff]")  # alone they cannot be encoded, so no page could be sent


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a transcript. `label` names its author or type."""

    kind: str
    role: str
    label: str
    text: str
    tool_name: str = ""
    call_id: str = ""


def entries(items: Iterable[Item]) -> list[Entry]:
    """Return an entry for each item."""
    return [entry(item) for item in items]


def entry(item: Item) -> Entry:
    """Return the entry of an item of any type."""
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
    """Return the readable text of an item of any type; "" if it has none.

    Unknown values follow as lines "key: value"; items/reading.py lists those that are omitted on
    purpose. Images, files and sounds become "[image]" and the like.
    """
    return SURROGATES.sub("\N{REPLACEMENT CHARACTER}", _text(item).strip())


def _text(item: Item) -> str:
    if is_envelope(item):
        return "[encrypted]"
    kind = columns(item).kind
    if kind not in _TEXTS:
        return written(item, indent=2)
    reading = Reading(item)
    known = _TEXTS[kind](reading)
    return _lines(known, rest_of(reading))


def rest_of(reading: Reading) -> str:
    """Return the values that were not taken, a line for each."""
    return "\n".join(f"{path}: {written(value)}" for path, value in reading.rest())


def written(value: Any, *, indent: int | None = None) -> str:
    """Return text as it is, and any other value as JSON."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, indent=indent, default=str)
    except (ValueError, RecursionError):
        return "[nested too deeply to show]"


def label_of(kind: str, role: str, tool_name: str) -> str:
    """Return a label for an item with these columns: its author, or its type and tool."""
    if kind == "message":
        return role.capitalize() or "Message"
    words = kind.replace("_", " ").capitalize() or "Unknown item"
    # "Function call: search_events", but not "Web search call: web_search".
    return words if not tool_name or kind.startswith(tool_name) else f"{words}: {tool_name}"


def _lines(*values: Any) -> str:
    """Join values that are not empty, one to a line: texts, readings, or anything else."""
    return "\n".join(text for text in map(_part, values) if text)


def _part(value: Any) -> str:
    if isinstance(value, Reading):
        return _dict_part(value)
    return "" if value in NOTHING else written(value, indent=2)


def _dict_part(part: Reading) -> str:
    """Return the text of a part of a message or an output, or its placeholder in brackets."""
    said = [part.text(key) for key in ("text", "refusal", "transcript")]
    if taken(part):
        part.take("type")  # it is in the placeholder
        return _lines(*said, _placeholder(part.holder))
    if text := _lines(*said, *map(source_of, part.dicts("annotations"))):
        return text
    is_known_by_type = not any(part.rest())
    holder = part.whole()
    return _placeholder(holder) if is_known_by_type else written(holder, indent=2)


def _placeholder(holder: dict[str, Any]) -> str:
    """Return the type and the name of an attachment, without its data and address."""
    kind = str(holder.get("type") or "part").removeprefix("input_").removeprefix("computer_")
    name = holder.get("filename")
    return f"[{kind}: {name}]" if isinstance(name, str) else f"[{kind}]"


def source_of(source: Reading) -> str:
    """Return the title and the address of a source that a model or a search cites."""
    names = [source.text(key) for key in ("title", "filename", "name", "url")]
    return ": ".join(filter(None, names))


def _message(item: Reading) -> str:
    if item.holder.get("role") == columns(item.holder).role:
        item.take("role")  # it is in the label
    return _lines(*item.each("content"))


def _output(item: Reading) -> str:
    return _lines(*item.each("output"))


def thought_in(item: Reading) -> str:
    """Return the reasoning that a model has shown, often only a summary or nothing."""
    return _lines(*item.each("summary"), *item.each("content"))


def _call(item: Reading) -> str:
    """Return the name of a tool with its arguments, as the model sent them."""
    name = ".".join(filter(None, [item.text("namespace"), item.text("name")]))
    arguments = item.take("arguments" if "arguments" in item.holder else "input")
    return f"{name}({_part(arguments)})"


def searched(item: Reading) -> str:
    """Return the queries of a web search, or the page that it opens."""
    action = item.inside("action")
    words = [action.text("query"), *action.texts("queries")]
    # The query is often the first of the queries as well.
    return _lines(*dict.fromkeys([*words, action.text("url"), action.text("pattern")]))


def sources_in(item: Reading) -> list[Reading]:
    """Return the sources that a web search has found."""
    return item.inside("action").dicts("sources")


def _web_search(item: Reading) -> str:
    return _lines(searched(item), *map(source_of, sources_in(item)))


def _file_search(item: Reading) -> str:
    return _lines(*item.texts("queries"), *map(_file_found, item.dicts("results")))


def _file_found(result: Reading) -> str:
    return _lines(result.text("text"), result.text("filename"))


def _code(item: Reading) -> str:
    return _lines(item.take("code"), *map(_code_output, item.each("outputs")))


def _code_output(output: Any) -> str:
    logs = output.text("logs") if isinstance(output, Reading) else ""
    return logs or _part(output)


def command_in(item: Reading) -> str:
    """Return the commands of a shell call."""
    action = item.inside("action")
    words = action.texts("command")
    return _lines(" ".join(words) or action.take("command"), *action.each("commands"))


def _shell_output(item: Reading) -> str:
    outputs = item.dicts("output")
    return _lines(*map(_streams, outputs)) if outputs else _output(item)


def _streams(output: Reading) -> str:
    return _lines(output.text("stdout"), output.text("stderr"), end_of(output))


def end_of(output: Reading) -> str:
    """Take the outcome of a command, and return it if it is a failure."""
    outcome = output.inside("outcome")
    if outcome.holder.get("type") == "timeout":
        outcome.take("type")
        return "[timed out]"
    if not isinstance(outcome.holder.get("exit_code"), int):
        return ""
    code = outcome.take("exit_code")
    return f"[exit code {code}]" if code else ""


def change_in(item: Reading) -> str:
    """Return the operation of a patch, its file, and the patch."""
    operation = item.inside("operation")
    return _lines(*map(operation.text, ("type", "path", "diff")))


def tool_names(item: Reading) -> str:
    """Return the names of the tools that a server has, or a search has found."""
    return _lines(*(tool.text("name") for tool in item.dicts("tools")))


def _server_tools(item: Reading) -> str:
    return _lines(item.text("server_label"), tool_names(item), item.take("error"))


def _server_call(item: Reading) -> str:
    return _lines(_call(item), *item.each("output"), *item.each("error"))


def _approval(item: Reading) -> str:
    answers = {True: "approved", False: "declined", None: "declined"}
    approve = item.holder.get("approve")
    is_known = approve is None or isinstance(approve, bool)
    if is_known:
        item.take("approve")
    return _lines(answers[approve] if is_known else "", item.text("reason"))


def _image(item: Reading) -> str:
    taken(item)
    return _lines(item.text("revised_prompt"), "[image]")


def _action(item: Reading) -> str:
    return _lines(item.take("action"), item.take("actions"))


_TEXTS: dict[str, Callable[[Reading], str]] = {
    "message": _message,
    "function_call": _call,
    "function_call_output": _output,
    "custom_tool_call": _call,
    "custom_tool_call_output": _output,
    "reasoning": thought_in,
    "file_search_call": _file_search,
    "web_search_call": _web_search,
    "computer_call": _action,
    "computer_call_output": _output,
    "code_interpreter_call": _code,
    "image_generation_call": _image,
    "local_shell_call": command_in,
    "local_shell_call_output": _output,
    "shell_call": command_in,
    "shell_call_output": _shell_output,
    "apply_patch_call": change_in,
    "apply_patch_call_output": _output,
    "mcp_list_tools": _server_tools,
    "mcp_call": _server_call,
    "mcp_approval_request": _call,
    "mcp_approval_response": _approval,
    "tool_search_call": _call,
    "tool_search_output": _server_tools,
    "compaction": lambda item: "[earlier conversation, compacted]",
    "item_reference": lambda item: item.text("id"),
}
