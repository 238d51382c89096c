"""A session as Markdown, for a person to read.

Texts of people and models are in block quotes, and input and output of tools in code fences. A text
cannot end its quote or fence, so it cannot pass for a text of somebody else, or for a turn.
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
from agent_sessions.transfer.batches import RunningCosts, messages_of
from agent_sessions.turns.summaries import summaries, title_of
from agent_sessions.usage.totals import UsageTotal

SAID = ("message", "reasoning")

# Characters with a meaning in Markdown within a line.
_MARKS = re.compile(r"[\\`*_{}\[\]<>()#!|~&]")
# The beginnings of images and HTML, which a page made of the Markdown would load or run. They are
# written as entities, because a backslash may itself follow a backslash.
_ACTIVE = re.compile(r"(?<=!)\[|<(?=[A-Za-z/!?])")


def markdown(session: Session) -> Iterator[str]:
    """Yield the Markdown of a session: its turns with their messages and costs."""
    yield _heading(session)
    costs, turn = RunningCosts(session), 0
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
    """Return the cost of steps as a line; "" without steps."""
    if not total.steps:
        return ""
    tokens = _("%(steps)d steps, %(tokens)d tokens") % {
        "steps": total.steps,
        "tokens": total.total_tokens,
    }
    cost = "" if total.cost is None else ", " + _("cost %s") % total.cost_text
    unknown = "" if total.is_complete else ", " + _("unknown for %d") % total.unknown_steps
    return f"*{tokens}{cost}{unknown}*\n\n"


def message_of(message: Message) -> str:
    """Return the part of the document about one message."""
    entry = message.entry
    label = f"{entry.label} ({message.agent_name})" if message.agent_name else entry.label
    time = message.created_at.isoformat(" ", "seconds")
    heading = f"### {_inline(label)}{_marks(message)}\n\n{time}\n\n"
    if message.is_purged:
        return heading
    body = _quoted(entry.text) if entry.kind in SAID else _fenced(entry.text)
    return f"{heading}{body}\n\n"


def _marks(message: Message) -> str:
    """Return the reported errors of a call or an output, in bold."""
    try:
        item = message.item
    except UnreadableItemError:  # a purged message, for example
        return ""
    faults = faults_of(columns(item).kind, item) if isinstance(item, dict) else []
    return f": **{_inline(', '.join(faults))}**" if faults else ""


def _inline(text: str) -> str:
    """Return text as a part of a line, without a meaning in Markdown."""
    return _MARKS.sub(r"\\\g<0>", visible(" ".join(text.split())))


def _quoted(text: str) -> str:
    """Return Markdown inside a block quote that it cannot end, and that loads nothing."""
    inert = _ACTIVE.sub(lambda match: f"&#{ord(match[0])};", visible(text))
    return "\n".join(f"> {line}".rstrip() for line in inert.splitlines() or [""])


def _fenced(text: str) -> str:
    """Return text inside a code fence that is longer than any in the text."""
    ticks = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, ticks + 1)
    return f"{fence}\n{visible(text)}\n{fence}"
