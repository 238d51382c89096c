"""A connection as PEP 249 has it: when statements are sent, and which of them together.

Outside a transaction a statement and the end of its stream are one request, so that nothing is left
open that could expire. transaction.py says what happens between BEGIN and COMMIT.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from agent_sessions.turso.driver import hrana
from agent_sessions.turso.driver.address import Address
from agent_sessions.turso.driver.cursor import Cursor
from agent_sessions.turso.driver.errors import (
    DatabaseError,
    OperationalError,
    ProgrammingError,
    error_of,
    is_busy,
    is_too_large,
)
from agent_sessions.turso.driver.statements import Statement
from agent_sessions.turso.driver.stream import Stream, while_busy
from agent_sessions.turso.driver.transaction import Transaction
from agent_sessions.turso.driver.transport import transport_to
from agent_sessions.turso.driver.unknown_outcome import UnknownOutcomeError, may_have_run

# Those of the server that Django asks for.
LIMITS = {sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 32766, sqlite3.SQLITE_LIMIT_COLUMN: 2000}


class Connection:
    """A connection to one database. It is cheap: connections of HTTP are shared by all of them."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._stream = Stream(transport_to(address))
        self._transaction: Transaction | None = None
        self._waiting: list[Statement] = []  # in a pipeline outside a transaction
        self._newest: Sequence[Statement] = ()
        self._pipelines = 0
        self._isolation_level: str | None = None
        self._limits = dict(LIMITS)
        self._foreign_keys = True
        self._closed = False

    @property
    def in_transaction(self) -> bool:
        """Between BEGIN and the end of the transaction, whether BEGIN has been sent or not."""
        return self._transaction is not None

    @property
    def is_usable(self) -> bool:
        """A lost transaction waits for its rollback; apart from that nothing can go stale."""
        return not (self._closed or (self._transaction and self._transaction.is_lost))

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
        if any(statement.word in ("SAVEPOINT", "RELEASE") for statement in statements):
            # Here a block begins or ends: an error surfaces before, and whoever takes it for one of
            # the other block cannot go on.
            self._newest = ()
            self.synchronise()
        self._newest = statements
        for statement in statements:
            if not self._obey(statement):
                self._put(statement)
        if not self._pipelines:
            self.synchronise()

    def begin(self, sql: str = "") -> None:
        """Open a transaction; nothing is sent before its first statement."""
        if self.in_transaction:
            raise OperationalError("cannot start a transaction within a transaction")
        self.synchronise()
        self._open(sql or f"BEGIN {self._address.transaction_mode}")

    def commit(self) -> None:
        """Commit, together with what still waits; without a transaction only send that.

        Raises UnknownOutcomeError if the answer was lost: whether the transaction is stored must
        then be looked up before anything is repeated.
        """
        if self._transaction is None:
            self.synchronise()
            return
        self._transaction.check()
        try:
            self._transaction.commit()
        finally:
            self._transaction = None

    def rollback(self) -> None:
        """Roll back; without a transaction only drop what still waits."""
        if self._transaction is not None:
            self._transaction.rollback()
            self._transaction = None
        self._drop_waiting(OperationalError("it was rolled back."))

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
            self._drop_waiting(error)
            raise
        finally:
            self._pipelines -= 1

    def synchronise(self) -> None:
        """Send what waits, unless nobody can be waiting for its result."""
        if self._transaction is not None:
            self._transaction.synchronise(self._newest)
        elif len(self._waiting) == 1:
            self._send_alone(self._waiting.pop())
        elif self._waiting:
            # What travels together succeeds or fails together. Readers need not queue with writers.
            is_reading = all(statement.is_read for statement in self._waiting)
            mode = "DEFERRED" if is_reading else self._address.transaction_mode
            self._open(f"BEGIN {mode}")
            self.commit()

    def _open(self, sql: str) -> None:
        opening = [Statement(sql)]
        if not self._foreign_keys:
            opening.insert(0, _foreign_keys_off())
        waiting, self._waiting = [*opening, *self._waiting], []
        self._transaction = Transaction(self._stream, waiting, self._address.timeout_seconds)

    def _put(self, statement: Statement) -> None:
        if self._transaction is None:
            self._waiting.append(statement)
        else:
            self._transaction.add(statement)

    def _drop_waiting(self, error: BaseException) -> None:
        for statement in self._waiting:
            statement.drop(error)
        self._waiting = []

    def _obey(self, statement: Statement) -> bool:
        """Carry out what concerns the connection itself, and say whether that was all of it."""
        word = statement.word
        if not statement.is_rollback:
            if self._transaction is not None:
                self._transaction.unwind(statement)
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
            return False
        statement.succeed({})
        return True

    def _begin_if_implied(self, statement: Statement) -> None:
        opens = statement.is_change or statement.word == "SAVEPOINT"
        if opens and self.isolation_level is not None and not self.in_transaction:
            self.begin()

    def _send_alone(self, statement: Statement) -> None:
        """Execute a statement outside a transaction."""
        requests = [hrana.execute(statement.wire), hrana.CLOSE]
        if not self._foreign_keys:
            requests.insert(0, hrana.execute(_foreign_keys_off().wire))

        def attempt() -> DatabaseError | None:
            *_, answer, _closed = self._stream.ask(
                requests, repeatable=statement.is_read, takes_lock=statement.takes_lock
            )
            if answer["type"] == "ok":
                statement.succeed(answer["response"]["result"])
                return None
            error = error_of(answer["error"])
            if is_busy(error):
                return error
            if not (is_too_large(error) and statement.is_read):
                raise error
            statement.succeed(self._stream.read_rows(hrana.step(statement.wire)))
            return None

        try:
            while_busy(attempt, self._address.timeout_seconds)
        except DatabaseError as error:
            statement.error = error
            # An answer that was too large is one to a statement that was executed.
            if statement.is_read or not (may_have_run(error) or is_too_large(error)):
                raise
            raise UnknownOutcomeError(error, "the statement was executed") from error


def _foreign_keys_off() -> Statement:
    return Statement("PRAGMA foreign_keys = OFF")
