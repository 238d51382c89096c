"""The tables: the SDK's two, in its own names and columns, and one of costs."""

from agent_sessions.models.message import Message
from agent_sessions.models.session import Session
from agent_sessions.models.usage import Usage

__all__ = ["Message", "Session", "Usage"]
