"""The cards of a window: one for each message, except that a call and its output share one."""

from __future__ import annotations

from django.utils.translation import gettext as _

from agent_sessions.admin.session_page.card import Mark, MessageCard, RawItem
from agent_sessions.admin.session_page.card_content import fill
from agent_sessions.admin.session_page.titles import face_of, is_tool_name, title_of
from agent_sessions.admin.session_page.window import StoredText, Window
from agent_sessions.items.kinds import CALL_OF, OUTPUT_OF
from agent_sessions.text.visible import visible
from agent_sessions.turns.rows import Row, partners


def cards(window: Window, *, may_read: bool) -> list[MessageCard]:
    """Return the cards of a window in order, without any content if that may not be read."""
    pairs = partners([*window.before, *window.rows, *window.after])
    found = {row.pk: _card(row, window.texts.get(row.pk), may_read) for row in window.rows}
    joined = {pairs[row.pk] for row in window.rows if row.kind in OUTPUT_OF and row.pk in pairs}
    for row in window.rows:
        if partner := pairs.get(row.pk):
            _join(found[row.pk], found.get(partner), partner)
        elif lack := _lack(row, window):
            found[row.pk].marks.append(Mark(lack))
    return [card for pk, card in found.items() if pk not in joined]


def _card(row: Row, text: StoredText | None, may_read: bool) -> MessageCard:
    card = MessageCard(
        face=face_of(row),
        pk=row.pk,
        title=visible(title_of(row)),
        created_at=row.created_at,
        agent=visible(row.agent_name),
        is_named=is_tool_name(row),
        raws=[
            RawItem(row.pk, _("result") if row.kind in CALL_OF else "", text.size if text else 0)
        ],
    )
    if text is None or text.text == "":
        card.marks.append(Mark(_("purged"), is_fault=False))
    elif may_read:
        fill(card, row, text)
    return card


def _join(card: MessageCard, other: MessageCard | None, partner: int) -> None:
    """Put the output of a call on the card of the call, or link to it if it is elsewhere."""
    if other is None:
        card.elsewhere = partner
    elif partner > card.pk:
        card.answers += other.answers
        card.marks += other.marks
        card.raws += other.raws
        card.answer_pk = partner
        if other.handed_to:
            card.face, card.handed_to = "handoff", other.handed_to


def _lack(row: Row, window: Window) -> str:
    """Say that a call has no output, or an output no call, if the window can be sure of it."""
    if row.kind in OUTPUT_OF and _are_known(window.after):
        is_request = row.kind == "mcp_approval_request"
        return _("not answered") if is_request else _("no output was recorded")
    if row.kind in CALL_OF and _are_known(window.before):
        return _("no call was recorded for this output")
    return ""


def _are_known(neighbours: list[Row]) -> bool:
    """Tell whether the kinds of all neighbours are known, so that none can be the partner."""
    return all(row.kind or row.item is not None for row in neighbours)
