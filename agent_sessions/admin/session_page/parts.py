"""What an item says, in parts that a template shows one below the other. (pure)

A part is plain text with a name for its look; what it says is escaped by the template, or made into
HTML by the Markdown parser. Whatever an item holds, there are parts for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from agent_sessions.items import Item
from agent_sessions.items.attachments import Attachment, attachment_of, holders, taken
from agent_sessions.items.reading import NOTHING, Reading
from agent_sessions.text.markdown import LONGEST, render
from agent_sessions.text.visible import visible
from agent_sessions.transcript import (
    change_in,
    command_in,
    end_of,
    rest_of,
    searched,
    source_of,
    sources_in,
    thought_in,
    tool_names,
)

Shape: TypeAlias = Literal["prose", "text", "code", "attachment", "link"]

# From here on a part is folded, so that what follows stays in sight.
LONG_TEXT = 1_200
LONG_LINES = 16
# JSON that is longer is not put into lines: that takes long, and the page shows no more of it.
LONG_JSON = LONGEST
LONGEST_LABEL = 200
# Addresses that become links.
_LINK = re.compile(r"https?://.{1,2000}\Z", re.IGNORECASE | re.DOTALL)
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

    def part(self, holder: Reading) -> Part | None:
        place = self._places.get(id(holder.holder))
        if place is None:
            return None
        return Part("attachment", attachment=taken(holder), place=place)


def text_part(shape: Shape, text: str, label: str = "") -> Part:
    """Return text as a part, cut to what a page can bear, with its unseen characters seen."""
    return Part(shape, visible(text[:LONGEST]), visible(label), is_cut=len(text) > LONGEST)


def value_part(value: Any, label: str = "") -> Part:
    """Return any value as a part: JSON, also inside of text, is put into lines."""
    if isinstance(value, str):
        pretty = _pretty(value)
        return text_part("text" if pretty is None else "code", pretty or value, label)
    return text_part("code", json_of(value), label)


def said(item: Reading, *, is_prose: bool) -> list[Part]:
    """Return what a message says: prose is Markdown, anything else is shown as it was written."""
    shape: Shape = "prose" if is_prose else "text"
    numbers = Numbers(item.holder)
    return [part for value in item.each("content") for part in _said(value, shape, numbers)]


def asked_for(kind: str, item: Reading) -> list[Part]:
    """Return with what a tool is called."""
    parts = _CALLS.get(kind, _arguments)(item)
    return [part for part in parts if part.text or part.attachment]


def answered(kind: str, item: Reading) -> list[Part]:
    """Return what a tool has answered, also inside of its call, as tools at the provider do."""
    parts = [*_ANSWERS.get(kind, _output)(item), *_error(item)]
    return [part for part in parts if part.text or part.attachment]


def thought(item: Reading) -> list[Part]:
    """Return the reasoning that a model has shown, often in summary, and often nothing."""
    text = thought_in(item)
    return [text_part("prose", text)] if text else []


def more(item: Reading) -> list[Part]:
    """Return the values that no other part shows, as they are stored."""
    text = rest_of(item)
    return [text_part("text", text, _("More"))] if text else []


def whole(item: Item) -> list[Part]:
    """Return an item as its JSON, if nothing else is known of it."""
    return [text_part("code", json_of(item))]


def _said(value: Any, shape: Shape, numbers: Numbers) -> Iterator[Part]:
    if value in NOTHING:
        return
    if isinstance(value, Reading):
        yield from _part_said(value, shape, numbers)
    elif isinstance(value, str):
        yield text_part(shape, value)
    else:
        yield text_part("code", json_of(value))


def _part_said(part: Reading, shape: Shape, numbers: Numbers) -> Iterator[Part]:
    if attachment := numbers.part(part):
        yield attachment
        if transcript := part.text("transcript"):
            yield text_part(shape, transcript, _("What is said"))
    elif part.has_text("refusal"):
        yield text_part("text", part.text("refusal"))
    elif part.has_text("text"):
        yield text_part(shape, part.text("text"))
        yield from _sources(part.dicts("annotations"))
    else:
        yield text_part("code", json_of(part.whole()))


def _sources(found: list[Reading]) -> Iterator[Part]:
    """Yield the sources that a model or a search names: links, if they are on the web."""
    for source in found:
        key = "title" if source.has_text("title") else "filename"
        name, url = source.text(key) if _is_label(source, key) else "", source.text("url")
        if _LINK.match(url):
            yield replace(text_part("link", url), label=visible(name))
        elif text := ": ".join(filter(None, [name, source_of(source), url])):
            yield text_part("text", text, _("Source"))


def _is_label(item: Reading, key: str) -> bool:
    """Tell whether a text is short enough to label another."""
    return item.has_text(key) and len(item.holder[key]) <= LONGEST_LABEL


def _arguments(item: Reading) -> list[Part]:
    value = item.take("arguments" if "arguments" in item.holder else "input")
    return [] if value in NOTHING or value == "{}" else [value_part(value, _("Arguments"))]


def _command(item: Reading) -> list[Part]:
    return [text_part("code", command_in(item), _("Command"))]


def _query(item: Reading) -> list[Part]:
    return [text_part("text", searched(item), _("Search"))]


def _queries(item: Reading) -> list[Part]:
    return [text_part("text", "\n".join(item.texts("queries")), _("Search"))]


def _code(item: Reading) -> list[Part]:
    return _written(item.take("code"), _("Code"))


def _written(value: Any, label: str) -> list[Part]:
    """Return text as it is, even if it is JSON, and any other value as JSON."""
    text = value if isinstance(value, str) else json_of(value)
    return [] if value in NOTHING else [text_part("code", text, label)]


def _action(item: Reading) -> list[Part]:
    actions = (item.take("action"), item.take("actions"))
    return [value_part(value, _("Action")) for value in actions if value not in NOTHING]


def _patch(item: Reading) -> list[Part]:
    return [text_part("code", change_in(item), _("Change"))]


def _prompt(item: Reading) -> list[Part]:
    return [text_part("text", item.text("revised_prompt"), _("Prompt"))]


def _output(item: Reading) -> list[Part]:
    numbers = Numbers(item.holder)
    return [_answer(one, "text", numbers) for one in item.each("output") if one is not None]


def _error(item: Reading) -> list[Part]:
    error = item.take("error")
    return [] if error in NOTHING else [value_part(error, _("Error"))]


def _answer(value: Any, key: str, numbers: Numbers) -> Part:
    """Return one of the values of an output: an attachment, the text at a key, or all of it."""
    if isinstance(value, Reading):
        if part := numbers.part(value):
            return part
        value = value.text(key) if value.has_text(key) else value.whole()
    return value_part(value, _("Result"))


def _shell_output(item: Reading) -> list[Part]:
    outputs = item.dicts("output")
    return [part for output in outputs for part in _streams(output)] or _output(item)


def _streams(output: Reading) -> Iterator[Part]:
    for stream in ("stdout", "stderr"):
        yield text_part("code", output.text(stream), stream)
    end_of(output)  # the marks of the card say it


def _logs(item: Reading) -> list[Part]:
    numbers = Numbers(item.holder)
    return [_answer(one, "logs", numbers) for one in item.each("outputs") if one is not None]


def _files_found(item: Reading) -> list[Part]:
    return list(map(_file_found, item.dicts("results")))


def _file_found(result: Reading) -> Part:
    name = result.text("filename") if _is_label(result, "filename") else ""
    text = result.text("text") if result.has_text("text") else json_of(result.whole())
    return text_part("text", text, name or _("Result"))


def _picture(item: Reading) -> list[Part]:
    part = Numbers(item.holder).part(item)
    return [part] if part else []


def _pages_found(item: Reading) -> list[Part]:
    return list(_sources(sources_in(item)))


def _tools(item: Reading) -> list[Part]:
    return [text_part("text", tool_names(item), _("Tools"))]


def _result(item: Reading) -> list[Part]:
    return [value_part(value, _("Result")) for value in [item.take("result")] if value is not None]


_CALLS: dict[str, Callable[[Reading], list[Part]]] = {
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

_ANSWERS: dict[str, Callable[[Reading], list[Part]]] = {
    "shell_call_output": _shell_output,
    "code_interpreter_call": _logs,
    "file_search_call": _files_found,
    "image_generation_call": _picture,
    "web_search_call": _pages_found,
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
