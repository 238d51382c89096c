"""Turns of the session "one", stored as DjangoSession or the SDK's own sessions do."""

from __future__ import annotations

import json
from typing import Any

from agent_sessions import Message, Session, Turns
from agent_sessions.items import Item
from agent_sessions.turns.turns import Turn
from agent_sessions.usage.steps import Step, Tokens

ASKING: Item = {"type": "mcp_approval_request", "id": "a1", "name": "pay", "server_label": "bank"}
COST = Tokens(1, 100, 10, 20, 5, 120)


def says(words: Any) -> Item:
    return {"role": "user", "content": words}


def calls(name: str, call_id: str = "call_1", **values: Any) -> Item:
    return {"type": "function_call", "name": name, "call_id": call_id, "arguments": "{}", **values}


def store(*items: Item, session_id: str = "one", user: Any = None, **step: Any) -> None:
    """Append items; any value of a step makes them one step of a run, with a row of usage."""
    made = Step(**{"tokens": COST, **step}) if step else None
    Session.objects.append(session_id, items, user=user, step=made)


def store_as_the_sdk(*items: Item, session_id: str = "one") -> None:
    """Store items with blank columns and escaped text, as the SDK's own sessions do."""
    Session.objects.get_or_create(pk=session_id)
    for item in items:
        Message.objects.create(session_id=session_id, message_data=json.dumps(item))


def turns(limit: int | None = None) -> list[Turn]:
    """Return the newest turns, oldest first."""
    return Turns("one").newest(limit)
