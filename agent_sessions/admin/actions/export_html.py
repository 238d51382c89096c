"""A session as a web page in one file, which loads nothing and runs nothing.

The file contains its style sheet, and its policy allows that one alone, by its hash. Images are
embedded as data if their bytes are of a plain image format.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from django.db.models import Max
from django.template.loader import render_to_string
from django.utils.translation import get_language, get_language_bidi

from agent_sessions.admin.actions.confirmation import TEMPLATES
from agent_sessions.admin.csp import document_policy
from agent_sessions.admin.session_page.parts import CardPart
from agent_sessions.admin.session_page.spent import Spent, steps_in
from agent_sessions.admin.session_page.turns import TurnView, conversation
from agent_sessions.admin.session_page.window import window
from agent_sessions.models import Session
from agent_sessions.models.message import Message
from agent_sessions.text.visible import visible
from agent_sessions.turns.summaries import summaries, title_of

MOST_MESSAGES = 20_000
STYLE = TEMPLATES + "export.css"


class ExportedPart(NamedTuple):
    """A part of a card, and its image as a data: URL; "" if it has none."""

    part: CardPart
    picture: str


def web_page(session: Session) -> Iterator[str]:
    """Yield the page: its head, turn after turn, its end.

    It ends after about MOST_MESSAGES. A turn takes about 2 ms to render: a longer page would exceed
    the time that many servers give a request, and browsers would struggle to show it.
    """
    yield render_to_string(TEMPLATES + "export_head.html", _head(session))
    messages = Message.objects.using(session._state.db).filter(session_id=session.pk)
    # Messages that are added meanwhile are left out, or the page might never end.
    newest = messages.aggregate(newest=Max("pk"))["newest"] or 0
    messages, after, count = messages.filter(pk__lte=newest), 0, 0
    while after < newest and count < MOST_MESSAGES:
        shown = window(messages, {"after": str(after)})
        if shown.last_id is None or shown.last_id <= after:  # the others have been deleted
            after = newest
            break
        spent = Spent([*steps_in(shown, session).by_message()], [])
        for turn in conversation(shown, spent, may_read=True):
            yield rendered(turn)
        after, count = shown.last_id, count + len(shown.rows)
    end = {"count": count, "is_cut": after < newest}
    yield render_to_string(TEMPLATES + "export_end.html", end)


def rendered(turn: TurnView) -> str:
    """Return the HTML of a turn."""
    cards = [(card, _exported(card.parts), _exported(card.answers)) for card in turn.cards]
    return render_to_string(TEMPLATES + "export_turn.html", {"turn": turn, "cards": cards})


def _head(session: Session) -> dict[str, object]:
    summary = summaries([session.pk], using=session._state.db, with_text=True)[session.pk]
    return {
        "policy": document_policy(render_to_string(STYLE)),
        "style": STYLE,
        "language": get_language(),
        "is_bidi": get_language_bidi(),
        "title": visible(title_of(session, summary)),
        "session_id": visible(session.pk),
        "owner": visible(session.user.get_username()) if session.user else "",
        "parent": visible(session.parent_id or ""),
        "session": session,
        "summary": summary,
    }


def _exported(parts: Iterable[CardPart]) -> list[ExportedPart]:
    return [ExportedPart(part, _picture(part)) for part in parts]


def _picture(part: CardPart) -> str:
    """Return the image of a part as a data: URL of the type that its bytes have."""
    attachment = part.attachment
    if attachment is None or attachment.what != "image" or not attachment.data:
        return ""
    kind, content = attachment.image_type, attachment.content()
    return f"data:{kind};base64,{b64encode(content).decode()}" if kind and content else ""
