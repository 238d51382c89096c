"""A transaction: what waits to be sent in it, and whether the server still has it.

BEGIN and savepoints wait for the first statement that has a result and travel with it; the stream
ends with COMMIT or ROLLBACK. Every statement is sent on the condition that the transaction is still
there: the server takes it away from a writer that keeps others waiting for 5 seconds, and what came
after would otherwise be executed outside of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from contextlib import suppress
from typing import TypeVar

from agent_sessions.turso.driver import hrana
from agent_sessions.turso.driver.errors import (
    DatabaseError,
    OperationalError,
    error_of,
    is_busy,
    is_too_large,
)
from agent_sessions.turso.driver.hrana import IN_TRANSACTION, Json
from agent_sessions.turso.driver.savepoints import Savepoints, name_of
from agent_sessions.turso.driver.statements import Statement
from agent_sessions.turso.driver.stream import Stream, while_busy
from agent_sessions.turso.driver.unknown_outcome import (
    Failure,
    TimedOutError,
    UnknownOutcomeError,
    UnreachableError,
    may_have_run,
)

LOST = (
    "The transaction is lost: the server has rolled it back, because it lasted while others waited "
    "to write, or stood idle for 10 seconds. Nothing of it is stored; do it again, and keep "
    "transactions short."
)
LostT = TypeVar("LostT", bound=BaseException)


class Transaction:
    """From BEGIN to COMMIT or ROLLBACK. `waiting` begins with BEGIN, which nothing has sent yet."""

    def __init__(self, stream: Stream, waiting: list[Statement], busy_seconds: float) -> None:
        self._stream = stream
        self._waiting = waiting
        self._busy_seconds = busy_seconds
        self._savepoints = Savepoints()
        self._lost: BaseException | None = None
        self._can_unwind = False
        self._has_lock = False

    @property
    def is_lost(self) -> bool:
        """Nothing can go on in it before it is rolled back."""
        return self._lost is not None

    def check(self) -> None:
        """Raise OperationalError if the transaction is lost."""
        if self._lost is not None:
            raise OperationalError(f"The transaction was lost: {self._lost}") from self._lost

    def add(self, statement: Statement) -> None:
        """Let a statement wait for the next that has a result, or for its own turn."""
        self._savepoints.follow(statement)
        if statement.is_partial_rollback:
            self._drop_undone(statement)
        self._waiting.append(statement)

    def unwind(self, statement: Statement) -> None:
        """Let a rollback to a savepoint undo an error in a pipeline; refuse everything else."""
        if self._can_unwind and statement.is_partial_rollback:
            self._lost, self._can_unwind = None, False
        self.check()

    def synchronise(self, newest: Sequence[Statement]) -> None:
        """Send what waits, unless nobody can be waiting for its result.

        `newest` are the statements of the call in which an error surfaces.
        """
        if not self._is_anything_asked:
            return
        was_open = self._stream.is_open
        try:
            while_busy(self._exchange, self._busy_seconds)
        except BaseException as error:
            if not isinstance(error, DatabaseError) or (
                isinstance(error, Failure) and (was_open or may_have_run(error))
            ):
                self._lose(error)
            elif self._lost is None:
                self._lose_if_others_count_on_it(error, newest)
            self._drop_unanswered(error, newest)
            raise

    def commit(self) -> None:
        """Commit, together with what still waits; if nothing was ever asked, nothing is sent.

        Raises UnknownOutcomeError if the answer was lost.
        """
        if not (self._stream.is_open or self._is_anything_asked):
            return
        is_reading = self._is_repeatable
        try:
            while_busy(lambda: self._exchange(commit=True), self._busy_seconds)
        except BaseException as error:
            self._lose(error)  # if COMMIT has not arrived, nobody else needs to wait
            self._drop_unanswered(error)
            if not isinstance(error, Failure) or (is_reading and may_have_run(error)):
                raise
            if not may_have_run(error):
                raise OperationalError(f"{error} The transaction is not committed.") from error
            raise UnknownOutcomeError(error, "the transaction was committed") from error
        finally:
            self._stream.forget()  # it was closed with COMMIT

    def rollback(self) -> None:
        """Roll back; what nobody has sent never is."""
        self._abandon()
        self._drop_unanswered(OperationalError("its transaction was rolled back."))

    @property
    def _is_anything_asked(self) -> bool:
        return any(not statement.is_control for statement in self._waiting)

    @property
    def _is_repeatable(self) -> bool:
        """It is a whole transaction that waits, and it only reads."""
        return not self._stream.is_open and all(
            statement.is_read or statement.is_control for statement in self._waiting
        )

    def _exchange(self, *, commit: bool = False) -> DatabaseError | None:
        """Send what waits, and take the answers; return the error of a writer in BEGIN's way.

        Each step depends on the one before, and on the transaction being there.
        """
        statements = [*self._waiting, *([Statement("COMMIT")] if commit else [])]
        steps = _steps(statements)
        requests = [hrana.batch(steps)]
        if commit:
            # A COMMIT that fails, because of a deferred constraint, leaves the transaction open.
            steps.append(hrana.step(Statement("ROLLBACK").wire, IN_TRANSACTION))
            requests = [hrana.batch(steps), hrana.CLOSE]
        answer, *_ = self._stream.ask(
            requests,
            repeatable=commit and self._is_repeatable,
            # Who has the lock already must not wait for those who wait for it.
            takes_lock=not self._has_lock and any(s.takes_lock for s in self._waiting),
        )
        if answer["type"] != "ok":
            self._read_large(error_of(answer["error"]))
            return None
        return self._take(statements, answer["response"]["result"])

    def _take(self, statements: list[Statement], answer: Json) -> DatabaseError | None:
        """Give each statement of a batch its result, or raise the error that stopped them."""
        for statement, result, error in zip(
            statements, answer["step_results"], answer["step_errors"], strict=False
        ):
            if error is not None:
                return self._fail(statement, error_of(error))
            if result is None:
                raise self._lose(OperationalError(LOST))
            statement.succeed(result)
            # A deferred transaction has no lock before its first change.
            self._has_lock = self._has_lock or statement.takes_lock
        self._waiting = []
        return None

    def _fail(self, statement: Statement, error: DatabaseError) -> DatabaseError | None:
        if statement.word == "BEGIN" and is_busy(error):
            return error
        # What was executed is done with. What was not and still must be, because it marks or
        # unwinds the transaction, is left to _drop_unanswered().
        self._waiting = [waiting for waiting in self._waiting if waiting.result is None]
        statement.error = error
        if statement.is_control and statement.word != "BEGIN":
            self._lose(error)
        raise error

    def _read_large(self, error: DatabaseError) -> None:
        """Read rows that do not fit into an answer. Every other error of a whole batch is raised.

        Those come from one that could not be parsed, so that none was executed.
        """
        if not is_too_large(error):
            raise error
        *before, statement = self._waiting
        if not (self._stream.is_open and statement.is_read and all(s.is_control for s in before)):
            raise self._lose(error)  # the results of the others are not to be had
        self._waiting = [statement]
        result = self._stream.read_rows(hrana.step(statement.wire, IN_TRANSACTION))
        if not result:  # pragma: no cover  # taken away between two requests
            raise self._lose(OperationalError(LOST))
        statement.succeed(result)
        self._waiting = []

    def _drop_unanswered(self, error: BaseException, newest: Sequence[Statement] = ()) -> None:
        """Drop statements that were not executed, but for what marks and unwinds the transaction.

        The call in which the error surfaces knows of it, and must not be made up for.
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
        """Drop what a rollback to a savepoint would undo: an error of it is nobody's any more."""
        for statement in reversed(self._waiting):
            if statement.word == "SAVEPOINT" and name_of(statement) == name_of(rollback):
                break
            if not statement.is_control:
                statement.drop(OperationalError("it was rolled back."))
        self._waiting = [waiting for waiting in self._waiting if waiting.error is None]

    def _lose_if_others_count_on_it(
        self, error: DatabaseError, newest: Sequence[Statement]
    ) -> None:
        """Lose the transaction if more was stopped by an error than the call that it surfaces in.

        That happens in pipelines. A rollback to the savepoint makes up for it: what waits together
        is of one level of savepoints.
        """
        stopped = list(
            itertools.dropwhile(lambda s: s.result is not None or s.is_control, self._waiting)
        )
        known = set(map(id, newest))  # of executemany() they are thousands
        if any(id(statement) not in known for statement in stopped):
            self._lost, self._can_unwind = error, True

    def _lose(self, error: LostT) -> LostT:
        """Note that the transaction cannot go on; until its rollback every statement says so."""
        self._lost, self._can_unwind = error, False
        # After silence, or an interruption, it would not answer a rollback either.
        is_silent = isinstance(error, TimedOutError | UnreachableError)
        if isinstance(error, DatabaseError) and not is_silent:
            self._abandon()
        self._stream.forget()
        return error

    def _abandon(self) -> None:
        """Ask the server to roll back and close; if it cannot be asked it does so by itself."""
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
