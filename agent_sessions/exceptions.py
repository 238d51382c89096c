"""What can go wrong, as exceptions whose messages say what to do."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied


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
