"""The SDK's EncryptedSession around a DjangoSession."""

from __future__ import annotations

from typing import cast

from agents.extensions.memory import EncryptedSession
from agents.memory import SessionABC

from agent_sessions import DjangoSession


def encrypted(session_id: str, session: DjangoSession) -> EncryptedSession:
    """Wrap a session so that it stores envelopes; their key is derived from `session_id`."""
    # EncryptedSession works with every Session; its annotation asks for the abstract class.
    return EncryptedSession(session_id, cast("SessionABC", session), encryption_key="for tests")
