"""What an item says, in parts that a template shows one below the other. (pure)

A part is plain text with a name for its look; what it says is escaped by the template, or made into
HTML by the Markdown parser. Whatever an item holds, there are parts for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from agent_sessions.admin.attachments import Attachment, attachment_of, holders
from agent_sessions.items import Item
from agent_sessions.markdown import LONGEST, render
from agent_sessions.transcript import text_of
from agent_sessions.visible import visible

Shape: TypeAlias = Literal["prose", "text", "code", "attachment", "link"]

# From here on a part is folded, so that what follows stays in sight.
LONG_TEXT = 1_200
LONG_LINES = 16
# JSON that is longer is not put into lines: that takes long, and the page shows no more of it.
LONG_JSON = LONGEST
# What fits on a line stays on it.
SHORT_JSON = 70


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of what an item says; `place` numbers the attachments of an item."""

    shape: Shape
    text: str = ""
    label: str = ""
    is_cut: bool = False
    attachment: Attachment | None = None
    place: int = 0

    @property
    def is_long(self) -> bool:
        return len(self.text) > LONG_TEXT or self.text.count("\n") >= LONG_LINES

    @property
    def beginning(self) -> str:
        """How the text begins, in one line."""
        return " ".join(self.text[:200].split())[:60]

    @property
    def html(self) -> SafeString:
        return render(self.text)


class Numbers:
    """Numbers the attachments of one item, as attachments() does."""

    def __init__(self, item: Item) -> None:
        found = [holder for holder in holders(item) if attachment_of(holder)]
        self._places = {id(holder): place for place, holder in enumerate(found)}

    def part(self, holder: dict[str, Any], label: str = "") -> Part | None:
        attachment = attachment_of(holder)
        if attachment is None or id(holder) not in self._places:
            return None
        place = self._places[id(holder)]
        return Part("attachment", attachment=attachment, place=place, label=visible(label))


def text_part(shape: Shape, text: str, label: str = "") -> Part:
    """Return text as a part, cut to what a page can bear, with its unseen characters seen."""
    return Part(shape, visible(text[:LONGEST]), visible(label), is_cut=len(text) > LONGEST)


def value_part(value: Any, label: str = "") -> Part:
    """Return any value as a part: JSON, also inside of text, is put into lines."""
    if isinstance(value, str):
        pretty = _pretty(value)
        return text_part("text" if pretty is None else "code", pretty or value, label)
    return text_part("code", json_of(value), label)


def said(item: dict[str, Any], *, is_prose: bool) -> list[Part]:
    """Return what a message says: prose is Markdown, anything else is shown as it was written."""
    shape: Shape = "prose" if is_prose else "text"
    content, numbers = item.get("content"), Numbers(item)
    values = content if isinstance(content, list) else [content]
    return [part for value in values for part in _said(value, shape, numbers)]


def asked_for(kind: str, item: dict[str, Any]) -> list[Part]:
    """Return with what a tool is called."""
    parts = _CALLS.get(kind, _arguments)(item)
    return [part for part in parts if part.text or part.attachment]


def answered(kind: str, item: dict[str, Any]) -> list[Part]:
    """Return what a tool has answered, also inside of its call, as tools at the provider do."""
    parts = _ANSWERS.get(kind, _output)(item)
    return [part for part in parts if part.text or part.attachment]


def thought(item: dict[str, Any]) -> list[Part]:
    """Return the reasoning that a model has shown, often in summary, and often nothing."""
    text = text_of({**item, "type": "reasoning"})
    return [text_part("prose", text)] if text else []


def whole(item: Item) -> list[Part]:
    """Return an item as its JSON, if nothing else is known of it."""
    return [text_part("code", json_of(item))]


def _said(value: Any, shape: Shape, numbers: Numbers) -> Iterator[Part]:
    if value is None or value == "":
        return
    if isinstance(value, str):
        yield text_part(shape, value)
    elif not isinstance(value, dict):
        yield text_part("code", json_of(value))
    elif part := numbers.part(value):
        yield part
        if isinstance(transcript := value.get("transcript"), str):
            yield text_part(shape, transcript, _("What is said"))
    else:
        yield from _text_said(value, shape)


def _text_said(value: dict[str, Any], shape: Shape) -> Iterator[Part]:
    if isinstance(value.get("refusal"), str):
        yield text_part("text", value["refusal"])
    elif isinstance(value.get("text"), str):
        yield text_part(shape, value["text"])
        yield from _citations(value.get("annotations"))
    else:
        yield text_part("code", json_of(value))


def _citations(annotations: Any) -> Iterator[Part]:
    for citation in _dicts(annotations):
        url, name = citation.get("url"), citation.get("title") or citation.get("filename")
        name = name if isinstance(name, str) else ""
        if isinstance(url, str) and url.lower().startswith(("https://", "http://")):
            yield replace(text_part("link", url[:2_000]), label=visible(name[:200] or url[:200]))
        elif name or isinstance(url, str):
            yield text_part("text", name[:200] or str(url)[:200], _("Source"))


def _arguments(item: dict[str, Any]) -> list[Part]:
    value = item.get("arguments", item.get("input", ""))
    return [value_part(value, _("Arguments"))] if value not in ("", None, "{}") else []


def _command(item: dict[str, Any]) -> list[Part]:
    return [text_part("code", text_of(item), _("Command"))]


def _query(item: dict[str, Any]) -> list[Part]:
    return [text_part("text", text_of(item), _("Search"))]


def _queries(item: dict[str, Any]) -> list[Part]:
    return [text_part("text", text_of({**item, "results": None}), _("Search"))]


def _code(item: dict[str, Any]) -> list[Part]:
    code = item.get("code")
    return [text_part("code", code if isinstance(code, str) else json_of(code), _("Code"))]


def _action(item: dict[str, Any]) -> list[Part]:
    return [value_part(item.get("action") or item.get("actions"), _("Action"))]


def _patch(item: dict[str, Any]) -> list[Part]:
    return [text_part("code", text_of(item), _("Change"))]


def _prompt(item: dict[str, Any]) -> list[Part]:
    prompt = item.get("revised_prompt")
    return [text_part("text", prompt, _("Prompt"))] if isinstance(prompt, str) else []


def _output(item: dict[str, Any]) -> list[Part]:
    numbers, value = Numbers(item), item.get("output")
    values = value if isinstance(value, list) else [value]
    found = [_output_of(one, numbers) for one in values if one is not None]
    error = item.get("error")
    return found if error in (None, "") else [*found, value_part(error, _("Error"))]


def _output_of(value: Any, numbers: Numbers) -> Part:
    label = _("Result")
    if isinstance(value, dict):
        if part := numbers.part(value):
            return part
        if isinstance(value.get("text"), str):
            return value_part(value["text"], label)
    return value_part(value, label)


def _shell_output(item: dict[str, Any]) -> list[Part]:
    if not isinstance(item.get("output"), list):
        return _output(item)
    return [
        text_part("code", output[stream], stream)
        for output in _dicts(item["output"])
        for stream in ("stdout", "stderr")
        if isinstance(output.get(stream), str)
    ]


def _logs(item: dict[str, Any]) -> list[Part]:
    numbers = Numbers(item)
    parts: list[Part] = []
    for output in _dicts(item.get("outputs")):
        part = numbers.part(output)
        parts.append(part or value_part(output.get("logs", output), _("Result")))
    return parts


def _files_found(item: dict[str, Any]) -> list[Part]:
    return [
        text_part(
            "text",
            result["text"] if isinstance(result.get("text"), str) else json_of(result),
            result["filename"] if isinstance(result.get("filename"), str) else _("Result"),
        )
        for result in _dicts(item.get("results"))
    ]


def _picture(item: dict[str, Any]) -> list[Part]:
    part = Numbers(item).part(item)
    return [part] if part else []


def _nothing(item: dict[str, Any]) -> list[Part]:
    return []


def _tools(item: dict[str, Any]) -> list[Part]:
    return [text_part("text", text_of(item), _("Tools"))]


def _result(item: dict[str, Any]) -> list[Part]:
    return [value_part(item.get("result"), _("Result"))]


_CALLS: dict[str, Callable[[dict[str, Any]], list[Part]]] = {
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

_ANSWERS: dict[str, Callable[[dict[str, Any]], list[Part]]] = {
    "shell_call_output": _shell_output,
    "code_interpreter_call": _logs,
    "file_search_call": _files_found,
    "image_generation_call": _picture,
    "web_search_call": _nothing,
    "tool_search_output": _tools,
    "mcp_list_tools": _tools,
    "program_output": _result,
}


def _pretty(text: str) -> str | None:
    """Return JSON that holds a list or a dict in lines, and None for any other text."""
    if not text.lstrip().startswith(("{", "[")) or len(text) > LONG_JSON:
        return None
    try:
        return json_of(json.loads(text))
    except (ValueError, RecursionError):
        return None


def json_of(value: Any) -> str:
    """Return a value as JSON, on a line if it fits on one; it is not made visible."""
    try:
        line = json.dumps(value, ensure_ascii=False)
        is_line = not SHORT_JSON < len(line) <= LONG_JSON
        return line if is_line else json.dumps(value, ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return _("Nested too deeply to be shown.")


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [inner for inner in value if isinstance(inner, dict)] if isinstance(value, list) else []
