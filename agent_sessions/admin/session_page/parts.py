"""Parts: an item's content as pieces that a template shows one below the other.

A part is plain text and the name of its look. The template escapes it, or the Markdown parser makes
HTML of it. Every item has parts, whatever is in it: values that no function here knows end up in
more() or whole().
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from agent_sessions.items import Item
from agent_sessions.items.attachments import Attachment, attachment_of, holders, taken
from agent_sessions.items.reading import NOTHING, Reading
from agent_sessions.text.markdown import LONGEST, render
from agent_sessions.text.visible import visible
from agent_sessions.transcript import rest_of, source_of, thought_in

Shape: TypeAlias = Literal["prose", "text", "code", "attachment", "link"]

# A longer part is folded, so that the next ones stay in sight.
LONG_TEXT = 1_200
LONG_LINES = 16
# Longer JSON is not indented: that takes long, and the page shows only its beginning.
LONG_JSON = LONGEST
# JSON up to this length stays on one line.
SHORT_JSON = 70
LONGEST_LABEL = 200
# Addresses that become links.
_LINK = re.compile(r"https?://.{1,2000}\Z", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class CardPart:
    """A piece of an item's content; `place` is the number of an attachment within its item."""

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
        """The beginning of the text, on one line."""
        return " ".join(self.text[:200].split())[:60]

    @property
    def html(self) -> SafeString:
        return render(self.text)


class AttachmentPlaces:
    """The attachments of one item, numbered as attachments() orders them."""

    def __init__(self, item: Item) -> None:
        found = [holder for holder in holders(item) if attachment_of(holder)]
        self._places = {id(holder): place for place, holder in enumerate(found)}

    def part(self, holder: Reading) -> CardPart | None:
        """Return the attachment that a dict of the item contains, or None."""
        place = self._places.get(id(holder.holder))
        if place is None:
            return None
        return CardPart("attachment", attachment=taken(holder), place=place)


def text_part(shape: Shape, text: str, label: str = "") -> CardPart:
    """Return text as a part, cut to LONGEST, with its invisible characters made visible."""
    return CardPart(shape, visible(text[:LONGEST]), visible(label), is_cut=len(text) > LONGEST)


def value_part(value: Any, label: str = "") -> CardPart:
    """Return any value as a part. JSON is indented, even if it is a string of JSON."""
    if isinstance(value, str):
        pretty = _pretty(value)
        return text_part("text" if pretty is None else "code", pretty or value, label)
    return text_part("code", json_of(value), label)


def said(item: Reading, *, is_prose: bool) -> list[CardPart]:
    """Return the content of a message: as Markdown if it is prose, else as it was written."""
    shape: Shape = "prose" if is_prose else "text"
    places = AttachmentPlaces(item.holder)
    return [part for value in item.each("content") for part in _said(value, shape, places)]


def thought(item: Reading) -> list[CardPart]:
    """Return the reasoning that the model shows: often a summary, often nothing."""
    text = thought_in(item)
    return [text_part("prose", text)] if text else []


def more(item: Reading) -> list[CardPart]:
    """Return the values that no other part shows, as they are stored."""
    text = rest_of(item)
    return [text_part("text", text, _("More"))] if text else []


def whole(item: Item) -> list[CardPart]:
    """Return an item of an unknown kind as its JSON."""
    return [text_part("code", json_of(item))]


def sources(found: list[Reading]) -> Iterator[CardPart]:
    """Yield the sources that a model or a search cites: as links if they are on the web."""
    for source in found:
        key = "title" if source.has_text("title") else "filename"
        name, url = source.text(key) if is_label(source, key) else "", source.text("url")
        if _LINK.match(url):
            yield replace(text_part("link", url), label=visible(name))
        elif text := ": ".join(filter(None, [name, source_of(source), url])):
            yield text_part("text", text, _("Source"))


def is_label(item: Reading, key: str) -> bool:
    """Tell whether the value of a key is a text short enough to label another."""
    return item.has_text(key) and len(item.holder[key]) <= LONGEST_LABEL


def json_of(value: Any) -> str:
    """Return a value as JSON, on one line if it is short. Its characters are left as they are."""
    try:
        line = json.dumps(value, ensure_ascii=False)
        is_line = not SHORT_JSON < len(line) <= LONG_JSON
        return line if is_line else json.dumps(value, ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return _("Nested too deeply to be shown.")


def _said(value: Any, shape: Shape, places: AttachmentPlaces) -> Iterator[CardPart]:
    if value in NOTHING:
        return
    if isinstance(value, Reading):
        yield from _part_said(value, shape, places)
    elif isinstance(value, str):
        yield text_part(shape, value)
    else:
        yield text_part("code", json_of(value))


def _part_said(part: Reading, shape: Shape, places: AttachmentPlaces) -> Iterator[CardPart]:
    if attachment := places.part(part):
        yield attachment
        if transcript := part.text("transcript"):
            yield text_part(shape, transcript, _("Transcript"))
    elif part.has_text("refusal"):
        yield text_part("text", part.text("refusal"))
    elif part.has_text("text"):
        yield text_part(shape, part.text("text"))
        yield from sources(part.dicts("annotations"))
    else:
        yield text_part("code", json_of(part.whole()))


def _pretty(text: str) -> str | None:
    """Return a JSON list or dict indented; None for any other text."""
    if not text.lstrip().startswith(("{", "[")) or len(text) > LONG_JSON:
        return None
    try:
        return json_of(json.loads(text))
    except (ValueError, RecursionError):
        return None
