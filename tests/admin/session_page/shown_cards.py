"""Cards made of items, without a database."""

from __future__ import annotations

from typing import Any

from agent_sessions.admin.session_page.card import MessageCard
from agent_sessions.admin.session_page.cards import cards
from tests.admin.windows import window_of

USER = {"role": "user", "content": "Any jazz?"}


def call(name: str = "search", call_id: str = "c1") -> dict[str, Any]:
    return {"type": "function_call", "name": name, "call_id": call_id, "arguments": '{"q": 1}'}


def output(text: Any = "none", call_id: str = "c1", **more: Any) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": text, **more}


def shown(*items: Any, **window: Any) -> list[MessageCard]:
    return cards(window_of(items, **window), may_read=True)


def marks(card: MessageCard) -> list[str]:
    return [mark.text for mark in card.marks]
