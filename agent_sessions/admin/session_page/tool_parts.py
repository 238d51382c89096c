"""Parts of tool calls and of their results, by the kind of the item."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.utils.translation import gettext as _

from agent_sessions.admin.session_page.parts import (
    AttachmentPlaces,
    CardPart,
    is_label,
    json_of,
    sources,
    text_part,
    value_part,
)
from agent_sessions.items.reading import NOTHING, Reading
from agent_sessions.transcript import (
    change_in,
    command_in,
    end_of,
    searched,
    sources_in,
    tool_names,
)


def asked_for(kind: str, item: Reading) -> list[CardPart]:
    """Return the input of a tool."""
    parts = _INPUTS.get(kind, _arguments)(item)
    return [part for part in parts if part.text or part.attachment]


def answered(kind: str, item: Reading) -> list[CardPart]:
    """Return the result of a tool. The call of a hosted tool contains its result."""
    parts = [*_RESULTS.get(kind, _output)(item), *_error(item)]
    return [part for part in parts if part.text or part.attachment]


# Inputs


def _arguments(item: Reading) -> list[CardPart]:
    value = item.take("arguments" if "arguments" in item.holder else "input")
    return [] if value in NOTHING or value == "{}" else [value_part(value, _("Arguments"))]


def _command(item: Reading) -> list[CardPart]:
    return [text_part("code", command_in(item), _("Command"))]


def _query(item: Reading) -> list[CardPart]:
    return [text_part("text", searched(item), _("Search"))]


def _queries(item: Reading) -> list[CardPart]:
    return [text_part("text", "\n".join(item.texts("queries")), _("Search"))]


def _code(item: Reading) -> list[CardPart]:
    """Return code as it is, even if it is JSON, and a value that is not text as JSON."""
    code = item.take("code")
    text = code if isinstance(code, str) else json_of(code)
    return [] if code in NOTHING else [text_part("code", text, _("Code"))]


def _action(item: Reading) -> list[CardPart]:
    actions = (item.take("action"), item.take("actions"))
    return [value_part(value, _("Action")) for value in actions if value not in NOTHING]


def _patch(item: Reading) -> list[CardPart]:
    return [text_part("code", change_in(item), _("Change"))]


def _prompt(item: Reading) -> list[CardPart]:
    return [text_part("text", item.text("revised_prompt"), _("Prompt"))]


_INPUTS: dict[str, Callable[[Reading], list[CardPart]]] = {
    "local_shell_call": _command,
    "shell_call": _command,
    "web_search_call": _query,
    "file_search_call": _queries,
    "code_interpreter_call": _code,
    "program": _code,
    "computer_call": _action,
    "apply_patch_call": _patch,
    "image_generation_call": _prompt,
}


# Results


def _output(item: Reading) -> list[CardPart]:
    return _each_result(item, "output", text_key="text")


def _logs(item: Reading) -> list[CardPart]:
    return _each_result(item, "outputs", text_key="logs")


def _each_result(item: Reading, key: str, *, text_key: str) -> list[CardPart]:
    places = AttachmentPlaces(item.holder)
    return [_one_result(one, text_key, places) for one in item.each(key) if one is not None]


def _one_result(value: Any, text_key: str, places: AttachmentPlaces) -> CardPart:
    """Return one value of a result: an attachment, the text at a key, or all of it."""
    if isinstance(value, Reading):
        if part := places.part(value):
            return part
        value = value.text(text_key) if value.has_text(text_key) else value.whole()
    return value_part(value, _("Result"))


def _error(item: Reading) -> list[CardPart]:
    error = item.take("error")
    return [] if error in NOTHING else [value_part(error, _("Error"))]


def _shell_output(item: Reading) -> list[CardPart]:
    outputs = item.dicts("output")
    return [part for output in outputs for part in _streams(output)] or _output(item)


def _streams(output: Reading) -> Iterator[CardPart]:
    for stream in ("stdout", "stderr"):
        yield text_part("code", output.text(stream), stream)
    end_of(output)  # taken, because a mark of the card shows it


def _files_found(item: Reading) -> list[CardPart]:
    return list(map(_file_found, item.dicts("results")))


def _file_found(result: Reading) -> CardPart:
    name = result.text("filename") if is_label(result, "filename") else ""
    text = result.text("text") if result.has_text("text") else json_of(result.whole())
    return text_part("text", text, name or _("Result"))


def _picture(item: Reading) -> list[CardPart]:
    part = AttachmentPlaces(item.holder).part(item)
    return [part] if part else []


def _pages_found(item: Reading) -> list[CardPart]:
    return list(sources(sources_in(item)))


def _tools(item: Reading) -> list[CardPart]:
    return [text_part("text", tool_names(item), _("Tools"))]


def _result(item: Reading) -> list[CardPart]:
    return [value_part(value, _("Result")) for value in [item.take("result")] if value is not None]


_RESULTS: dict[str, Callable[[Reading], list[CardPart]]] = {
    "shell_call_output": _shell_output,
    "code_interpreter_call": _logs,
    "file_search_call": _files_found,
    "image_generation_call": _picture,
    "web_search_call": _pages_found,
    "tool_search_output": _tools,
    "mcp_list_tools": _tools,
    "program_output": _result,
}
