"""A session as Markdown, for a person to read.

What people and models said stands in quotes, what went to tools and came from them in fences, and
neither can end early: no text can pass for another's, or for a turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.utils.translation import gettext as _

from agent_sessions.items.codec import UnreadableItemError
from agent_sessions.items.columns import columns
from agent_sessions.items.kinds import is_user_message
from agent_sessions.items.reported_errors import faults_of
from agent_sessions.models import Session
from agent_sessions.models.message import Message
from agent_sessions.text.visible import visible
from agent_sessions.transfer.batches import Costs, messages_of
from agent_sessions.turns.summaries import summaries, title_of
from agent_sessions.usage.totals import UsageTotal

SAID = ("message", "reasoning")

# What Markdown gives a meaning to within a line.
_MARKS = re.compile(r"[\\`*_{}\[\]<>()#!|~&]")
# What a page made of it would load, or run: pictures, and HTML of any sort. As entities they are
# text wherever they stand; a backslash would be one itself behind another.
_ACTIVE = re.compile(r"(?<=!)\[|<(?=[A-Za-z/!?])")


def markdown(session: Session) -> Iterator[str]:
    """Yield the Markdown of a session: turns, who spoke, calls and outputs, and numbers."""
    yield _heading(session)
    costs, turn = Costs(session), 0
    for message in messages_of(session):
        entry = message.entry
        if is_user_message(entry):
            yield _numbers(costs.until(message.pk))
            turn += 1
            yield f"## {_('Turn')} {turn}\n\n"
        yield message_of(message)
    yield _numbers(costs.until())


def _heading(session: Session) -> str:
    summary = summaries([session.pk], using=session._state.db, with_text=True)[session.pk]
    facts = {
        _("Session"): session.pk,
        _("Owner"): session.user.get_username() if session.user else "",
        _("Created"): session.created_at.isoformat(" ", "seconds"),
        _("Last activity"): session.updated_at.isoformat(" ", "seconds"),
        _("Forked from"): session.parent_id or "",
    }
    listed = "".join(f"- {name}: {_inline(value)}\n" for name, value in facts.items() if value)
    return f"# {_inline(title_of(session, summary))}\n\n{listed}\n{_numbers(summary.usage)}"


def _numbers(total: UsageTotal) -> str:
    """Return what steps cost as a line; nothing of none."""
    if not total.steps:
        return ""
    tokens = _("%(steps)d steps, %(tokens)d tokens") % {
        "steps": total.steps,
        "tokens": total.total_tokens,
    }
    cost = "" if total.cost is None else ", " + _("cost %s") % total.cost_text
    unknown = "" if total.is_complete else ", " + _("of %d unknown") % total.unknown_steps
    return f"*{tokens}{cost}{unknown}*\n\n"


def message_of(message: Message) -> str:
    """Return a message as a piece of the document."""
    entry = message.entry
    label = f"{entry.label} ({message.agent_name})" if message.agent_name else entry.label
    time = message.created_at.isoformat(" ", "seconds")
    heading = f"### {_inline(label)}{_marks(message)}\n\n{time}\n\n"
    if message.is_purged:
        return heading
    body = _quoted(entry.text) if entry.kind in SAID else _fenced(entry.text)
    return f"{heading}{body}\n\n"


def _marks(message: Message) -> str:
    """Return what has gone wrong with a call or an output, in bold."""
    try:
        item = message.item
    except UnreadableItemError:  # as that of a purged message is
        return ""
    faults = faults_of(columns(item).kind, item) if isinstance(item, dict) else []
    return f": **{_inline(', '.join(faults))}**" if faults else ""


def _inline(text: str) -> str:
    """Return text that is a part of a line, and means nothing to Markdown."""
    return _MARKS.sub(r"\\\g<0>", visible(" ".join(text.split())))


def _quoted(text: str) -> str:
    """Return Markdown inside a quote, which no line of it leaves, and that loads nothing."""
    inert = _ACTIVE.sub(lambda match: f"&#{ord(match[0])};", visible(text))
    return "\n".join(f"> {line}".rstrip() for line in inert.splitlines() or [""])


def _fenced(text: str) -> str:
    """Return text inside a fence that is longer than any in the text."""
    ticks = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, ticks + 1)
    return f"{fence}\n{visible(text)}\n{fence}"
