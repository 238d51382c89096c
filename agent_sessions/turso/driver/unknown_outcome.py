"""The ways in which a request fails, and whether the server may have executed it nevertheless."""

from __future__ import annotations

from agent_sessions.turso.driver.errors import DatabaseError, OperationalError


class UnreachableError(OperationalError):
    """The request did not reach the server: nothing of it has been executed."""


class MisdirectedError(UnreachableError):
    """The server named another host, which must not see the token: nothing was sent."""


class UnansweredError(OperationalError):
    """No readable answer came: the request may have been executed, or not."""


class TimedOutError(UnansweredError):
    """No answer came in time."""


class RejectedError(OperationalError):
    """The server answered with an HTTP error: `status` is HTTP's code, `code` the server's own."""

    def __init__(self, message: str, status: int, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class InDoubtError(OperationalError):
    """A change may have been made, or not: look before you repeat it.

    Databases call such a transaction "in doubt".
    """

    # Read with getattr() by code that must not import the engine.
    is_outcome_unknown = True

    def __init__(self, error: DatabaseError, event: str) -> None:
        super().__init__(f"{error} It is not known whether {event}: look before you repeat it.")


Failure = (UnreachableError, UnansweredError, RejectedError)


def may_have_run(error: BaseException) -> bool:
    """Tell whether the server may have executed the request that failed with `error`."""
    if isinstance(error, RejectedError):
        # With 3xx and 4xx the server refused the request: its token, its stream or its form is
        # wrong. Another 2xx than 200 comes from a proxy that replaced the server's answer.
        return not 300 <= error.status < 500
    return isinstance(error, UnansweredError)
