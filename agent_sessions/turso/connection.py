"""A connection as PEP 249 has it: which statements travel together, and what a transaction is.

Outside a transaction a statement and the end of its stream are one request. In a transaction BEGIN
and savepoints wait for the first statement that has a result and travel with it, and the stream
ends with COMMIT or ROLLBACK. Every statement of a transaction is sent on the condition that there
still is one: the server takes it away from a writer that keeps others waiting for 5 seconds, and
what came after would otherwise be executed outside of it.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TypeVar

from agent_sessions.turso import hrana
from agent_sessions.turso.address import Address
from agent_sessions.turso.cursor import Cursor
from agent_sessions.turso.errors import (
    DatabaseError,
    OperationalError,
    ProgrammingError,
    error_of,
    is_busy,
    is_too_large,
)
from agent_sessions.turso.hrana import IN_TRANSACTION, Json
from agent_sessions.turso.savepoints import Savepoints
from agent_sessions.turso.statements import Statement
from agent_sessions.turso.stream import Stream, while_busy
from agent_sessions.turso.transport import (
    RejectedError,
    TimedOutError,
    UnansweredError,
    UnreachableError,
    transport_to,
)

LOST = (
    "The transaction is lost: the server has rolled it back, because it lasted while others waited "
    "to write, or stood idle for 10 seconds. Nothing of it is stored; do it again, and keep "
    "transactions short."
)
Failure = (UnreachableError, UnansweredError, RejectedError)
LostT = TypeVar("LostT", bound=BaseException)

# Those of the server that Django asks for.
LIMITS = {sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 32766, sqlite3.SQLITE_LIMIT_COLUMN: 2000}


class UnknownOutcomeError(OperationalError):
    """The server may have done what it was asked for, or not: the answer was lost on the way."""


class Connection:
    """A connection to one database. It is cheap: connections of HTTP are shared by all of them."""

    def __init__(self, address: Address) -> None:
        self.in_transaction = False
        self._isolation_level: str | None = None
        self._address = address
        self._stream = Stream(transport_to(address))
        self._waiting: list[Statement] = []
        self._newest: Sequence[Statement] = ()
        self._savepoints = Savepoints()
        self._limits = dict(LIMITS)
        self._pipelines = 0
        self._foreign_keys = True
        self._lost: BaseException | None = None
        self._can_unwind = False
        self._closed = False

    @property
    def is_usable(self) -> bool:
        """A lost transaction waits for its rollback; apart from that nothing can go stale."""
        return not self._closed and self._lost is None

    @property
    def isolation_level(self) -> str | None:
        """sqlite3's switch: None is autocommit; otherwise a change opens a transaction."""
        return self._isolation_level

    @isolation_level.setter
    def isolation_level(self, level: str | None) -> None:
        if level is None and self.in_transaction:
            self.commit()  # as sqlite3 does
        self._isolation_level = level

    def getlimit(self, category: int) -> int:
        """sqlite3's: how much of something a statement may have. Django cuts its batches by it."""
        return self._limits[category]

    def setlimit(self, category: int, limit: int) -> int:
        """sqlite3's: lower a limit for those who ask for it. Returns what it was."""
        before, self._limits[category] = self._limits[category], min(limit, LIMITS[category])
        return before

    def cursor(self) -> Cursor:
        """Return a new cursor."""
        return Cursor(self)

    def submit(self, statements: Sequence[Statement]) -> None:
        """Take statements to execute, at once or, in a pipeline, when results are asked for."""
        if self._closed:
            raise ProgrammingError("Cannot operate on a closed database.")
        if any(statement.word == "RELEASE" for statement in statements):
            # It ends a block, in which errors of the block have to surface.
            self.synchronise()
        self._newest = statements
        for statement in statements:
            if not self._obey(statement):
                self._waiting.append(statement)
        if not self._pipelines:
            self.synchronise()

    def begin(self, sql: str = "") -> None:
        """Open a transaction; nothing is sent before its first statement."""
        if self.in_transaction:
            raise OperationalError("cannot start a transaction within a transaction")
        self.synchronise()
        self._open(sql or f"BEGIN {self._address.transaction_mode}")

    def commit(self) -> None:
        """Commit, together with what still waits; without a transaction do nothing.

        Raises UnknownOutcomeError if the answer was lost: whether the transaction is stored must
        then be looked up before anything is repeated.
        """
        self._check_transaction()
        if not self.in_transaction:
            self.synchronise()
        elif self._stream.is_open or self._is_anything_asked:
            self._commit()
        else:
            self._end_transaction()

    def rollback(self) -> None:
        """Roll back; without a transaction only drop what still waits."""
        self._abandon()
        self._end_transaction()

    def close(self) -> None:
        """Close, and roll back what is not committed."""
        if not self._closed:
            self.rollback()
        self._closed = True

    @contextmanager
    def pipeline(self) -> Iterator[None]:
        """Let statements wait until a result is asked for, the transaction ends, or the block.

        Outside a transaction, statements that travel together are one, and after an error in the
        block those that still wait are never sent. In a transaction they share its fate.
        """
        self._pipelines += 1
        try:
            yield
            if self._pipelines == 1:
                self.synchronise()
        except BaseException as error:
            if not self.in_transaction:
                self._drop_unanswered(error)
            raise
        finally:
            self._pipelines -= 1

    def synchronise(self) -> None:
        """Send what waits, unless nobody can be waiting for its result."""
        if not self._is_anything_asked:
            return
        if self.in_transaction:
            self._in_transaction()
        elif len(self._waiting) == 1:
            self._alone(self._waiting.pop())
        else:
            # What travels together succeeds or fails together. Readers need not queue with writers.
            is_reading = all(statement.is_read for statement in self._waiting)
            mode = "DEFERRED" if is_reading else self._address.transaction_mode
            self._open(f"BEGIN {mode}")
            self._commit()

    @property
    def _is_anything_asked(self) -> bool:
        return any(not statement.is_control for statement in self._waiting)

    def _open(self, sql: str) -> None:
        opening = [Statement(sql)]
        if not self._foreign_keys:
            opening.insert(0, _foreign_keys_off())
        self.in_transaction = True
        self._waiting = [*opening, *self._waiting]

    def _check_transaction(self) -> None:
        if self._lost is not None:
            raise OperationalError(f"The transaction was lost: {self._lost}") from self._lost

    def _obey(self, statement: Statement) -> bool:
        """Carry out what concerns the connection itself, and say whether that was all of it."""
        word = statement.word
        if not statement.is_rollback:
            self._unwind(statement)
            self._begin_if_implied(statement)
        if word == "BEGIN":
            self.begin("" if statement.sql.upper() == "BEGIN" else statement.sql)
        elif word in ("COMMIT", "END"):
            self.commit()
        elif statement.is_rollback:
            self.rollback()
        elif not self.in_transaction and statement.foreign_keys is not None:
            # It holds for a stream, and each of ours lives for one statement or transaction.
            self.synchronise()
            self._foreign_keys = statement.foreign_keys
        elif statement.is_control and not self.in_transaction:
            raise OperationalError(f"{statement.sql} stands outside a transaction.")
        else:
            self._savepoints.follow(statement)
            return False
        statement.succeed({})
        return True

    def _unwind(self, statement: Statement) -> None:
        """Let a rollback to a savepoint undo an error in a pipeline; refuse everything else."""
        if self._can_unwind and statement.is_partial_rollback:
            self._lost, self._can_unwind = None, False
        self._check_transaction()

    def _begin_if_implied(self, statement: Statement) -> None:
        opens = statement.is_change or statement.word == "SAVEPOINT"
        if opens and self.isolation_level is not None and not self.in_transaction:
            self.begin()

    # Outside a transaction

    def _alone(self, statement: Statement) -> None:
        requests = [hrana.execute(statement.wire), hrana.CLOSE]
        if not self._foreign_keys:
            requests.insert(0, hrana.execute(_foreign_keys_off().wire))

        def attempt() -> DatabaseError | None:
            *_, answer, _closed = self._stream.ask(requests, repeatable=statement.is_read)
            if answer["type"] == "ok":
                statement.succeed(answer["response"]["result"])
                return None
            error = error_of(answer["error"])
            if is_busy(error):
                return error
            if not is_too_large(error):
                raise error
            if not statement.is_read:
                raise UnknownOutcomeError(f"{error} The statement itself was executed.")
            statement.succeed(self._stream.read_rows(hrana.step(statement.wire)))
            return None

        try:
            while_busy(attempt, self._address.timeout_seconds)
        except DatabaseError as error:
            statement.error = error
            if statement.is_read or not _may_have_run(error):
                raise
            raise UnknownOutcomeError(
                f"{error} Whether the statement was executed is not known: look before you "
                "repeat it."
            ) from error

    # In a transaction

    def _in_transaction(self) -> None:
        was_open = self._stream.is_open
        try:
            while_busy(self._exchange, self._address.timeout_seconds)
        except BaseException as error:
            if not isinstance(error, DatabaseError) or (
                isinstance(error, Failure) and (was_open or _may_have_run(error))
            ):
                self._lose(error)
            elif self._lost is None:
                self._lose_if_others_count_on_it(error)
            self._drop_unanswered(error)
            raise

    def _commit(self) -> None:
        try:
            while_busy(lambda: self._exchange(commit=True), self._address.timeout_seconds)
        except BaseException as error:
            is_reading = self._is_repeatable
            self._lose(error)  # if COMMIT has not arrived, nobody else needs to wait
            self._drop_unanswered(error)
            if not isinstance(error, Failure) or (is_reading and _may_have_run(error)):
                raise
            if not _may_have_run(error):
                raise OperationalError(f"{error} The transaction is not committed.") from error
            raise UnknownOutcomeError(
                f"{error} Whether the transaction was committed is not known: look before you "
                "repeat it."
            ) from error
        finally:
            self._end_transaction()

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
        answer, *_ = self._stream.ask(requests, repeatable=commit and self._is_repeatable)
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
        if not result:
            raise self._lose(OperationalError(LOST))
        statement.succeed(result)
        self._waiting = []

    def _drop_unanswered(self, error: BaseException) -> None:
        """Drop statements that were not executed, but for what marks and unwinds a transaction.

        The call in which the error surfaces knows of it, and must not be made up for.
        """
        for statement in self._waiting:
            if statement.result is None and statement.error is None and not statement.is_control:
                statement.error = OperationalError(f"The statement was not executed: {error}")
                statement.error.__cause__ = error
        self._waiting = [
            waiting
            for waiting in self._waiting
            if waiting.is_control and (waiting.word == "BEGIN" or waiting not in self._newest)
        ]

    def _lose_if_others_count_on_it(self, error: DatabaseError) -> None:
        """Lose the transaction if more was stopped by an error than the call that it surfaces in.

        That happens in pipelines. If all of it is of one level of savepoints, a rollback to the
        savepoint makes up for it.
        """
        stopped = list(
            itertools.dropwhile(lambda s: s.result is not None or s.is_control, self._waiting)
        )
        others = [statement for statement in stopped if statement not in self._newest]
        if any(statement.is_control for statement in others):
            self._lose(error)
        elif others:
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

    def _end_transaction(self) -> None:
        self._stream.forget()
        self._drop_unanswered(OperationalError("its transaction was rolled back."))
        self._waiting = []
        self._savepoints.clear()
        self._lost, self._can_unwind = None, False
        self.in_transaction = False


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


def _foreign_keys_off() -> Statement:
    return Statement("PRAGMA foreign_keys = OFF")


def _may_have_run(error: DatabaseError) -> bool:
    """Tell whether the server may have executed what it was sent before this went wrong."""
    match error:
        case UnreachableError():
            return False
        case RejectedError(status=status):
            # 4xx is a request that it did not take: the token, the stream or its form is wrong.
            return status >= 500
        case UnansweredError():
            return True
    return False
