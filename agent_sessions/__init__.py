"""Conversation memory for the OpenAI Agents SDK, kept in your Django database.

Every public name is loaded on first use: Django imports this package before models may exist,
and the Agents SDK behind `DjangoSession` takes seconds to import.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent_sessions.exceptions import AgentSessionsError, ItemError, SessionOwnershipError
    from agent_sessions.models import Message, Session
    from agent_sessions.session import DjangoSession

__version__ = "0.1.0"

__all__ = [
    "AgentSessionsError",
    "DjangoSession",
    "ItemError",
    "Message",
    "Session",
    "SessionOwnershipError",
]

_HOMES = {
    "AgentSessionsError": "agent_sessions.exceptions",
    "DjangoSession": "agent_sessions.session",
    "ItemError": "agent_sessions.exceptions",
    "Message": "agent_sessions.models",
    "Session": "agent_sessions.models",
    "SessionOwnershipError": "agent_sessions.exceptions",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
