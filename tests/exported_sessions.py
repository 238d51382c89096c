"""Sessions and items to export."""

from __future__ import annotations

from typing import Any

from agent_sessions import Message, Session
from agent_sessions.items import Item
from agent_sessions.usage.steps import Step, Tokens
from tests.contract import (
    LONE_SURROGATES,
    STRANGE_ITEMS,
    TURN,
)
from tests.sample_items import SAMPLES

ALL: list[Item] = [
    *TURN,
    *STRANGE_ITEMS,
    *LONE_SURROGATES,
    *(sample.item for sample in SAMPLES.values()),
]
PRICES = {"gpt-5-mini": {"input": "1", "cached": "1", "output": "1"}}


def step(tokens: int | None = 15) -> Step:
    """Return a step with this number of tokens; None is unknown."""
    spent = Tokens() if tokens is None else Tokens(1, tokens - 5, 0, 5, 0, tokens)
    return Step("Calendar Club", run_id="r" * 32, trace_id="trace_1", tokens=spent)


def session(session_id: str = "one", **values: Any) -> Session:
    """Return the stored session, after an update with `values`."""
    if values:
        Session.objects.filter(pk=session_id).update(**values)
    return Session.objects.get(pk=session_id)


def store(text: str) -> None:
    """Append a row whose data is exactly `text`."""
    Message.objects.create(session_id="one", message_data=text)
