"""What can become of a request to a server, and whether the server can have executed it."""

from __future__ import annotations

from agent_sessions.turso.driver.errors import DatabaseError, OperationalError


class UnreachableError(OperationalError):
    """The request did not reach the server: nothing of it has been executed."""


class MisdirectedError(UnreachableError):
    """The server wanted the request elsewhere, where the token must not go: it was not sent."""


class UnansweredError(OperationalError):
    """The request may have been executed, or not: no answer, or none that can be read, came."""


class TimedOutError(UnansweredError):
    """No answer came in time."""


class RejectedError(OperationalError):
    """The server answered with an HTTP error. `status` is its number, `code` the server's own."""

    def __init__(self, message: str, status: int, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class UnknownOutcomeError(OperationalError):
    """A change may have been made, or not: look before you repeat it."""

    is_outcome_unknown = True  # for code that must not import the engine

    def __init__(self, error: DatabaseError, what: str) -> None:
        super().__init__(f"{error} Whether {what} is not known: look before you repeat it.")


Failure = (UnreachableError, UnansweredError, RejectedError)


def may_have_run(error: BaseException) -> bool:
    """Tell whether the server may have executed what it was sent before this went wrong."""
    match error:
        case RejectedError(status=status):
            # 3xx and 4xx are a request that it did not take: the token, the stream or its form is
            # wrong. 2xx is something between that makes another answer of the server's.
            return not 300 <= status < 500
    return isinstance(error, UnansweredError)
