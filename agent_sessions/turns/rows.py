"""Messages as rows of their columns, grouped into the turns of their session."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any, Literal, NamedTuple, TypeAlias

from agent_sessions.items import Item, pairing
from agent_sessions.items.codec import UnreadableItemError, decode
from agent_sessions.items.columns import columns
from agent_sessions.items.kinds import ENCRYPTED, KINDS, OUTPUT_OF, is_tool_call, is_user_message
from agent_sessions.transcript import text_of

State: TypeAlias = Literal["complete", "waiting", "incomplete", "unknown"]


class Row(NamedTuple):
    """The columns of a message, derived from its item where they are blank."""

    pk: int
    created_at: datetime
    kind: str
    role: str
    tool_name: str
    call_id: str
    agent_name: str
    tool_failed: bool | None = None
    item: Item = None  # if it was fetched and can be read


COLUMNS = Row._fields[:-1]


def read(rows: Iterable[Any]) -> Iterator[Row]:
    """Make rows of the values of COLUMNS, followed by the text of the item or None."""
    for *values, text in rows:
        row = Row(*values)
        yield row if text is None else _with_item(row, text)


def _with_item(row: Row, text: str) -> Row:
    try:
        item = decode(text)
    except UnreadableItemError:
        return row
    derived = {} if row.kind else columns(item)._asdict()
    return row._replace(item=item, **derived)


def grouped_by_turn(
    rows: Iterable[Row], number: int | None = None
) -> Iterator[tuple[int, list[Row]]]:
    """Yield the rows of each turn with its number; `number` is that of the first, if known.

    Rows before the first user message are turn 0.
    """
    every = list(rows)
    starts = [at for at, row in enumerate(every) if is_user_message(row)]
    if every and (not starts or starts[0]):
        starts.insert(0, 0)
        number = number or 0
    ends = [*starts, len(every)]
    for at, (start, end) in enumerate(pairwise(ends)):
        yield at + (1 if number is None else number), every[start:end]


def state_of(rows: list[Row]) -> State:
    """Return the state of a turn; see Turn. session_state.py finds sessions by it in SQL."""
    last = rows[-1]
    if last.kind == ENCRYPTED:
        return "unknown"
    answered = partners(rows)
    unanswered = [row.pk for row in rows if row.kind in OUTPUT_OF and row.pk not in answered]
    if unanswered:
        # A call that was never answered is not waiting any more if the agent has spoken since.
        went_on = any(row.kind == "message" for row in rows if row.pk > unanswered[-1])
        return "incomplete" if went_on else "waiting"
    is_answer = last.kind == "message" and last.role == "assistant"
    return "complete" if is_answer else "incomplete"


def partners(rows: Iterable[Row]) -> dict[int, int]:
    """Return the id of the output of each call, and of the call of each output."""
    return pairing.partners((row.pk, row.kind, _shared_id(row)) for row in rows)


def _shared_id(row: Row) -> str:
    # Without a call_id, a search for tools has the item's id in this column, its output has none.
    # So an output answers the newest search, whatever its id.
    return "" if row.kind in ("tool_search_call", "tool_search_output") else row.call_id


def text_said(row: Row) -> str:
    """Return the text of a user message; "" for any other, or if it was not fetched."""
    return text_of(row.item) if is_user_message(row) and row.item is not None else ""


def tool_name_of(row: Row) -> str:
    """Return the tool that a message calls, named as AdvancedSQLiteSession does, or ""."""
    if not is_tool_call(row.kind):
        return ""
    if row.kind in KINDS and KINDS[row.kind].is_tool_named_by_type:
        return row.kind
    item = row.item if isinstance(row.item, dict) else {}
    namespace = item.get("server_label" if row.kind.startswith("mcp_") else "namespace")
    # If it equals the name, the SDK made it up: is_reserved_synthetic_tool_namespace().
    is_qualified = isinstance(namespace, str) and namespace not in ("", row.tool_name)
    return f"{namespace}.{row.tool_name}" if is_qualified else row.tool_name
