"""Messages as rows of their columns, grouped into the turns of their session."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any, Literal, NamedTuple, TypeAlias

from agent_sessions.items import Item
from agent_sessions.items.codec import UnreadableItemError, decode
from agent_sessions.items.columns import columns
from agent_sessions.items.pairing import CALLS, OUTPUTS
from agent_sessions.transcript import text_of

State: TypeAlias = Literal["complete", "waiting", "incomplete", "unknown"]

# AdvancedSQLiteSession calls these tools as their kind is.
NAMED_BY_KIND = (
    "apply_patch_call",
    "code_interpreter_call",
    "computer_call",
    "file_search_call",
    "shell_call",
    "web_search_call",
)


class Row(NamedTuple):
    """The columns of a message, found in its item where they are blank."""

    pk: int
    created_at: datetime
    kind: str
    role: str
    tool_name: str
    call_id: str
    agent_name: str
    tool_failed: bool | None = None
    item: Item = None  # where it was fetched and can be read


COLUMNS = Row._fields[:-1]


def read(rows: Iterable[Any]) -> Iterator[Row]:
    for *values, text in rows:
        row = Row(*values)
        yield row if text is None else _with_item(row, text)


def _with_item(row: Row, text: str) -> Row:
    try:
        item = decode(text)
    except UnreadableItemError:
        return row
    found = columns(item) if not row.kind else None
    return row._replace(item=item, **found._asdict()) if found else row._replace(item=item)


def grouped_by_turn(
    rows: Iterable[Row], number: int | None = None
) -> Iterator[tuple[int, list[Row]]]:
    """Yield the rows of each turn with its number; `number` is that of the first, where known."""
    every = list(rows)
    starts = [at for at, row in enumerate(every) if is_from_a_user(row)]
    if every and (not starts or starts[0]):
        starts.insert(0, 0)
        number = number or 0
    ends = [*starts, len(every)]
    for at, (start, end) in enumerate(pairwise(ends)):
        yield at + (1 if number is None else number), every[start:end]


def state_of(rows: list[Row]) -> State:
    last = rows[-1]
    if last.kind == "encrypted":
        return "unknown"
    if newest_open := max(_open_calls(rows), default=0):
        is_answered = any(row.kind == "message" for row in rows if row.pk > newest_open)
        return "incomplete" if is_answered else "waiting"
    is_answer = last.kind == "message" and last.role == "assistant"
    return "complete" if is_answer else "incomplete"


def _open_calls(rows: list[Row]) -> Iterator[int]:
    """Yield the ids of the calls that wait for an output which is not there."""
    answered = partners(rows)
    return (row.pk for row in rows if row.kind in OUTPUTS and row.pk not in answered)


def partners(rows: Iterable[Row]) -> dict[int, int]:
    """Return the id of the output of each call, and that of the call of each output."""
    waiting: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    found: dict[int, int] = {}
    for row in rows:
        if row.kind in OUTPUTS:
            waiting[_pair(row.kind, row)].append(row.pk)
        elif row.kind in CALLS and (calls := waiting[_pair(CALLS[row.kind], row)]):
            call = calls.pop()  # the newest: some models use an id again
            found[call], found[row.pk] = row.pk, call
    return found


def _pair(call: str, row: Row) -> tuple[str, str]:
    # A search for tools may be anonymous: its output is that of any.
    return call, "" if call == "tool_search_call" else row.call_id


def is_from_a_user(row: Row) -> bool:
    return row.kind == "message" and row.role == "user"


def text_said(row: Row) -> str:
    """Return the text of a user message, and nothing of any other."""
    return text_of(row.item) if is_from_a_user(row) and row.item is not None else ""


def tool_name_of(row: Row) -> str:
    """Name the tool that a message calls, as AdvancedSQLiteSession does; "" if it calls none."""
    if not row.kind.endswith("_call") and row.kind != "mcp_approval_request":
        return ""
    if row.kind in NAMED_BY_KIND:
        return row.kind
    item = row.item if isinstance(row.item, dict) else {}
    place = item.get("server_label" if row.kind.startswith("mcp_") else "namespace")
    is_elsewhere = isinstance(place, str) and place not in ("", row.tool_name)
    return f"{place}.{row.tool_name}" if is_elsewhere else row.tool_name
