"""The columns of the list. Each is a function of a session to which row_facts are attached."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agent_sessions.admin.changelist.row_facts import facts_of
from agent_sessions.admin.formats import NO_VALUE, at_least_html, number
from agent_sessions.models import Session
from agent_sessions.text.visible import visible
from agent_sessions.turns.session_state import SessionState

STATES: dict[SessionState, Promise] = {
    "complete": gettext_lazy("Complete"),
    "waiting": gettext_lazy("Waiting"),
    "incomplete": gettext_lazy("Incomplete"),
    "unknown": gettext_lazy("Unknown"),
    "empty": gettext_lazy("Empty"),
}
SHORT_LENGTH = 8  # characters of an id, enough to tell the sessions of a page apart
AGENTS_SHOWN = 3


@admin.display(description=gettext_lazy("conversation"))
def conversation(session: Session) -> str:
    """Name a session by its title, its first words or its id, and list its agents below."""
    name = visible(session.title.strip() or facts_of(session).summary.first_words)
    pieces = [("session-id", visible(session.pk))]
    if name:
        short = visible(session.pk[:SHORT_LENGTH])
        pieces = [("session-name", name), ("session-id quiet", short)]
    if agents := _agents(session):
        pieces.append(("session-agents", agents))
    return format_html_join(" ", '<span class="{}">{}</span>', pieces)


@admin.display(description=gettext_lazy("owner"))
def owner(session: Session) -> str:
    """Name the owner, with a link to their sessions and one to their page as a user."""
    if session.user is None:
        return NO_VALUE
    name = visible(str(session.user))
    sessions = format_html('<a href="?{}">{}</a>', urlencode({"owner": session.user.pk}), name)
    if not (url := facts_of(session).owner_url):
        return sessions
    page = _("Open the user %s") % name
    link = (
        '{} <a class="session-user" href="{}" title="{}" aria-label="{}">\N{NORTH EAST ARROW}</a>'
    )
    return format_html(link, sessions, url, page, page)


@admin.display(description=gettext_lazy("turns"))
def turns(session: Session) -> str:
    count = facts_of(session).summary.turns
    return NO_VALUE if count is None else number(count)


@admin.display(description=gettext_lazy("messages"))
def messages(session: Session) -> str:
    return number(facts_of(session).summary.messages)


@admin.display(description=gettext_lazy("tokens"))
def tokens(session: Session) -> str:
    usage = facts_of(session).summary.usage
    if usage.steps == usage.unknown_steps:
        return NO_VALUE
    return at_least_html(
        number(usage.total_tokens),
        is_complete=usage.is_complete,
        reason=_("The tokens of some steps are unknown."),
    )


@admin.display(description=gettext_lazy("cost"))
def cost(session: Session) -> str:
    usage = facts_of(session).summary.usage
    if usage.cost is None or usage.steps == usage.unpriced_steps:
        return NO_VALUE
    return at_least_html(
        usage.cost_text,
        is_complete=usage.is_cost_complete,
        reason=_("The cost of some steps is unknown."),
    )


@admin.display(description=gettext_lazy("state"))
def state(session: Session) -> str:
    """Say how the last turn ended, whether a tool failed, and whether the session is a fork."""
    facts = facts_of(session)
    marks = [(f"session-state session-{facts.state}", str(STATES[facts.state]))]
    if facts.summary.failed_tools:
        marks.append(("session-failed", _("Tool failed")))
    if session.forked_at is not None:
        marks.append(("session-fork", _("Fork")))
    return format_html_join(" ", '<span class="{}">{}</span>', marks)


def _agents(session: Session) -> str:
    """Name the first agents of a session. The tooltip names all of them."""
    names = [visible(name) for name in facts_of(session).summary.agents]
    more = len(names) - AGENTS_SHOWN
    if more <= 0:
        return ", ".join(names)
    first = ", ".join(names[:AGENTS_SHOWN])
    return format_html('<span title="{}">{} +{}</span>', ", ".join(names), first, more)


# Ordered by importance: on a phone only the first columns are in view.
COLUMNS: tuple[str | Callable[[Any], str | bool], ...] = (
    conversation,
    state,
    owner,
    "updated_at",
    turns,
    messages,
    tokens,
    cost,
)
