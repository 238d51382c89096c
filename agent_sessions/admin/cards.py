"""Cards: messages as a page shows them, a call and its output on one. (pure)"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from agent_sessions.admin.faces import Face, face_of, is_named, title_of
from agent_sessions.admin.parts import (
    Part,
    answered,
    asked_for,
    said,
    text_part,
    thought,
    whole,
)
from agent_sessions.admin.windows import Text, Window
from agent_sessions.faults import faults_of
from agent_sessions.heads import begun
from agent_sessions.items import Item, UnreadableItemError, decode
from agent_sessions.pairs import CALLS, OUTPUTS
from agent_sessions.rows import Row, partners
from agent_sessions.visible import visible

# Of an item that is too long to be read as a whole.
BEGINNING_LENGTH = 2_000

# What a card shows of an item of more parts; the rest is in the raw item.
MOST_PARTS = 100

# What else a message may hold that says nothing to a reader.
QUIET = {"type", "role", "content", "id", "status", "phase"}


class Mark(NamedTuple):
    """Something that a reader has to notice about a card."""

    text: str
    is_fault: bool = True


class Raw(NamedTuple):
    """A message whose item can be looked at as it is stored."""

    pk: int
    label: str
    size: int


@dataclass(slots=True)
class Card:
    """What one message says, or a call and its output."""

    face: Face
    pk: int
    title: str
    created_at: datetime
    agent: str = ""
    kind: str = ""
    handed_to: str = ""
    parts: list[Part] = field(default_factory=list)
    answers: list[Part] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    raws: list[Raw] = field(default_factory=list)
    is_named: bool = False
    answer_pk: int | None = None
    elsewhere: int | None = None

    @property
    def is_aside(self) -> bool:
        """Whether the conversation can be followed without it."""
        return self.face in ("system", "tool", "reasoning", "approval", "other")

    @property
    def is_folded(self) -> bool:
        return self.face == "reasoning"

    @property
    def size(self) -> int:
        return sum(raw.size for raw in self.raws)

    @property
    def is_cut(self) -> bool:
        return any(part.is_cut for part in (*self.parts, *self.answers))


def cards(window: Window, *, may_read: bool) -> list[Card]:
    """Return the cards of a window in order; without what anybody said if that may not be read."""
    pairs = partners([*window.before, *window.rows, *window.after])
    found = {row.pk: _card(row, window.texts.get(row.pk), may_read) for row in window.rows}
    joined = {pairs[row.pk] for row in window.rows if row.kind in OUTPUTS and row.pk in pairs}
    for row in window.rows:
        if partner := pairs.get(row.pk):
            _join(found[row.pk], found.get(partner), partner)
        elif lack := _lack(row, window):
            found[row.pk].marks.append(Mark(lack))
    return [card for pk, card in found.items() if pk not in joined]


def _lack(row: Row, window: Window) -> str:
    """Say what a call or an output lacks, if it is certain that there is none."""
    if row.kind in OUTPUTS and _is_certain(window.after):
        is_request = row.kind == "mcp_approval_request"
        return _("not answered") if is_request else _("no output was recorded")
    if row.kind in CALLS and _is_certain(window.before):
        return _("no call of this output was recorded")
    return ""


def _is_certain(neighbours: list[Row]) -> bool:
    """Tell whether what is not among the neighbours is nowhere near."""
    return all(row.kind or row.item is not None for row in neighbours)


def _join(card: Card, other: Card | None, partner: int) -> None:
    """Put the output of a call on the call's card, or say where the other of the two is."""
    if other is None:
        card.elsewhere = partner
    elif partner > card.pk:
        card.answers += other.answers
        card.marks += other.marks
        card.raws += other.raws
        card.answer_pk = partner
        if other.handed_to:
            card.face, card.handed_to = "handoff", other.handed_to


def _card(row: Row, text: Text | None, may_read: bool) -> Card:
    size = text.size if text else 0
    card = Card(
        face=face_of(row),
        pk=row.pk,
        title=visible(title_of(row)),
        created_at=row.created_at,
        agent=visible(row.agent_name),
        kind=visible(row.kind),
        is_named=is_named(row),
        raws=[Raw(row.pk, _("result") if row.kind in CALLS else "", size)],
    )
    if text is None or text.text == "":
        card.marks.append(Mark(_("purged"), is_fault=False))
        return card
    return _filled(card, row, text) if may_read else card


def _filled(card: Card, row: Row, text: Text) -> Card:
    """Put on a card what its item says, whatever state that is in."""
    if not text.is_whole:
        return _begun(card, row, text)
    try:
        item = decode(text.text)
    except UnreadableItemError:
        card.face, card.title = "note", _("Unreadable")
        card.marks.append(Mark(_("no JSON")))
        card.parts.append(text_part("text", text.text))
        return card
    if not isinstance(item, dict):
        card.parts += whole(item)
        return card
    _fill(card, row, item)
    _limit(card.parts)
    _limit(card.answers)
    return card


def _limit(found: list[Part]) -> None:
    if len(found) > MOST_PARTS:
        found[MOST_PARTS - 1 :] = [replace(found[MOST_PARTS - 1], is_cut=True)]


def _begun(card: Card, row: Row, text: Text) -> Card:
    """Put on a card what has been read of an item that is too long to be read as a whole."""
    item = begun(text.text)
    if isinstance(item, dict):
        _fill(card, row, item)
    shown = card.answers or card.parts
    if not shown:
        card.parts.append(replace(text_part("text", text.text[:BEGINNING_LENGTH]), is_cut=True))
    elif attachment := shown[-1].attachment:  # most probably it is what the item is so long for
        shown[-1] = replace(shown[-1], attachment=attachment._replace(length=text.size))
    else:
        shown[-1] = replace(shown[-1], is_cut=True)
    card.marks.append(Mark(_("too long to be shown whole"), is_fault=False))
    return card


def _fill(card: Card, row: Row, item: dict[str, Any]) -> None:
    card.marks += map(Mark, faults_of(row.kind, item))
    if row.kind in CALLS:
        card.answers += answered(row.kind, item)
        card.handed_to = visible(_handed_to(item))
    if fill := _FILLS.get(row.kind):
        fill(card, item)
    elif card.face == "tool" and row.kind not in CALLS:
        _fill_call(card, row.kind, item)
    elif card.face != "tool":
        card.parts += whole(item)


def _fill_call(card: Card, kind: str, item: dict[str, Any]) -> None:
    card.parts += asked_for(kind, item)
    if kind not in OUTPUTS:  # it answers inside itself
        card.answers += answered(kind, item)
    server = item.get("server_label")
    if isinstance(server, str) and server:
        card.title = visible(f"{server}: {card.title}")


def _fill_message(card: Card, item: dict[str, Any]) -> None:
    is_prose = card.face in ("user", "assistant")
    card.parts += said(item, is_prose=is_prose)
    if not card.parts and not item.keys() <= QUIET:
        card.parts += whole(item)
    content = item.get("content")
    if isinstance(content, list) and any(map(_is_refusal, content)):
        card.marks.append(Mark(_("refusal")))


def _is_refusal(part: Any) -> bool:
    return isinstance(part, dict) and "refusal" in part


def _fill_reasoning(card: Card, item: dict[str, Any]) -> None:
    card.parts += thought(item)
    if not card.parts:
        card.marks.append(Mark(_("kept secret by the model"), is_fault=False))


def _fill_request(card: Card, item: dict[str, Any]) -> None:
    card.parts += asked_for("mcp_approval_request", item)


def _fill_response(card: Card, item: dict[str, Any]) -> None:
    is_given = bool(item.get("approve"))
    card.marks.append(Mark(_("approved") if is_given else _("declined"), is_fault=not is_given))
    if isinstance(reason := item.get("reason"), str) and reason:
        card.answers.append(text_part("text", reason, _("Reason")))


def _fill_reference(card: Card, item: dict[str, Any]) -> None:
    if isinstance(item.get("id"), str):
        card.parts.append(text_part("text", item["id"]))


def _fill_note(card: Card, item: dict[str, Any]) -> None:
    """There is nothing to read: what it holds is encrypted."""


_FILLS: dict[str, Callable[[Card, dict[str, Any]], None]] = {
    "message": _fill_message,
    "reasoning": _fill_reasoning,
    "mcp_approval_request": _fill_request,
    "mcp_approval_response": _fill_response,
    "item_reference": _fill_reference,
    "compaction": _fill_note,
    "encrypted": _fill_note,
}


def _handed_to(output: Item) -> str:
    """Return the agent that a handoff's output names, which the SDK writes as JSON; or nothing."""
    text = output.get("output")
    if output.get("type") != "function_call_output" or not isinstance(text, str):
        return ""
    if len(text) > 1_000:
        return ""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    is_handoff = isinstance(said, dict) and said.keys() == {"assistant"}
    return said["assistant"] if is_handoff and isinstance(said["assistant"], str) else ""
