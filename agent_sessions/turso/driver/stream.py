"""A stream: the server's side of a connection, which one request after the other takes up again.

The server forgets a stream after 10 idle seconds and keeps 128 at most, so one is open during a
transaction and at no other time.
"""

from __future__ import annotations

import itertools
import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from typing import TypeVar

from agent_sessions.turso.driver import hrana
from agent_sessions.turso.driver.errors import DatabaseError, error_of
from agent_sessions.turso.driver.explanations import of_unreadable
from agent_sessions.turso.driver.hrana import Json
from agent_sessions.turso.driver.masking import Hidden
from agent_sessions.turso.driver.transport import Transport
from agent_sessions.turso.driver.unknown_outcome import (
    Failure,
    MisdirectedError,
    RejectedError,
    TimedOutError,
    UnansweredError,
    UnreachableError,
    may_have_run,
)

ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0

T = TypeVar("T")


class Stream:
    """What the server needs to be told to go on where the last request ended."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._baton: str | None = None
        self._base_url: str | None = None

    @property
    def is_open(self) -> bool:
        return self._baton is not None

    def forget(self) -> None:
        """Leave the stream to the server, which ends it with what it had not committed."""
        self._baton = self._base_url = None

    def ask(
        self, requests: list[Json], *, repeatable: bool = False, takes_lock: bool = False
    ) -> list[Json]:
        """Send requests and return their results, one for one.

        Sends them again, in a bounded way, if they cannot have been executed, and, if they are
        `repeatable`, also if they may have been. What `takes_lock` waits for its turn first.
        """
        body = hrana.pipeline_body(self._baton, requests)

        def read(text: bytes) -> tuple[Json, list[Json]]:
            answer = json.loads(text)
            results = hrana.results_of(answer, requests)
            hrana.change_messages(results, self._transport.masked)
            return answer, results

        def attempt() -> tuple[Json, list[Json]]:
            with self._transport.turn_to_write() if takes_lock else nullcontext():
                return self._post("/v3/pipeline", body, read)

        answer, results = _with_attempts(attempt, repeatable)
        self._follow(answer)
        return results

    def read_rows(self, step: Json) -> Json:
        """Execute a reading step whose result is too large for one answer of a pipeline."""
        was_open = self.is_open
        body = hrana.cursor_body(self._baton, [step])

        def attempt() -> tuple[Json, Json | None, Json | None]:
            return self._post("/v3/cursor", body, hrana.result_of_cursor)

        first, result, error = _with_attempts(attempt, not was_open)
        self._follow(first)
        if not was_open:
            with suppress(DatabaseError):  # the rows are here, and the server closes by itself, too
                self.ask([hrana.CLOSE], repeatable=True)
            self.forget()
        if error is not None:
            hrana.change_message(error, self._transport.masked)
            raise error_of(error)
        return result or {}

    def _post(self, path: str, body: bytes, read: Callable[[bytes], T]) -> T:
        """Post a request and return what `read` makes of its answer.

        An answer that cannot be read is shown nowhere: a proxy may have put the token into it.
        """
        answer = Hidden(self._transport.post(path, body, self._base_url))
        try:
            return read(answer.content)
        except (ValueError, TypeError, KeyError, AttributeError):
            problem = of_unreadable(answer.content.decode("utf-8", "replace"))
        raise UnansweredError(f"The answer of {self._transport.url} cannot be read: {problem}")

    def _follow(self, answer: Json) -> None:
        self._baton = answer.get("baton")
        self._base_url = (answer.get("base_url") or self._base_url) if self._baton else None


def pauses() -> Iterator[float]:
    """Yield growing numbers of seconds, with chance in each so that nobody keeps in step."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        yield pause * random.uniform(0.5, 1.5)  # noqa: S311  # no secret hangs on it
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def _with_attempts(send: Callable[[], T], repeatable: bool) -> T:
    for pause in itertools.islice(pauses(), ATTEMPTS - 1):
        try:
            return send()
        except Failure as error:
            if not _may_send_again(error, repeatable):
                raise
        time.sleep(pause)
    return send()


def _may_send_again(error: DatabaseError, repeatable: bool) -> bool:
    match error:
        case MisdirectedError():
            return False  # it would be led astray again
        case UnreachableError() | RejectedError(status=429):
            return True
        case TimedOutError():
            return False  # it has waited long enough
    return repeatable and may_have_run(error)


def while_busy(attempt: Callable[[], DatabaseError | None], seconds: float) -> None:
    """Call `attempt` until it returns None instead of the error of a writer that was in its way.

    For what the server turned away before anything of it was executed. Raises the error after
    `seconds`.
    """
    until = time.monotonic() + seconds
    for pause in pauses():  # pragma: no branch  # it never ends
        error = attempt()
        if error is None:
            return
        if time.monotonic() + pause > until:
            raise error
        time.sleep(pause)
