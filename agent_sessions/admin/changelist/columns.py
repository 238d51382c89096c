"""The columns of the list: each a function of a session that the list has looked into."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.contrib import admin
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agent_sessions.models import Session
from agent_sessions.text.visible import visible
from agent_sessions.turns.session_state import SessionState
from agent_sessions.turns.summaries import Summary

STATES: dict[SessionState, Promise] = {
    "complete": gettext_lazy("Complete"),
    "waiting": gettext_lazy("Waiting"),
    "incomplete": gettext_lazy("Incomplete"),
    "unknown": gettext_lazy("Unknown"),
    "empty": gettext_lazy("Empty"),
}
NOTHING = "\N{EN DASH}"
SHORT_LENGTH = 8  # of an id, which tells it from the others of a page
AGENTS_SHOWN = 3


class Listed(NamedTuple):
    """What a row of the list shows beside the fields of its session."""

    summary: Summary
    state: SessionState
    owner_url: str = ""


def listed(session: Session) -> Listed:
    """Return what the list found out about a session of one of its rows."""
    found: Listed = vars(session)["listed"]
    return found


@admin.display(description=gettext_lazy("conversation"))
def conversation(session: Session) -> str:
    """Name a session by its title, its first words, or else its id; and beneath, its agents."""
    name = visible(session.title.strip() or listed(session).summary.first_words)
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
        return NOTHING
    name = visible(str(session.user))
    sessions = format_html('<a href="?{}">{}</a>', urlencode({"owner": session.user.pk}), name)
    if not (url := listed(session).owner_url):
        return sessions
    page = _("Open the user %s") % name
    link = (
        '{} <a class="session-user" href="{}" title="{}" aria-label="{}">\N{NORTH EAST ARROW}</a>'
    )
    return format_html(link, sessions, url, page, page)


@admin.display(description=gettext_lazy("turns"))
def turns(session: Session) -> str:
    count = listed(session).summary.turns
    return NOTHING if count is None else number(count)


@admin.display(description=gettext_lazy("messages"))
def messages(session: Session) -> str:
    return number(listed(session).summary.messages)


@admin.display(description=gettext_lazy("tokens"))
def tokens(session: Session) -> str:
    usage = listed(session).summary.usage
    if usage.steps == usage.unknown_steps:
        return NOTHING
    total = number(usage.total_tokens)
    return total if usage.is_complete else _at_least(total, _("Of some steps it is not known."))


@admin.display(description=gettext_lazy("cost"))
def cost(session: Session) -> str:
    usage = listed(session).summary.usage
    if usage.cost is None or usage.steps == usage.unpriced_steps:
        return NOTHING
    spent = usage.cost_text
    return (
        spent if usage.is_cost_complete else _at_least(spent, _("Of some steps it is not known."))
    )


@admin.display(description=gettext_lazy("state"))
def state(session: Session) -> str:
    """Say how the last turn ended, whether a tool failed, and whether the session is a fork."""
    found = listed(session)
    marks = [(f"session-state session-{found.state}", str(STATES[found.state]))]
    if found.summary.failed_tools:
        marks.append(("session-failed", _("Tool failed")))
    if session.forked_at is not None:
        marks.append(("session-fork", _("Fork")))
    return format_html_join(" ", '<span class="{}">{}</span>', marks)


def _agents(session: Session) -> str:
    """Name the agents that spoke, the first few of many."""
    names = [visible(name) for name in listed(session).summary.agents]
    more = len(names) - AGENTS_SHOWN
    if more <= 0:
        return ", ".join(names)
    few = ", ".join(names[:AGENTS_SHOWN])
    return format_html('<span title="{}">{} +{}</span>', ", ".join(names), few, more)


def number(value: int | Decimal) -> str:
    return number_format(value, force_grouping=True)


def _at_least(number: str, why: str) -> str:
    return format_html(
        '<span title="{}"><span aria-hidden="true">≥ </span>'
        '<span class="visually-hidden">{} </span>{}</span>',
        why,
        _("at least"),
        number,
    )


# What matters most stands first: the rest may be out of view, or is on a phone.
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
