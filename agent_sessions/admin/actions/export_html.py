"""A session as a web page in one file, which loads nothing and runs nothing.

Its style stands in it, and its policy allows that style alone, by its hash. Pictures stand in it as
data, if they are of a kind that holds nothing but a picture.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import NamedTuple

from django.db.models import Max
from django.template.loader import render_to_string
from django.utils.translation import get_language, get_language_bidi

from agent_sessions.admin.session_page.page import steps_in
from agent_sessions.admin.session_page.parts import Part
from agent_sessions.admin.session_page.turns import Spent, TurnView, conversation
from agent_sessions.admin.session_page.window import window
from agent_sessions.models import Session
from agent_sessions.models.message import Message
from agent_sessions.text.visible import visible
from agent_sessions.turns.summaries import summaries, title_of

TEMPLATES = "admin/agent_sessions/session/actions/"
MOST_MESSAGES = 20_000
STYLE = TEMPLATES + "export.css"


class Shown(NamedTuple):
    """A part of a card, and where its picture is, if it has one: inside of the address itself."""

    part: Part
    picture: str


def web_page(session: Session) -> Iterator[str]:
    """Yield the page: its head, turn after turn, its end; of the first MOST_MESSAGES or a few more.

    A turn takes about 2 ms of a processor: of a session without an end the page would be rendered
    longer than many servers let a request live, and no browser would show it.
    """
    yield render_to_string(TEMPLATES + "export_head.html", _head(session))
    messages = Message.objects.using(session._state.db).filter(session_id=session.pk)
    # Up to the newest that there is at first, or there might be no end.
    newest = messages.aggregate(newest=Max("pk"))["newest"] or 0
    messages, after, count = messages.filter(pk__lte=newest), 0, 0
    while after < newest and count < MOST_MESSAGES:
        shown = window(messages, {"after": str(after)})
        if shown.last_id is None or shown.last_id <= after:  # the others have been deleted
            after = newest
            break
        spent = Spent([*steps_in(shown, session).by_message()], [])
        for turn in conversation(shown, spent, may_read=True):
            yield turn_of(turn)
        after, count = shown.last_id, count + len(shown.rows)
    yield render_to_string(
        TEMPLATES + "export_end.html", {"count": count, "is_cut": after < newest}
    )


def policy() -> str:
    """Return the content security policy that stands in the page."""
    digest = b64encode(sha256(render_to_string(STYLE).encode()).digest()).decode()
    sources = f"style-src 'sha256-{digest}'; img-src data:"
    return f"default-src 'none'; {sources}; base-uri 'none'; form-action 'none'"


def _head(session: Session) -> dict[str, object]:
    found = summaries([session.pk], using=session._state.db, with_text=True)[session.pk]
    return {
        "policy": policy(),
        "style": STYLE,
        "language": get_language(),
        "is_bidi": get_language_bidi(),
        "title": visible(title_of(session, found)),
        "session_id": visible(session.pk),
        "owner": visible(session.user.get_username()) if session.user else "",
        "parent": visible(session.parent_id or ""),
        "session": session,
        "summary": found,
    }


def turn_of(turn: TurnView) -> str:
    """Return a turn as a piece of the page."""
    cards = [(card, _shown(card.parts), _shown(card.answers)) for card in turn.cards]
    return render_to_string(TEMPLATES + "export_turn.html", {"turn": turn, "cards": cards})


def _shown(parts: Iterable[Part]) -> list[Shown]:
    return [Shown(part, _picture(part)) for part in parts]


def _picture(part: Part) -> str:
    """Return the picture of a part as an address: of its content, whatever it says it is."""
    attachment = part.attachment
    if attachment is None or attachment.what != "image" or not attachment.data:
        return ""
    kind, content = attachment.image_type, attachment.content()
    return f"data:{kind};base64,{b64encode(content).decode()}" if kind and content else ""
