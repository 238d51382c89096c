"""The turns of a session: what was asked, by whom and with which tools it was answered, the cost.

A turn is a user message and all that answers it, until the next one. Turns are numbered from 1;
what stands before the first user message is turn 0. They are read from the messages each time, in
a number of statements that does not grow with the session.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from itertools import chain, pairwise
from typing import Any, Literal, NamedTuple, TypeAlias

from django.db.models import Case, F, Q, QuerySet, TextField, Value, When

from agent_sessions.fields import checked_id
from agent_sessions.items import Item, UnreadableItemError, columns, decode
from agent_sessions.messages import Message, readable
from agent_sessions.models import Session
from agent_sessions.operations.base import checked_owner
from agent_sessions.pairs import CALLS, OUTPUTS
from agent_sessions.threads import in_database_thread
from agent_sessions.transcript import text_of
from agent_sessions.usage import Usage, UsageQuerySet, UsageTotal, totals

State: TypeAlias = Literal["complete", "waiting", "interrupted", "unknown"]

PREVIEW_LENGTH = 100

# What has to be fetched of a message beside its columns: its item, where the columns do not tell.
FROM_A_USER = Q(kind="message", role="user")
WITHOUT_COLUMNS = Q(kind="")  # the SDK wrote it, or it is of no kind
CALLING = Q(kind__endswith="_call") | Q(kind="mcp_approval_request")
IN_A_NAMESPACE = Q(kind__in=("mcp_call", "mcp_approval_request")) | Q(
    kind__endswith="_call", message_data__contains='"namespace":'
)
# AdvancedSQLiteSession calls these tools as their kind is.
NAMED_BY_KIND = (
    "apply_patch_call",
    "code_interpreter_call",
    "computer_call",
    "file_search_call",
    "shell_call",
    "web_search_call",
)


class ToolUse(NamedTuple):
    """How often a tool was called in a turn."""

    tool_name: str
    count: int  # type: ignore[assignment]  # a tuple's own count() is of no use here
    turn: int


@dataclass(frozen=True)
class Turn:
    """A user message and all that answers it.

    `preview` is how the message's text begins. `item_count` is how many messages the turn has, from
    `first_id` to `last_id`. `agents` are named once, in the order in which they spoke; `tools` once
    for each call, in the order of the calls.

    `state` is "complete" if the turn ends with an answer; "waiting" if it ends with calls or
    requests for approval that have no output; "unknown" if it ends encrypted; "interrupted" in any
    other case, also while its run goes on, and where a run ends with the output of a tool.
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
    """The turns of one session; the a-twins are for async code.

    With `user=` every method raises SessionOwnershipError before it gives away anything of a
    session that is not the user's. `using` picks the database alias.
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
        texts = WITHOUT_COLUMNS | IN_A_NAMESPACE | FROM_A_USER
        if limit is None or limit < 0:
            return self._turns(texts)
        starts = self.starts()  # also for none of them: it refuses others
        if limit > len(starts):
            return self._turns(texts)
        if limit == 0:
            return []
        return self._turns(texts, start=starts[-limit], number=len(starts) - limit + 1)

    def items(self, number: int) -> list[Item]:
        """Return the items of a turn; none if there is no such turn."""
        starts = self.starts()
        if not 0 <= number <= len(starts):
            return []
        messages = self.messages().order_by("pk")
        if number > 0:
            messages = messages.filter(pk__gte=starts[number - 1])
        if number < len(starts):
            messages = messages.filter(pk__lt=starts[number])
        return list(readable(messages.values_list("pk", "message_data")))

    def containing(self, words: str) -> list[Turn]:
        """Return the turns whose user message has `words` in its text, upper or lower case."""
        # JSON may escape anything but plain letters and digits, so the database looks for those.
        plain = max(re.findall("[A-Za-z0-9]+", words), key=len, default="")
        said = FROM_A_USER & Q(message_data__icontains=plain)
        texts = WITHOUT_COLUMNS | IN_A_NAMESPACE | said
        sought = words.lower()
        return self._turns(texts, where=lambda first: sought in _text(first).lower())

    def tool_usage(self) -> list[ToolUse]:
        """Return how often each tool was called in each turn, sorted by turn and name."""
        wanted = WITHOUT_COLUMNS | FROM_A_USER | CALLING
        rows = self._rows(WITHOUT_COLUMNS | IN_A_NAMESPACE).filter(wanted)
        calls: Counter[tuple[int, str]] = Counter()
        for number, turn in _grouped(_read(rows)):
            calls.update((number, name) for name in map(_tool_name, turn) if name)
        if not calls:
            self._refuse_others()
        return [ToolUse(name, calls[number, name], number) for number, name in sorted(calls)]

    def usage(self) -> dict[int, UsageTotal]:
        """Return what each turn cost of which something was recorded.

        What was spent on messages that are gone counts for the turn that they stood in, if it is
        still there, or else for the one before.
        """
        return self._usage_by_turn(self.starts(), self._usage())

    def session_usage(self) -> UsageTotal:
        """Return what the whole session cost."""
        found = self._usage().total()
        if not found.steps:
            self._refuse_others()
        return found

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
        where: Callable[[_Row], bool] = lambda first: True,
        start: int | None = None,
        number: int | None = None,
    ) -> list[Turn]:
        """Return the turns from the message `start` on, which begins the turn of that number."""
        rows, usage = self._rows(texts), self._usage()
        if start is not None:
            rows, usage = rows.filter(pk__gte=start), usage.filter(message__gte=start)
        grouped = list(_grouped(_read(rows), number))
        if not grouped:
            self._refuse_others()
        starts = [turn[0].pk for number, turn in grouped if number]
        first = next((number for number, _ in grouped if number), 1)
        costs = self._usage_by_turn(starts, usage, first)
        return [
            _turn(number, turn, costs.get(number, UsageTotal()))
            for number, turn in grouped
            if where(turn[0])
        ]

    def _usage_by_turn(
        self, starts: list[int], usage: UsageQuerySet, first: int = 1
    ) -> dict[int, UsageTotal]:
        """Sum usage by the turn whose messages, each `starts` one, hold a step's last message."""

        def number(message_id: int | None) -> int:
            at = bisect_right(starts, message_id or 0)
            return at + first - 1 if at else 0

        found = totals(group._replace(key=number(group.key)) for group in usage.by_message())
        return dict(sorted(found.items()))

    def starts(self) -> list[int]:
        """Return the ids of the user messages, each of which begins a turn."""
        rows = self._rows(WITHOUT_COLUMNS).filter(WITHOUT_COLUMNS | FROM_A_USER)
        starts = [row.pk for row in _read(rows) if _is_from_a_user(row)]
        if not starts:
            self._refuse_others()
        return starts

    def _rows(self, texts: Q) -> QuerySet[Message, Any]:
        """Return the messages as rows, with the text of those for which `texts` holds."""
        text = Case(
            When(texts, then=F("message_data")), default=Value(None), output_field=TextField()
        )
        return self.messages().order_by("pk").values_list(*_COLUMNS, text)

    def messages(self) -> QuerySet[Message]:
        messages = Message.objects.using(self._alias).filter(session_id=self.session_id)
        return messages if self.user is None else messages.filter(session__user=self.user)

    def _usage(self) -> UsageQuerySet:
        usage = Usage.objects.using(self._alias).filter(session_id=self.session_id)
        return usage if self.user is None else usage.filter(session__user=self.user)

    def _refuse_others(self) -> None:
        """Tell a session that is not the user's from one in which there is nothing."""
        Session.objects.using(self._alias).refuse_others(self.session_id, user=self.user)

    @property
    def _alias(self) -> str:
        return Session.objects.using(self.using).db


class _Row(NamedTuple):
    """The columns of a message, found in its item where they are blank."""

    pk: int
    created_at: datetime
    kind: str
    role: str
    tool_name: str
    call_id: str
    agent_name: str
    item: Item = None  # where it was fetched and can be read


_COLUMNS = _Row._fields[:-1]


def _read(rows: Iterable[Any]) -> Iterator[_Row]:
    for *values, text in rows:
        row = _Row(*values)
        yield row if text is None else _with_item(row, text)


def _with_item(row: _Row, text: str) -> _Row:
    try:
        item = decode(text)
    except UnreadableItemError:
        return row
    found = columns(item) if not row.kind else None
    return row._replace(item=item, **found._asdict()) if found else row._replace(item=item)


def _grouped(rows: Iterable[_Row], number: int | None = None) -> Iterator[tuple[int, list[_Row]]]:
    """Yield the rows of each turn with its number; `number` is that of the first, where known."""
    every = list(rows)
    starts = [at for at, row in enumerate(every) if _is_from_a_user(row)]
    if every and (not starts or starts[0]):
        starts.insert(0, 0)
        number = number or 0
    ends = [*starts, len(every)]
    for at, (start, end) in enumerate(pairwise(ends)):
        yield at + (1 if number is None else number), every[start:end]


def _turn(number: int, rows: list[_Row], usage: UsageTotal) -> Turn:
    first, last = rows[0], rows[-1]
    return Turn(
        number=number,
        preview=_text(first)[:PREVIEW_LENGTH],
        first_id=first.pk,
        last_id=last.pk,
        item_count=len(rows),
        agents=tuple(dict.fromkeys(row.agent_name for row in rows if row.agent_name)),
        tools=tuple(name for name in map(_tool_name, rows) if name),
        usage=usage,
        started=first.created_at,
        finished=last.created_at,
        state=_state(rows),
    )


def _state(rows: list[_Row]) -> State:
    last = rows[-1]
    if last.kind == "encrypted":
        return "unknown"
    if newest_open := max(_open_calls(rows), default=0):
        is_answered = any(row.kind == "message" for row in rows if row.pk > newest_open)
        return "interrupted" if is_answered else "waiting"
    is_answer = last.kind == "message" and last.role == "assistant"
    return "complete" if is_answer else "interrupted"


def _open_calls(rows: list[_Row]) -> Iterator[int]:
    """Return the ids of the calls that wait for an output which is not there."""
    waiting: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for row in rows:
        if row.kind in OUTPUTS:
            waiting[_pair(row.kind, row)].append(row.pk)
        elif row.kind in CALLS and (calls := waiting[_pair(CALLS[row.kind], row)]):
            calls.pop()  # the newest: some models use an id again
    return chain.from_iterable(waiting.values())


def _pair(call: str, row: _Row) -> tuple[str, str]:
    # A search for tools may be anonymous: its output is that of any.
    return call, "" if call == "tool_search_call" else row.call_id


def _is_from_a_user(row: _Row) -> bool:
    return row.kind == "message" and row.role == "user"


def _text(row: _Row) -> str:
    """Return the text of a user message, and nothing of any other."""
    return text_of(row.item) if _is_from_a_user(row) and row.item is not None else ""


def _tool_name(row: _Row) -> str:
    """Name the tool that a message calls, as AdvancedSQLiteSession does; "" if it calls none."""
    if not row.kind.endswith("_call") and row.kind != "mcp_approval_request":
        return ""
    if row.kind in NAMED_BY_KIND:
        return row.kind
    item = row.item if isinstance(row.item, dict) else {}
    place = item.get("server_label" if row.kind.startswith("mcp_") else "namespace")
    is_elsewhere = isinstance(place, str) and place not in ("", row.tool_name)
    return f"{place}.{row.tool_name}" if is_elsewhere else row.tool_name
