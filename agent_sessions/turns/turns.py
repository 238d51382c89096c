"""The turns of a session, with their agents, tools, costs and state.

A turn is a user message and everything that answers it, until the next user message. Turns are
numbered from 1; messages before the first user message are turn 0. Turns are not stored: they are
read from the messages, in a constant number of statements.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Case, F, Q, QuerySet, TextField, Value, When

from agent_sessions.arguments import checked_limit, checked_number, checked_owner
from agent_sessions.concurrency import in_database_thread
from agent_sessions.fields import checked_id
from agent_sessions.items import Item
from agent_sessions.items.kinds import is_user_message
from agent_sessions.models import Session
from agent_sessions.models.message import FROM_A_USER, WITHOUT_COLUMNS, Message, readable
from agent_sessions.models.usage import Usage
from agent_sessions.models.usage_sums import UsageQuerySet
from agent_sessions.turns.rows import (
    COLUMNS,
    Row,
    State,
    grouped_by_turn,
    read,
    state_of,
    text_said,
    tool_name_of,
)
from agent_sessions.usage.totals import UsageTotal, totals

PREVIEW_LENGTH = 100

# is_tool_call() in SQL.
CALLING = Q(kind__endswith="_call") | Q(kind="mcp_approval_request")
# Calls whose items are read as well, because the tool's namespace is not in a column.
IN_A_NAMESPACE = Q(kind__in=("mcp_call", "mcp_approval_request")) | Q(
    kind__endswith="_call", message_data__contains='"namespace":'
)


class ToolUse(NamedTuple):
    """The number of calls of a tool in a turn."""

    tool_name: str
    count: int  # type: ignore[assignment]  # instead of a tuple's method count()
    turn: int


@dataclass(frozen=True)
class Turn:
    """A user message and everything that answers it.

    `preview` is the beginning of the message's text. `item_count` is the number of messages, from
    `first_id` to `last_id`. `agents` has each name once, in the order in which they spoke; `tools`
    has a name for each call.

    `state` is "complete" if the turn ends with an answer, and no call is without an output;
    "waiting" if calls or requests for approval at its end have no output; "unknown" if it ends
    encrypted; otherwise "incomplete", for example while its run goes on, or if a run ended with the
    output of a tool.
    """

    number: int
    preview: str
    first_id: int
    last_id: int
    item_count: int
    agents: tuple[str, ...]
    tools: tuple[str, ...]
    usage: UsageTotal
    started: datetime
    finished: datetime
    state: State


@dataclass(frozen=True)
class Turns:
    """The turns of one session. Methods whose names begin with "a" are for async code.

    With `user=` every method raises SessionOwnershipError instead of returning anything of a
    session that is not the user's. `using` is a database alias.
    """

    session_id: str
    _: KW_ONLY
    user: Any = None
    using: str | None = None

    def __post_init__(self) -> None:
        checked_id(self.session_id)
        checked_owner(self.user)

    def newest(self, limit: int | None = None) -> list[Turn]:
        """Return the newest `limit` turns, oldest first; all if `limit` is None or negative."""
        limit = checked_limit(limit)
        texts = WITHOUT_COLUMNS | IN_A_NAMESPACE | FROM_A_USER
        if limit is None or limit < 0:
            return self._turns(texts)
        starts = self.starts()  # checks the owner as well
        if limit > len(starts):
            return self._turns(texts)
        if limit == 0:
            return []
        return self._turns(texts, start=starts[-limit], number=len(starts) - limit + 1)

    def items(self, number: int) -> list[Item]:
        """Return the items of a turn; an empty list if there is no such turn."""
        starts = self.starts()
        if not 0 <= checked_number("number", number) <= len(starts):
            return []
        messages = self.messages().order_by("pk")
        if number > 0:
            messages = messages.filter(pk__gte=starts[number - 1])
        if number < len(starts):
            messages = messages.filter(pk__lt=starts[number])
        return list(readable(messages.values_list("pk", "message_data")))

    def containing(self, words: str) -> list[Turn]:
        """Return the turns whose user message contains `words`, ignoring case."""
        # Writers of JSON may escape everything except letters and digits, so the database looks for
        # those, and Python for the rest.
        plain = max(re.findall("[A-Za-z0-9]+", words), key=len, default="")
        said = FROM_A_USER & Q(message_data__icontains=plain)
        texts = WITHOUT_COLUMNS | IN_A_NAMESPACE | said
        sought = words.lower()
        return self._turns(texts, where=lambda first: sought in text_said(first).lower())

    def tool_usage(self) -> list[ToolUse]:
        """Return how often each tool was called in each turn, sorted by turn and name."""
        wanted = WITHOUT_COLUMNS | FROM_A_USER | CALLING
        rows = self._rows(WITHOUT_COLUMNS | IN_A_NAMESPACE).filter(wanted)
        calls: Counter[tuple[int, str]] = Counter()
        for number, turn in grouped_by_turn(read(rows)):
            calls.update((number, name) for name in map(tool_name_of, turn) if name)
        if not calls:
            self._refuse_others()
        return [ToolUse(name, calls[number, name], number) for number, name in sorted(calls)]

    def usage(self) -> dict[int, UsageTotal]:
        """Return the cost of each turn for which something was recorded.

        The cost of deleted messages counts for the turn that they were in, or for the one before
        if that is deleted as well; the cost of a run in a session without messages, for turn 0.
        """
        return self._usage_by_turn(self.starts(), self._usage())

    def session_usage(self) -> UsageTotal:
        """Return the cost of the whole session."""
        found = self._usage().total()
        if not found.steps:
            self._refuse_others()
        return found

    def starts(self) -> list[int]:
        """Return the ids of the user messages, with which turns begin."""
        rows = self._rows(WITHOUT_COLUMNS).filter(WITHOUT_COLUMNS | FROM_A_USER)
        starts = [row.pk for row in read(rows) if is_user_message(row)]
        if not starts:
            self._refuse_others()
        return starts

    def messages(self) -> QuerySet[Message]:
        """Return the messages of the session, if it is the user's."""
        messages = Message.objects.using(self._alias).filter(session_id=self.session_id)
        return messages if self.user is None else messages.filter(session__user=self.user)

    async def anewest(self, limit: int | None = None) -> list[Turn]:
        """See newest()."""
        return await in_database_thread(lambda: self.newest(limit))

    async def aitems(self, number: int) -> list[Item]:
        """See items()."""
        return await in_database_thread(lambda: self.items(number))

    async def acontaining(self, words: str) -> list[Turn]:
        """See containing()."""
        return await in_database_thread(lambda: self.containing(words))

    async def atool_usage(self) -> list[ToolUse]:
        """See tool_usage()."""
        return await in_database_thread(self.tool_usage)

    async def ausage(self) -> dict[int, UsageTotal]:
        """See usage()."""
        return await in_database_thread(self.usage)

    async def asession_usage(self) -> UsageTotal:
        """See session_usage()."""
        return await in_database_thread(self.session_usage)

    def _turns(
        self,
        texts: Q,
        *,
        where: Callable[[Row], bool] = lambda first: True,
        start: int | None = None,
        number: int | None = None,
    ) -> list[Turn]:
        """Return all turns, or those from the message `start` on, which begins turn `number`."""
        rows, usage = self._rows(texts), self._usage()
        if start is not None:
            rows, usage = rows.filter(pk__gte=start), usage.filter(message__gte=start)
        grouped = list(grouped_by_turn(read(rows), number))
        if not grouped:
            self._refuse_others()
        starts = [turn[0].pk for number, turn in grouped if number > 0]
        first = next((number for number, _ in grouped if number > 0), 1)
        costs = self._usage_by_turn(starts, usage, first)
        return [
            _turn(number, turn, costs.get(number, UsageTotal()))
            for number, turn in grouped
            if where(turn[0])
        ]

    def _usage_by_turn(
        self, starts: list[int], usage: UsageQuerySet, first: int = 1
    ) -> dict[int, UsageTotal]:
        """Add up usage by the turn that contains the last message of the step.

        `starts` are the ids of the messages with which turns begin, the first with turn `first`.
        """

        def turn_of(message_id: int | None) -> int:
            at = bisect_right(starts, message_id or 0)
            return at + first - 1 if at else 0

        # Groups have the message's id as their key; those of a turn are added up.
        found = totals(group._replace(key=turn_of(group.key)) for group in usage.by_message())
        return dict(sorted(found.items()))

    def _rows(self, texts: Q) -> QuerySet[Message, Any]:
        """Return the messages as rows, with the texts of those that match `texts`."""
        text = Case(
            When(texts, then=F("message_data")), default=Value(None), output_field=TextField()
        )
        return self.messages().order_by("pk").values_list(*COLUMNS, text)

    def _usage(self) -> UsageQuerySet:
        usage = Usage.objects.using(self._alias).filter(session_id=self.session_id)
        return usage if self.user is None else usage.filter(session__user=self.user)

    def _refuse_others(self) -> None:
        """Raise SessionOwnershipError if nothing was found because of the owner."""
        Session.objects.using(self._alias).refuse_others(self.session_id, user=self.user)

    @property
    def _alias(self) -> str:
        return Session.objects.using(self.using).db


def _turn(number: int, rows: list[Row], usage: UsageTotal) -> Turn:
    first, last = rows[0], rows[-1]
    return Turn(
        number=number,
        preview=text_said(first)[:PREVIEW_LENGTH],
        first_id=first.pk,
        last_id=last.pk,
        item_count=len(rows),
        agents=tuple(dict.fromkeys(row.agent_name for row in rows if row.agent_name)),
        tools=tuple(name for name in map(tool_name_of, rows) if name),
        usage=usage,
        started=first.created_at,
        finished=last.created_at,
        state=state_of(rows),
    )
