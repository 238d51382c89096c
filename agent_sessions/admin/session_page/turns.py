"""A window of a session as turns, each with its cards and with what it cost. (pure)"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar
from urllib.parse import quote

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from agent_sessions.admin.session_page.cards import Card, Mark, cards
from agent_sessions.admin.session_page.window import Window
from agent_sessions.conf import conf
from agent_sessions.items.kinds import is_user_message
from agent_sessions.text.visible import visible
from agent_sessions.turns.rows import Row, State, grouped_by_turn, state_of
from agent_sessions.usage.totals import Group, UsageTotal, totals

T = TypeVar("T")

# Markdown takes time: for each character, and for each bracket once more for each character after
# it. A page has as much of it as is read in about a second: 200,000 characters of prose.
BRACKETS_OF_PROSE = 500
MOST_MARKDOWN = 200_000 * BRACKETS_OF_PROSE


class Trace(NamedTuple):
    """A trace of the SDK, and where it can be looked at; blank if nowhere."""

    trace_id: str
    url: str


@dataclass(frozen=True, slots=True)
class TurnView:
    """A turn as a page shows it, or the piece of it that is in the window.

    `number` and `state` are None where they cannot be known from what is in the window.
    """

    number: int | None
    first_id: int
    last_id: int
    cards: list[Card]
    started: datetime
    duration: timedelta
    agents: tuple[str, ...]
    models: tuple[str, ...]
    usage: UsageTotal
    traces: list[Trace]
    state: State | None
    is_continued: bool
    goes_on: bool
    is_newest: bool
    failed_tools: int

    @property
    def took(self) -> str:
        """How long it took from the first to the last message, in words; blank for no time."""
        seconds = self.duration.total_seconds()
        if seconds < 60:
            return _("%s s") % number_format(seconds, 1) if seconds >= 0.05 else ""
        minutes = int(seconds) // 60
        if minutes < 60:
            return _("%d min") % minutes
        return _("%(hours)d h %(minutes)d min") % {"hours": minutes // 60, "minutes": minutes % 60}


class Spent(NamedTuple):
    """What is recorded of the steps in a window, each under the id of its last message."""

    groups: list[Group]
    traces: list[tuple[int, str]]


def conversation(window: Window, spent: Spent, *, may_read: bool) -> list[TurnView]:
    """Return the turns of a window, without what anybody said if that may not be read."""
    grouped = [*grouped_by_turn(window.rows, window.number or 0)]
    if not grouped:
        return []
    found = cards(window, may_read=may_read)
    _limit_markdown(found)
    _mark_failures(found, window.rows)
    starts = [rows[0].pk for number, rows in grouped]
    cards_of = _by_turn(starts, ((card.pk, card) for card in found))
    models = _by_turn(starts, ((group.key, group.model) for group in spent.groups))
    traces = _by_turn(starts, spent.traces)
    usage = totals(group._replace(key=_start(starts, group.key)) for group in spent.groups)
    turns = []
    for at, (number, rows) in enumerate(grouped):
        is_continued = at == 0 and window.begins_inside
        goes_on = at == len(grouped) - 1 and window.ends_inside
        start = starts[at]
        turn = TurnView(
            number=None if window.number is None else number,
            first_id=start,
            last_id=rows[-1].pk,
            cards=_without_repeats(cards_of[start]),
            started=rows[0].created_at,
            duration=rows[-1].created_at - rows[0].created_at,
            agents=_agents(rows),
            models=tuple(dict.fromkeys(map(visible, filter(None, models[start])))),
            usage=usage.get(start, UsageTotal()),
            traces=[Trace(visible(one), trace_url(one)) for one in dict.fromkeys(traces[start])],
            state=_state(rows, is_continued=is_continued, goes_on=goes_on),
            is_continued=is_continued,
            goes_on=goes_on,
            is_newest=at == len(grouped) - 1 and not window.after,
            failed_tools=sum(row.tool_failed is True for row in rows),
        )
        turns.append(turn)
    return turns


def _without_repeats(found: Iterable[Card]) -> list[Card]:
    """Name an agent only where another one has spoken before."""
    named, kept = "", []
    for card in found:
        agent = card.agent
        if agent and agent == named and not card.handed_to:
            card.agent = ""
        named = card.handed_to or agent or named
        kept.append(card)
    return kept


def _state(rows: list[Row], *, is_continued: bool, goes_on: bool) -> State | None:
    # What stands before the first user message is no turn that could end.
    is_turn = is_continued or is_user_message(rows[0])
    return state_of(rows) if is_turn and not goes_on else None


def _start(starts: list[int], pk: int | None) -> int:
    """Return the id of the message with which the turn of another begins."""
    return starts[max(0, bisect_right(starts, pk or 0) - 1)]


def _by_turn(
    starts: list[int], values: Iterable[tuple[int | None, T]]
) -> defaultdict[int, list[T]]:
    """Return the values of messages by the turn that holds, or held, their message."""
    found: defaultdict[int, list[T]] = defaultdict(list)
    for pk, value in values:
        found[_start(starts, pk)].append(value)
    return found


def _mark_failures(found: Iterable[Card], rows: Iterable[Row]) -> None:
    """Mark the cards of tools that failed where no item says how: it is purged, or not shown."""
    failed = {row.pk for row in rows if row.tool_failed}
    for card in found:
        is_marked = any(mark.is_fault for mark in card.marks)
        if not is_marked and failed & {card.pk, card.answer_pk}:
            card.marks.append(Mark(_("failed")))


def _agents(rows: Iterable[Row]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(visible(row.agent_name) for row in rows if row.agent_name))


def trace_url(trace_id: str) -> str:
    """Return where a trace is looked at; nothing if the settings name no such place."""
    address = conf.trace_url
    if not trace_id or not address.startswith(("https://", "http://")):
        return ""
    return address.replace("{trace_id}", quote(trace_id, safe="", errors="replace"))


def _limit_markdown(found: list[Card]) -> None:
    """Show prose as it was written once the page has as much Markdown as it can bear."""
    left = MOST_MARKDOWN
    for card in reversed(found):  # what is newest is read first
        for at, part in enumerate(card.parts):
            if part.shape == "prose":
                takes = len(part.text) * (part.text.count("[") + BRACKETS_OF_PROSE)
                if takes > left:
                    card.parts[at] = replace(part, shape="text")
                else:
                    left -= takes
