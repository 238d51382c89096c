"""A transaction: the statements that wait to be sent in it, and its status.

BEGIN and savepoints wait for the first statement with a result and travel with it; COMMIT and
ROLLBACK close the stream.

Every statement is sent on the condition that the transaction is still open. The server takes the
write lock from a transaction that has had it for 5 seconds when another connection wants it
(https://github.com/libsql/sqld/pull/693), and would execute the statements that follow outside of
any transaction.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Sequence
from contextlib import suppress
from enum import Enum
from typing import TypeVar

from agent_sessions.turso.driver import hrana
from agent_sessions.turso.driver.errors import (
    DatabaseError,
    OperationalError,
    error_of,
    is_busy,
    is_too_large,
    loggable,
)
from agent_sessions.turso.driver.hrana import IN_TRANSACTION, Json
from agent_sessions.turso.driver.savepoints import Savepoints, name_of
from agent_sessions.turso.driver.statements import Statement
from agent_sessions.turso.driver.stream import Stream
from agent_sessions.turso.driver.unknown_outcome import (
    Failure,
    InDoubtError,
    TimedOutError,
    UnreachableError,
    may_have_run,
)

TAKEN_AWAY = (
    "The transaction is lost: the server has rolled it back, because it lasted while others waited "
    "to write, or was idle for 10 seconds. Nothing of it is stored; repeat it, and keep "
    "transactions short."
)

logger = logging.getLogger("agent_sessions.turso")

ErrorT = TypeVar("ErrorT", bound=BaseException)


class TransactionStatus(Enum):
    """The operations that a transaction still accepts."""

    ACTIVE = "active"
    """Everything."""

    FAILED = "failed"
    """A rollback to the savepoint, or of the whole transaction: a pipeline's statement failed."""

    LOST = "lost"
    """A rollback of the whole transaction only."""


class Transaction:
    """From BEGIN to COMMIT or ROLLBACK. `waiting` starts with BEGIN, which is not sent yet."""

    def __init__(self, stream: Stream, waiting: list[Statement], busy_seconds: float) -> None:
        self.status = TransactionStatus.ACTIVE
        self._error: BaseException | None = None  # why it is not active
        self._stream = stream
        self._waiting = waiting
        self._busy_seconds = busy_seconds
        self._savepoints = Savepoints()
        self._has_lock = False

    def __repr__(self) -> str:
        waiting = f"{len(self._waiting)} waiting" if self._waiting else "all sent"
        return f"<Transaction ({self.status.value}, {waiting}) on {self._stream.url}>"

    def check(self) -> None:
        """Raise OperationalError if the transaction is failed or lost."""
        if self.status is not TransactionStatus.ACTIVE:
            raise OperationalError(f"The transaction was lost: {self._error}") from self._error

    def add(self, statement: Statement) -> None:
        """Let a statement wait until the next one with a result, or itself, is sent."""
        self._savepoints.follow(statement)
        if statement.is_partial_rollback:
            self._drop_undone(statement)
        self._waiting.append(statement)

    def unwind(self, statement: Statement) -> None:
        """Reactivate a failed transaction if `statement` rolls back to a savepoint; then check."""
        if self.status is TransactionStatus.FAILED and statement.is_partial_rollback:
            self.status, self._error = TransactionStatus.ACTIVE, None
        self.check()

    def synchronise(self, newest: Sequence[Statement]) -> None:
        """Send what waits, unless all of it is control statements without a result.

        `newest` are the statements of the call in which an error surfaces.
        """
        if not self._has_results_to_come:
            return
        was_open = self._stream.is_open
        try:
            self._stream.while_busy(self._exchange, self._busy_seconds)
        except BaseException as error:
            # Also after Ctrl+C: what the server has executed is unknown then.
            self._judge(error, newest, was_open=was_open)
            self._drop_unanswered(error, newest)
            raise

    def commit(self) -> None:
        """Commit, together with what waits. If nothing needs the server, nothing is sent.

        Raises InDoubtError if the answer was lost.
        """
        if not (self._stream.is_open or self._has_results_to_come):
            return
        is_reading = self._is_repeatable
        try:
            self._stream.while_busy(lambda: self._exchange(commit=True), self._busy_seconds)
        except BaseException as error:
            self._end(error)  # otherwise others would wait for a COMMIT that has not arrived
            self._drop_unanswered(error)
            if not isinstance(error, Failure) or (is_reading and may_have_run(error)):
                raise
            raise self._failure_of_commit(error) from error
        finally:
            self._stream.forget()  # it was closed with COMMIT

    def rollback(self) -> None:
        """Roll back; statements that wait are never sent."""
        self._abandon()
        self._drop_unanswered(OperationalError("its transaction was rolled back."))

    @property
    def _has_results_to_come(self) -> bool:
        return any(not statement.is_control for statement in self._waiting)

    @property
    def _is_repeatable(self) -> bool:
        """The whole transaction is waiting, and it only reads."""
        return not self._stream.is_open and all(
            statement.is_read or statement.is_control for statement in self._waiting
        )

    # Exchanging statements for results

    def _exchange(self, *, commit: bool = False) -> DatabaseError | None:
        """Send what waits and take the results; return the error if the database is busy.

        Each step depends on the one before, and on the transaction being open.
        """
        statements = [*self._waiting, *([Statement("COMMIT")] if commit else [])]
        steps = _steps(statements)
        requests = [hrana.batch(steps)]
        if commit:
            # A COMMIT that a deferred constraint fails leaves the transaction open:
            # https://www.sqlite.org/foreignkeys.html#fk_deferred
            steps.append(hrana.step(Statement("ROLLBACK").wire, IN_TRANSACTION))
            requests = [hrana.batch(steps), hrana.CLOSE]
        answer, *_ = self._stream.ask(
            requests,
            repeatable=commit and self._is_repeatable,
            # The holder of the lock must not wait for requests that wait for the lock.
            takes_lock=not self._has_lock and any(s.takes_lock for s in self._waiting),
        )
        if answer["type"] != "ok":
            self._read_large(error_of(answer["error"]))
            return None
        return self._take(statements, answer["response"]["result"])

    def _take(self, statements: list[Statement], answer: Json) -> DatabaseError | None:
        """Give each statement of a batch its result, or raise the error that stopped the batch."""
        for statement, result, error in zip(
            statements, answer["step_results"], answer["step_errors"], strict=False
        ):
            if error is not None:
                return self._fail(statement, error_of(error))
            if result is None:
                raise self._lose(OperationalError(TAKEN_AWAY))
            statement.succeed(result)
            # A deferred transaction takes the lock with its first change.
            self._has_lock = self._has_lock or statement.takes_lock
        self._waiting = []
        return None

    def _fail(self, statement: Statement, error: DatabaseError) -> DatabaseError | None:
        if statement.word == "BEGIN" and is_busy(error):
            return error
        # The executed statements are done. _drop_unanswered() decides about the others: those that
        # mark or unwind the transaction must still be sent.
        self._waiting = [waiting for waiting in self._waiting if waiting.result is None]
        statement.error = error
        if statement.is_control and statement.word != "BEGIN":
            self._lose(error)
        raise error

    def _read_large(self, error: DatabaseError) -> None:
        """Read rows that are too large for an answer, or raise any other `error` of a whole batch.

        Such an error comes from the server's parser, so that no statement was executed.
        """
        if not is_too_large(error):
            raise error
        *before, statement = self._waiting
        if not (self._stream.is_open and statement.is_read and all(s.is_control for s in before)):
            raise self._lose(error)  # the results of the other statements cannot be read again
        self._waiting = [statement]
        result = self._stream.read_rows(hrana.step(statement.wire, IN_TRANSACTION))
        if not result:  # pragma: no cover  # taken away between two requests
            raise self._lose(OperationalError(TAKEN_AWAY))
        statement.succeed(result)
        self._waiting = []

    # Statements that will not be executed

    def _drop_unanswered(self, error: BaseException, newest: Sequence[Statement] = ()) -> None:
        """Drop what was not executed, except the statements that mark and unwind the transaction.

        Of those, the ones in `newest` go as well: their caller sees the error.
        """
        for statement in self._waiting:
            if not statement.is_control:
                statement.drop(error)
        self._waiting = [
            waiting
            for waiting in self._waiting
            if waiting.is_control and (waiting.word == "BEGIN" or waiting not in newest)
        ]

    def _drop_undone(self, rollback: Statement) -> None:
        """Drop the waiting statements that a rollback to a savepoint undoes, with their errors."""
        for statement in reversed(self._waiting):
            if statement.word == "SAVEPOINT" and name_of(statement) == name_of(rollback):
                break
            if not statement.is_control:
                statement.drop(OperationalError("it was rolled back."))
        self._waiting = [waiting for waiting in self._waiting if waiting.error is None]

    # Losing the transaction

    def _judge(self, error: BaseException, newest: Sequence[Statement], *, was_open: bool) -> None:
        """Decide what an error means for the transaction.

        a connection cut after BEGIN                             lost
        a server that could not be reached for BEGIN             active
        an SQL error that stopped only the newest call           active
        an SQL error that stopped earlier calls of a pipeline    failed
        """
        has_begun = was_open or may_have_run(error)
        if not isinstance(error, DatabaseError) or (isinstance(error, Failure) and has_begun):
            self._lose(error)
        elif self.status is TransactionStatus.ACTIVE and self._has_stopped_others(newest):
            url, reason = self._stream.url, loggable(error)
            logger.info("A pipeline's error (%s) stops the transaction on %s", reason, url)
            self.status, self._error = TransactionStatus.FAILED, error

    def _has_stopped_others(self, newest: Sequence[Statement]) -> bool:
        """Tell whether an error stopped statements of other calls than the one that sees it.

        That happens in pipelines, where statements wait together. All of them are of one level of
        savepoints, so that one rollback undoes them.
        """
        stopped = itertools.dropwhile(lambda s: s.result is not None or s.is_control, self._waiting)
        known = set(map(id, newest))  # executemany() has thousands
        return any(id(statement) not in known for statement in stopped)

    def _lose(self, error: ErrorT) -> ErrorT:
        """Refuse every further statement until the rollback."""
        logger.warning("The transaction on %s is lost (%s)", self._stream.url, loggable(error))
        self._end(error)
        return error

    def _end(self, error: BaseException) -> None:
        self.status, self._error = TransactionStatus.LOST, error
        # A server that is silent or out of reach would not answer a rollback either, and after
        # Ctrl+C nobody should wait for it.
        is_silent = isinstance(error, TimedOutError | UnreachableError)
        if isinstance(error, DatabaseError) and not is_silent:
            self._abandon()
        self._stream.forget()

    def _failure_of_commit(self, error: DatabaseError) -> OperationalError:
        url, reason = self._stream.url, loggable(error)
        if not may_have_run(error):
            logger.warning("COMMIT has not reached %s (%s): the transaction is lost", url, reason)
            return OperationalError(f"{error} The transaction is not committed.")
        logger.warning("%s has not answered COMMIT (%s): the transaction is in doubt", url, reason)
        return InDoubtError(error, "the transaction was committed")

    def _abandon(self) -> None:
        """Roll back and close the stream; a server that does not answer does so by itself."""
        if not self._stream.is_open:
            return
        steps = [hrana.step(Statement("ROLLBACK").wire, IN_TRANSACTION)]
        with suppress(DatabaseError):
            self._stream.ask([hrana.batch(steps), hrana.CLOSE], repeatable=True)
        self._stream.forget()


def _steps(statements: Sequence[Statement]) -> list[Json]:
    """Return the steps of a batch, each after the one before and within the transaction."""
    is_inside = not any(statement.word == "BEGIN" for statement in statements)
    steps = []
    for number, statement in enumerate(statements):
        conditions = [hrana.succeeded(number - 1)] if number else []
        if is_inside:
            conditions.append(IN_TRANSACTION)
        steps.append(hrana.step(statement.wire, *conditions))
        is_inside = is_inside or statement.word == "BEGIN"
    return steps
