"""Windows made of items, without a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from agent_sessions.admin.session_page.window import StoredText, Window
from agent_sessions.items.codec import encode
from agent_sessions.items.columns import Columns, columns
from agent_sessions.turns.rows import Row

START = datetime(2026, 11, 24, 20, tzinfo=UTC)


def row(pk: int, item: Any, agent: str = "") -> Row:
    """Return the row of an item; a string is the text of a damaged row."""
    found = Columns() if isinstance(item, str) else columns(item)
    return Row(pk, START + timedelta(seconds=pk), agent_name=agent, **found._asdict())


def window_of(
    items: Sequence[Any],
    *,
    before: Sequence[Any] = (),
    after: Sequence[Any] = (),
    agents: dict[int, str] | None = None,
    number: int | None = 1,
) -> Window:
    """Return a window; ids count from 1 through `before`, `items` and `after`."""
    every = [*before, *items, *after]
    rows = [row(pk, item, (agents or {}).get(pk, "")) for pk, item in enumerate(every, start=1)]
    texts = [item if isinstance(item, str) else encode(item) for item in every]
    start, end = len(before), len(before) + len(items)
    shown = {row.pk: StoredText(text, len(text)) for row, text in zip(rows, texts, strict=True)}
    return Window(rows[start:end], rows[:start], rows[end:], shown, number)
