"""Cards: messages as a page shows them, a call and its output on one. (pure)"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from agent_sessions.admin.session_page.parts import (
    Part,
    answered,
    asked_for,
    more,
    said,
    text_part,
    thought,
    whole,
)
from agent_sessions.admin.session_page.titles import Face, face_of, is_named, title_of
from agent_sessions.admin.session_page.window import Text, Window
from agent_sessions.items.codec import UnreadableItemError, decode
from agent_sessions.items.columns import is_envelope
from agent_sessions.items.kinds import CALLS, OUTPUTS
from agent_sessions.items.reading import Reading
from agent_sessions.items.reported_errors import faults_of
from agent_sessions.items.truncated import completed
from agent_sessions.text.visible import visible
from agent_sessions.turns.rows import Row, partners

# Of an item that is too long to be read as a whole.
BEGINNING_LENGTH = 2_000

# What a card shows of an item of more parts; the rest is in the raw item.
MOST_PARTS = 100


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
    rest = _fill(card, row, item)
    for shown in (card.parts, card.answers):
        _limit(shown)
    _shown(card, row).extend(rest)
    return card


def _shown(card: Card, row: Row) -> list[Part]:
    """Return the parts to which the last ones of an item are added."""
    return card.answers if card.answers or row.kind in CALLS else card.parts


def _limit(found: list[Part]) -> None:
    if len(found) > MOST_PARTS:
        found[MOST_PARTS - 1 :] = [replace(found[MOST_PARTS - 1], is_cut=True)]


def _begun(card: Card, row: Row, text: Text) -> Card:
    """Put on a card what has been read of an item that is too long to be read as a whole."""
    item = completed(text.text)
    rest = _fill(card, row, item) if isinstance(item, dict) else []
    shown = _shown(card, row)
    if not shown:
        shown.append(replace(text_part("text", text.text[:BEGINNING_LENGTH]), is_cut=True))
    elif attachment := shown[-1].attachment:  # most probably it is what the item is so long for
        shown[-1] = replace(shown[-1], attachment=attachment._replace(length=text.size))
    else:
        shown[-1] = replace(shown[-1], is_cut=True)
    shown += rest
    card.marks.append(Mark(_("too long to be shown whole"), is_fault=False))
    return card


def _fill(card: Card, row: Row, item: dict[str, Any]) -> list[Part]:
    """Put on a card what its item says, and return what is left of it."""
    card.marks += map(Mark, faults_of(row.kind, item))
    fill = _FILLS.get(row.kind) or (_fill_tool if card.face == "tool" else None)
    if fill is None:
        card.parts += whole(item)
        return []
    reading = Reading(item)
    if item.get("status") in ("failed", "incomplete"):
        reading.take("status")  # a mark says it
    fill(card, row, reading)
    return more(reading)


def _fill_tool(card: Card, row: Row, item: Reading) -> None:
    if row.kind in CALLS:
        _fill_output(card, row, item)
        return
    _entitle(card, row, item)
    card.parts += asked_for(row.kind, item)
    if row.kind not in OUTPUTS:  # it answers inside itself
        card.answers += answered(row.kind, item)


def _entitle(card: Card, row: Row, item: Reading) -> None:
    """Take the name of the tool, which is the title, and put before it where the tool is."""
    if card.title == visible(row.tool_name) and item.holder.get("name") == row.tool_name:
        item.take("name")
        if namespace := item.text("namespace"):
            card.title = visible(f"{namespace}.{card.title}")
    if server := item.text("server_label"):
        card.title = visible(f"{server}: {card.title}")


def _fill_output(card: Card, row: Row, item: Reading) -> None:
    card.handed_to = visible(_handed_to(item.holder))
    if card.handed_to:
        item.take("output")
    card.answers += answered(row.kind, item)


def _fill_message(card: Card, row: Row, item: Reading) -> None:
    if item.holder.get("role") == row.role:
        item.take("role")  # the title says it
    content = item.holder.get("content")
    if isinstance(content, list) and any(map(_is_refusal, content)):
        card.marks.append(Mark(_("refusal")))
    card.parts += said(item, is_prose=card.face in ("user", "assistant"))


def _is_refusal(part: Any) -> bool:
    return isinstance(part, dict) and "refusal" in part


def _fill_reasoning(card: Card, row: Row, item: Reading) -> None:
    card.parts += thought(item)
    if not card.parts:
        card.marks.append(Mark(_("kept secret by the model"), is_fault=False))


def _fill_request(card: Card, row: Row, item: Reading) -> None:
    if item.holder.get("name") == row.tool_name:
        name = ": ".join(filter(None, [item.text("server_label"), item.text("name")]))
        card.title = visible(_("Approval asked for: %s") % name)
    card.parts += asked_for(row.kind, item)


def _fill_response(card: Card, row: Row, item: Reading) -> None:
    is_given = bool(item.holder.get("approve"))
    card.marks.append(Mark(_("approved") if is_given else _("declined"), is_fault=not is_given))
    if isinstance(item.holder.get("approve"), bool):
        item.take("approve")
    if reason := item.text("reason"):
        card.answers.append(text_part("text", reason, _("Reason")))


def _fill_reference(card: Card, row: Row, item: Reading) -> None:
    if name := item.text("id"):
        card.parts.append(text_part("text", name))


def _fill_compaction(card: Card, row: Row, item: Reading) -> None:
    """There is nothing to read: what was compacted is encrypted."""


def _fill_envelope(card: Card, row: Row, item: Reading) -> None:
    if is_envelope(item.holder):
        item.whole()  # nobody but an EncryptedSession knows what it holds


_FILLS: dict[str, Callable[[Card, Row, Reading], None]] = {
    "message": _fill_message,
    "reasoning": _fill_reasoning,
    "mcp_approval_request": _fill_request,
    "mcp_approval_response": _fill_response,
    "item_reference": _fill_reference,
    "compaction": _fill_compaction,
    "encrypted": _fill_envelope,
}


def _handed_to(output: dict[str, Any]) -> str:
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
