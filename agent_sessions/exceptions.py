"""Exceptions. Their messages say what to do."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db import OperationalError


class AgentSessionsError(Exception):
    """Base of the exceptions of this package."""


class SessionOwnershipError(AgentSessionsError, PermissionDenied):
    """The session belongs to somebody else, or to nobody.

    A `PermissionDenied`: a view that does not catch it answers with a 403. Answer with a 404 if
    the existence of a session is a secret.
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
    """A run continued after its session was deleted, and its items were not stored.

    Somebody else, such as the owner or the admin, cleared or deleted the session after the run had
    read or stored items. Stop the run, or begin a new session.
    """

    def __init__(self, session_id: str) -> None:
        super().__init__(session_id)
        self.session_id = session_id

    def __str__(self) -> str:
        return (
            f"Session {self.session_id!r} was deleted during this run, so the run's items were not "
            "stored. Begin a new session."
        )


class UnknownOutcomeError(AgentSessionsError, OperationalError):
    """The connection was lost at COMMIT: the change is stored completely, or not at all.

    Read the session's newest items before you repeat the change.
    """

    def __init__(self, session_id: str) -> None:
        super().__init__(session_id)
        self.session_id = session_id

    def __str__(self) -> str:
        return (
            f"The connection was lost while a change to session {self.session_id!r} was committed. "
            "The change is stored completely or not at all: read the session before repeating it."
        )


class ItemError(AgentSessionsError, TypeError):
    """An item contains a value that is not JSON; nothing of its batch was stored.

    A `TypeError`, as `json.dumps` raises. `path` leads to the value, as in
    `items[2]['content'][0]['text']`.
    """

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(reason, path)
        self.reason = reason
        self.path = path

    def __str__(self) -> str:
        return f"items{self.path} {self.reason}"
