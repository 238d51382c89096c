"""The content of a card: the parts and marks that an item adds to it.

Values that a card shows are taken from the item; the rest is shown under "More".
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from agent_sessions.admin.session_page.card import Mark, MessageCard
from agent_sessions.admin.session_page.parts import CardPart, more, said, text_part, thought, whole
from agent_sessions.admin.session_page.titles import request_title
from agent_sessions.admin.session_page.tool_parts import answered, asked_for
from agent_sessions.admin.session_page.window import StoredText
from agent_sessions.items.codec import UnreadableItemError, decode
from agent_sessions.items.columns import is_envelope
from agent_sessions.items.kinds import CALL_OF, ENCRYPTED, OUTPUT_OF
from agent_sessions.items.reading import Reading
from agent_sessions.items.reported_errors import faults_of
from agent_sessions.items.truncated import completed
from agent_sessions.text.visible import visible
from agent_sessions.turns.rows import Row

BEGINNING_LENGTH = 2_000  # characters of the JSON of a long item, if no part of it can be read
MOST_PARTS = 100  # parts that a card shows; the raw item has all of them


def fill(card: MessageCard, row: Row, text: StoredText) -> None:
    """Put the content of an item on its card, even if the item is damaged or cut."""
    if not text.is_whole:
        _fill_cut(card, row, text)
        return
    try:
        item = decode(text.text)
    except UnreadableItemError:
        card.face, card.title = "note", _("Unreadable")
        card.marks.append(Mark(_("not JSON")))
        card.parts.append(text_part("text", text.text))
        return
    if not isinstance(item, dict):
        card.parts += whole(item)
        return
    rest = _fill_known(card, row, item)
    for shown in (card.parts, card.answers):
        _limit(shown)
    _last_parts(card, row).extend(rest)


def _fill_cut(card: MessageCard, row: Row, text: StoredText) -> None:
    """Put the content of an item on its card if only its beginning has been read."""
    item = completed(text.text)
    rest = _fill_known(card, row, item) if isinstance(item, dict) else []
    shown = _last_parts(card, row)
    if not shown:
        shown.append(replace(text_part("text", text.text[:BEGINNING_LENGTH]), is_cut=True))
    elif attachment := shown[-1].attachment:  # it is probably what makes the item so long
        shown[-1] = replace(shown[-1], attachment=attachment._replace(length=text.size))
    else:
        shown[-1] = replace(shown[-1], is_cut=True)
    shown += rest
    card.marks.append(Mark(_("too long to show in full"), is_fault=False))


def _last_parts(card: MessageCard, row: Row) -> list[CardPart]:
    """Return the parts at the end of the card, to which the rest of its item is added."""
    return card.answers if card.answers or row.kind in CALL_OF else card.parts


def _limit(parts: list[CardPart]) -> None:
    if len(parts) > MOST_PARTS:
        parts[MOST_PARTS - 1 :] = [replace(parts[MOST_PARTS - 1], is_cut=True)]


def _fill_known(card: MessageCard, row: Row, item: dict[str, Any]) -> list[CardPart]:
    """Put on the card what its kind is known to contain, and return the rest as parts."""
    card.marks += map(Mark, faults_of(row.kind, item))
    fill_kind = _FILLS.get(row.kind) or (_fill_tool if card.face == "tool" else None)
    if fill_kind is None:
        card.parts += whole(item)
        return []
    reading = Reading(item)
    if item.get("status") in ("failed", "incomplete"):
        reading.take("status")  # a mark shows it
    fill_kind(card, row, reading)
    return more(reading)


def _fill_tool(card: MessageCard, row: Row, item: Reading) -> None:
    if row.kind in CALL_OF:
        _fill_output(card, row, item)
        return
    _entitle(card, row, item)
    card.parts += asked_for(row.kind, item)
    if row.kind not in OUTPUT_OF:  # the call of a hosted tool contains its result
        card.answers += answered(row.kind, item)


def _entitle(card: MessageCard, row: Row, item: Reading) -> None:
    """Take the tool's name, which is in the title; add its namespace or server to the title."""
    if card.title == visible(row.tool_name) and item.holder.get("name") == row.tool_name:
        item.take("name")
        if namespace := item.text("namespace"):
            card.title = visible(f"{namespace}.{card.title}")
    if server := item.text("server_label"):
        card.title = visible(f"{server}: {card.title}")


def _fill_output(card: MessageCard, row: Row, item: Reading) -> None:
    card.handed_to = visible(_handed_to(item.holder))
    if card.handed_to:
        item.take("output")
    card.answers += answered(row.kind, item)


def _handed_to(output: dict[str, Any]) -> str:
    """Return the agent that the output of a handoff names; "" if it is no handoff.

    The SDK writes {"assistant": "Ticket Desk"}, as JSON, for the output of a handoff's call.
    """
    text = output.get("output")
    if output.get("type") != "function_call_output" or not isinstance(text, str):
        return ""
    if len(text) > 1_000:
        return ""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    is_handoff = isinstance(value, dict) and value.keys() == {"assistant"}
    return value["assistant"] if is_handoff and isinstance(value["assistant"], str) else ""


def _fill_message(card: MessageCard, row: Row, item: Reading) -> None:
    if item.holder.get("role") == row.role:
        item.take("role")  # the title shows it
    content = item.holder.get("content")
    if isinstance(content, list) and any(map(_is_refusal, content)):
        card.marks.append(Mark(_("refusal")))
    card.parts += said(item, is_prose=card.face in ("user", "assistant"))


def _is_refusal(part: Any) -> bool:
    return isinstance(part, dict) and "refusal" in part


def _fill_reasoning(card: MessageCard, row: Row, item: Reading) -> None:
    card.parts += thought(item)
    if not card.parts:
        card.marks.append(Mark(_("hidden by the model"), is_fault=False))


def _fill_request(card: MessageCard, row: Row, item: Reading) -> None:
    if item.holder.get("name") == row.tool_name:
        name = ": ".join(filter(None, [item.text("server_label"), item.text("name")]))
        card.title = visible(request_title(name))
    card.parts += asked_for(row.kind, item)


def _fill_response(card: MessageCard, row: Row, item: Reading) -> None:
    is_given = bool(item.holder.get("approve"))
    card.marks.append(Mark(_("approved") if is_given else _("declined"), is_fault=not is_given))
    if isinstance(item.holder.get("approve"), bool):
        item.take("approve")
    if reason := item.text("reason"):
        card.answers.append(text_part("text", reason, _("Reason")))


def _fill_reference(card: MessageCard, row: Row, item: Reading) -> None:
    if name := item.text("id"):
        card.parts.append(text_part("text", name))


def _fill_compaction(card: MessageCard, row: Row, item: Reading) -> None:
    """Show the title only: the compacted conversation is encrypted."""


def _fill_envelope(card: MessageCard, row: Row, item: Reading) -> None:
    if is_envelope(item.holder):
        item.whole()  # only the EncryptedSession can decrypt it


_FILLS: dict[str, Callable[[MessageCard, Row, Reading], None]] = {
    "message": _fill_message,
    "reasoning": _fill_reasoning,
    "mcp_approval_request": _fill_request,
    "mcp_approval_response": _fill_response,
    "item_reference": _fill_reference,
    "compaction": _fill_compaction,
    ENCRYPTED: _fill_envelope,
}
