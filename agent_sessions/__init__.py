"""Stores your OpenAI Agents SDK conversations in your Django database.

Every public name is loaded on first use: Django imports this package before models may exist,
and the Agents SDK behind `DjangoSession` takes seconds to import.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent_sessions.compaction import CompactionSession
    from agent_sessions.concurrency import release_connections, release_connections_sync
    from agent_sessions.exceptions import (
        AgentSessionsError,
        ItemError,
        SessionDeletedError,
        SessionOwnershipError,
        UnknownOutcomeError,
    )
    from agent_sessions.forks import fork
    from agent_sessions.history import LastItems, LastTurns
    from agent_sessions.items.pairing import healed
    from agent_sessions.models import Message, Session, Usage
    from agent_sessions.session import DjangoSession
    from agent_sessions.token_budget import TokenBudget, estimated_tokens
    from agent_sessions.turns.turns import ToolUse, Turn, Turns
    from agent_sessions.usage.totals import UsageTotal

__version__ = "0.1.0"

__all__ = [
    "AgentSessionsError",
    "CompactionSession",
    "DjangoSession",
    "ItemError",
    "LastItems",
    "LastTurns",
    "Message",
    "Session",
    "SessionDeletedError",
    "SessionOwnershipError",
    "TokenBudget",
    "ToolUse",
    "Turn",
    "Turns",
    "UnknownOutcomeError",
    "Usage",
    "UsageTotal",
    "estimated_tokens",
    "fork",
    "healed",
    "release_connections",
    "release_connections_sync",
]

_HOMES = {
    name: f"agent_sessions.{module}"
    for module, names in {
        "compaction": ["CompactionSession"],
        "exceptions": [
            "AgentSessionsError",
            "ItemError",
            "SessionDeletedError",
            "SessionOwnershipError",
            "UnknownOutcomeError",
        ],
        "forks": ["fork"],
        "history": ["LastItems", "LastTurns"],
        "models": ["Message", "Session", "Usage"],
        "items.pairing": ["healed"],
        "session": ["DjangoSession"],
        "concurrency": ["release_connections", "release_connections_sync"],
        "token_budget": ["TokenBudget", "estimated_tokens"],
        "turns.turns": ["ToolUse", "Turn", "Turns"],
        "usage.totals": ["UsageTotal"],
    }.items()
    for name in names
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
