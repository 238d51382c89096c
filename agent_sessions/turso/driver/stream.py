"""A stream: the server's side of a connection, which each request continues.

The server forgets a stream after 10 idle seconds (EXPIRATION in
libsql-server/src/hrana/http/stream.rs of https://github.com/tursodatabase/libsql) and keeps 128 at
most (--max-concurrent-connections). So a stream is open during a transaction and at no other time.
"""

from __future__ import annotations

import itertools
import json
import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from typing import TypeVar

from agent_sessions.turso.driver import hrana
from agent_sessions.turso.driver.errors import DatabaseError, error_of, loggable
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

logger = logging.getLogger("agent_sessions.turso")

T = TypeVar("T")


class Stream:
    """The baton and the address with which the next request continues the last one."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._baton: str | None = None
        self._base_url: str | None = None

    def __repr__(self) -> str:
        return f"<Stream ({'open' if self.is_open else 'closed'}) to {self.url}>"

    @property
    def url(self) -> str:
        """The database's address, without the token."""
        return self._transport.url

    @property
    def is_open(self) -> bool:
        return self._baton is not None

    def forget(self) -> None:
        """Leave the stream to the server, which rolls back and closes it when it expires."""
        self._baton = self._base_url = None

    def ask(
        self, requests: list[Json], *, repeatable: bool = False, takes_lock: bool = False
    ) -> list[Json]:
        """Send requests and return one result for each.

        A request that cannot have been executed is sent again, up to ATTEMPTS times; so is one that
        may have been executed, if it is `repeatable`. One that `takes_lock` first waits for this
        process's turn to write.
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

        answer, results = self._with_attempts(attempt, repeatable)
        self._follow(answer)
        return results

    def read_rows(self, step: Json) -> Json:
        """Execute a reading step whose result is too large for a pipeline's answer."""
        was_open = self.is_open
        body = hrana.cursor_body(self._baton, [step])

        def attempt() -> tuple[Json, Json | None, Json | None]:
            return self._post("/v3/cursor", body, hrana.result_of_cursor)

        logger.debug("%r reads a large result through a cursor", self)
        first, result, error = self._with_attempts(attempt, not was_open)
        self._follow(first)
        if not was_open:
            self._close()
        if error is not None:
            hrana.change_message(error, self._transport.masked)
            raise error_of(error)
        return result or {}

    def while_busy(self, attempt: Callable[[], DatabaseError | None], seconds: float) -> None:
        """Call `attempt` until it returns None instead of the error of a busy database.

        Such an error means that the server has executed nothing. Raises it after `seconds`.
        """
        until = time.monotonic() + seconds
        for pause in pauses():  # pragma: no branch  # it never ends
            error = attempt()
            if error is None:
                return
            if time.monotonic() + pause > until:
                raise error
            logger.info(
                "The database is busy (%s): %r tries again in %.2f s", loggable(error), self, pause
            )
            time.sleep(pause)

    def _with_attempts(self, send: Callable[[], T], repeatable: bool) -> T:
        for pause in itertools.islice(pauses(), ATTEMPTS - 1):
            try:
                return send()
            except Failure as error:
                failure = error
            if not _may_send_again(failure, repeatable):
                raise failure
            logger.info(
                "A request failed (%s): %r sends it again in %.2f s", loggable(failure), self, pause
            )
            time.sleep(pause)
        return send()

    def _post(self, path: str, body: bytes, read: Callable[[bytes], T]) -> T:
        """Post a request and return what `read` makes of its answer.

        An answer that cannot be read appears in no error: a proxy may have put the token into it.
        """
        answer = Hidden(self._transport.post(path, body, self._base_url))
        try:
            return read(answer.content)
        except (ValueError, TypeError, KeyError, AttributeError):
            problem = of_unreadable(answer.content.decode("utf-8", "replace"))
        raise UnansweredError(f"The answer of {self.url} cannot be read: {problem}")

    def _follow(self, answer: Json) -> None:
        self._baton = answer.get("baton")
        self._base_url = (answer.get("base_url") or self._base_url) if self._baton else None

    def _close(self) -> None:
        with suppress(DatabaseError):  # the rows have arrived, and the server closes idle streams
            self.ask([hrana.CLOSE], repeatable=True)
        self.forget()


def pauses() -> Iterator[float]:
    """Yield growing numbers of seconds, randomised so that waiting clients spread out."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        yield pause * random.uniform(0.5, 1.5)  # noqa: S311  # not for cryptography
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def _may_send_again(error: DatabaseError, repeatable: bool) -> bool:
    match error:
        case MisdirectedError():
            return False  # the server would name the same host again
        case UnreachableError() | RejectedError(status=429):
            return True
        case TimedOutError():
            return False  # the caller has waited for as long as the settings allow
    return repeatable and may_have_run(error)
