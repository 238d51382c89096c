"""What can go wrong, as exceptions whose messages say what to do."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db import OperationalError


class AgentSessionsError(Exception):
    """Base of every exception that this package defines."""


class SessionOwnershipError(AgentSessionsError, PermissionDenied):
    """Somebody else's session was opened, or nobody's.

    A `PermissionDenied`: a view that lets it through answers 403. Answer 404 instead where the
    existence of a session is itself a secret.
    """

    def __init__(self, session_id: str) -> None:
        super().__init__(session_id)
        self.session_id = session_id

    def __str__(self) -> str:
        return (
            f"Session {self.session_id!r} does not belong to this user. Open it as its owner, or "
            "in code that may read every session without user=."
        )


class SessionDeletedError(AgentSessionsError):
    """A run went on after its session was deleted; the batch was not stored, and nothing appears.

    The session was cleared or deleted by somebody else, such as its owner or the admin, after the
    run had read items of it or stored some. Stop the run, or begin a new session.
    """

    def __init__(self, session_id: str) -> None:
        super().__init__(session_id)
        self.session_id = session_id

    def __str__(self) -> str:
        return (
            f"Session {self.session_id!r} was deleted while this run went on, so the run's items "
            "were not stored. Begin a new session to go on."
        )


class UnknownOutcomeError(AgentSessionsError, OperationalError):
    """The connection was lost at COMMIT: the change is stored as a whole, or not at all.

    Look before repeating it: read the session's newest items.
    """

    def __init__(self, session_id: str) -> None:
        super().__init__(session_id)
        self.session_id = session_id

    def __str__(self) -> str:
        return (
            f"The connection was lost while a change to session {self.session_id!r} was committed. "
            "The change is stored as a whole or not at all: read the session before repeating it."
        )


class ItemError(AgentSessionsError, TypeError):
    """An item holds something that is not JSON; nothing of its batch was stored.

    A `TypeError`, as `json.dumps` would raise. `path` leads to the value, such as
    `items[2]['content'][0]['text']`.
    """

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(reason, path)
        self.reason = reason
        self.path = path

    def __str__(self) -> str:
        return f"items{self.path} {self.reason}"
