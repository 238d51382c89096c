"""A window of a session as turns, each with its cards, its facts and its cost."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar
from urllib.parse import quote

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from agent_sessions.admin.session_page.card import Mark, MessageCard
from agent_sessions.admin.session_page.cards import cards
from agent_sessions.admin.session_page.spent import Spent
from agent_sessions.admin.session_page.window import Window
from agent_sessions.conf import conf
from agent_sessions.items.kinds import is_user_message
from agent_sessions.text.visible import visible
from agent_sessions.turns.rows import Row, State, grouped_by_turn, state_of
from agent_sessions.usage.totals import UsageTotal, totals

T = TypeVar("T")

# Rendering Markdown takes time for each character, and for each bracket once more for each
# character after it. A page renders as much as takes about a second: 200,000 characters of prose.
BRACKETS_OF_PROSE = 500
MOST_MARKDOWN = 200_000 * BRACKETS_OF_PROSE


class Trace(NamedTuple):
    """A trace of the SDK, and the address of its page; blank if there is none."""

    trace_id: str
    url: str


@dataclass(frozen=True, slots=True)
class TurnView:
    """A turn as the page shows it, or the piece of it that is in the window.

    `number` and `state` are None if the window cannot tell them.
    """

    number: int | None
    first_id: int
    last_id: int
    cards: list[MessageCard]
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
        """The time from the first to the last message, in words; blank if there is none."""
        seconds = self.duration.total_seconds()
        if seconds < 60:
            return _("%s s") % number_format(seconds, 1) if seconds >= 0.05 else ""
        minutes = int(seconds) // 60
        if minutes < 60:
            return _("%d min") % minutes
        return _("%(hours)d h %(minutes)d min") % {"hours": minutes // 60, "minutes": minutes % 60}


def conversation(window: Window, spent: Spent, *, may_read: bool) -> list[TurnView]:
    """Return the turns of a window, without any content if that may not be read.

    The time grows with the number of messages, not with its square.
    """
    numbered = [*grouped_by_turn(window.rows, window.number or 0)]
    if not numbered:
        return []
    shown = cards(window, may_read=may_read)
    _limit_markdown(shown)
    _mark_failures(shown, window.rows)
    details = _details(window, [rows[0].pk for _, rows in numbered], shown, spent)
    last = len(numbered) - 1
    return [
        _turn(
            rows,
            details,
            number=None if window.number is None else number,
            is_continued=at == 0 and window.begins_inside,
            goes_on=at == last and window.ends_inside,
            is_newest=at == last and not window.after,
        )
        for at, (number, rows) in enumerate(numbered)
    ]


class _Details(NamedTuple):
    """Cards and usage of a window, by the id of the message with which their turn begins."""

    cards: dict[int, list[MessageCard]]
    models: dict[int, list[str]]
    traces: dict[int, list[str]]
    usage: dict[int, UsageTotal]


def _details(window: Window, starts: list[int], shown: list[MessageCard], spent: Spent) -> _Details:
    groups = [group._replace(key=_start(starts, group.key)) for group in spent.groups]
    return _Details(
        cards=_by_turn(starts, ((card.pk, card) for card in shown)),
        models=_by_turn(starts, ((group.key, group.model) for group in groups)),
        traces=_by_turn(starts, spent.traces),
        usage=totals(groups),
    )


def _by_turn(starts: list[int], values: Iterable[tuple[int, T]]) -> defaultdict[int, list[T]]:
    """Group values by turn; each is paired with the id of its message."""
    found: defaultdict[int, list[T]] = defaultdict(list)
    for pk, value in values:
        found[_start(starts, pk)].append(value)
    return found


def _start(starts: list[int], pk: int | None) -> int:
    """Return the start of the turn that contains a message, or contained it before it was popped.

    With starts [10, 20], message 15 belongs to turn 10, and 25 to turn 20. So does 5 to turn 10:
    a step from before the window counts for its first turn.
    """
    return starts[max(0, bisect_right(starts, pk or 0) - 1)]


def _turn(
    rows: list[Row],
    details: _Details,
    *,
    number: int | None,
    is_continued: bool,
    goes_on: bool,
    is_newest: bool,
) -> TurnView:
    first, last = rows[0], rows[-1]
    traces, models = details.traces.get(first.pk, []), details.models.get(first.pk, [])
    return TurnView(
        number=number,
        first_id=first.pk,
        last_id=last.pk,
        cards=_without_repeats(details.cards.get(first.pk, [])),
        started=first.created_at,
        duration=last.created_at - first.created_at,
        agents=tuple(_distinct(row.agent_name for row in rows)),
        models=tuple(_distinct(models)),
        usage=details.usage.get(first.pk, UsageTotal()),
        traces=[Trace(visible(one), trace_url(one)) for one in dict.fromkeys(traces)],
        state=_state(rows, is_continued=is_continued, goes_on=goes_on),
        is_continued=is_continued,
        goes_on=goes_on,
        is_newest=is_newest,
        failed_tools=sum(row.tool_failed is True for row in rows),
    )


def _distinct(names: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(visible(name) for name in names if name)


def _without_repeats(shown: Iterable[MessageCard]) -> list[MessageCard]:
    """Name an agent only on the first of its cards in a row."""
    named, kept = "", []
    for card in shown:
        agent = card.agent
        if agent and agent == named and not card.handed_to:
            card.agent = ""
        named = card.handed_to or agent or named
        kept.append(card)
    return kept


def _state(rows: list[Row], *, is_continued: bool, goes_on: bool) -> State | None:
    # Messages before the first user message are no turn, so they have no state.
    is_turn = is_continued or is_user_message(rows[0])
    return state_of(rows) if is_turn and not goes_on else None


def _mark_failures(shown: Iterable[MessageCard], rows: Iterable[Row]) -> None:
    """Mark the cards of failed tools whose item shows no fault, because it is purged or hidden."""
    failed = {row.pk for row in rows if row.tool_failed}
    for card in shown:
        is_marked = any(mark.is_fault for mark in card.marks)
        if not is_marked and failed & {card.pk, card.answer_pk}:
            card.marks.append(Mark(_("failed")))


def _limit_markdown(shown: list[MessageCard]) -> None:
    """Show prose as plain text once the page has as much Markdown as MOST_MARKDOWN."""
    left = MOST_MARKDOWN
    for card, at in _prose(reversed(shown)):  # the newest cards are read first
        part = card.parts[at]
        takes = len(part.text) * (part.text.count("[") + BRACKETS_OF_PROSE)
        if takes > left:
            card.parts[at] = replace(part, shape="text")
        else:
            left -= takes


def _prose(shown: Iterable[MessageCard]) -> Iterator[tuple[MessageCard, int]]:
    for card in shown:
        yield from ((card, at) for at, part in enumerate(card.parts) if part.shape == "prose")


def trace_url(trace_id: str) -> str:
    """Return the address of a trace's page; "" if the settings name none."""
    address = conf.trace_url
    if not trace_id or not address.startswith(("https://", "http://")):
        return ""
    return address.replace("{trace_id}", quote(trace_id, safe="", errors="replace"))
