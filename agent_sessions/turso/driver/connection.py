"""A PEP 249 connection: it decides when statements are sent, and which of them together.

Outside a transaction, a statement and the end of its stream are one request, so that no stream is
left open to expire. transaction.py has the rules between BEGIN and COMMIT.
"""

from __future__ import annotations

import logging
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
    loggable,
)
from agent_sessions.turso.driver.statements import Statement
from agent_sessions.turso.driver.stream import Stream
from agent_sessions.turso.driver.transaction import Transaction, TransactionStatus
from agent_sessions.turso.driver.transport import transport_to
from agent_sessions.turso.driver.unknown_outcome import InDoubtError, may_have_run

# SQLite's defaults, for the two limits that Django asks for: https://www.sqlite.org/limits.html
LIMITS = {sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 32766, sqlite3.SQLITE_LIMIT_COLUMN: 2000}

logger = logging.getLogger("agent_sessions.turso")


class Connection:
    """A connection to one database. Opening one costs nothing: all share the HTTP connections."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._closed = False
        self._transaction: Transaction | None = None
        self._stream = Stream(transport_to(address))
        self._waiting: list[Statement] = []  # in a pipeline outside a transaction
        self._newest: Sequence[Statement] = ()
        self._pipelines = 0
        self._isolation_level: str | None = None
        self._limits = dict(LIMITS)
        self._foreign_keys = True

    def __repr__(self) -> str:
        return f"<Connection ({self._status}) to {self._address.url}>"

    @property
    def _status(self) -> str:
        if self._closed:
            return "closed"
        return f"{self._transaction.status.value} transaction" if self._transaction else "idle"

    @property
    def in_transaction(self) -> bool:
        """True from BEGIN to the transaction's end, even if BEGIN has not been sent yet."""
        return self._transaction is not None

    @property
    def is_usable(self) -> bool:
        """False if it is closed, or if its transaction only waits for a rollback."""
        if self._closed:
            return False
        return not self._transaction or self._transaction.status is TransactionStatus.ACTIVE

    @property
    def isolation_level(self) -> str | None:
        """As in sqlite3: None is autocommit; with any other value a change opens a transaction."""
        return self._isolation_level

    @isolation_level.setter
    def isolation_level(self, level: str | None) -> None:
        if level is None and self.in_transaction:
            self.commit()  # as sqlite3 does
        self._isolation_level = level

    def getlimit(self, category: int) -> int:
        """Return a limit of SQLite's, as sqlite3 does. Django sizes its batches by it."""
        return self._limits[category]

    def setlimit(self, category: int, limit: int) -> int:
        """Lower a limit and return its old value, as sqlite3 does."""
        before, self._limits[category] = self._limits[category], min(limit, LIMITS[category])
        return before

    def cursor(self) -> Cursor:
        """Return a new cursor."""
        return Cursor(self)

    def submit(self, statements: Sequence[Statement]) -> None:
        """Execute statements: at once or, in a pipeline, when results are asked for."""
        if self._closed:
            raise ProgrammingError("Cannot operate on a closed database.")
        if any(statement.word in ("SAVEPOINT", "RELEASE") for statement in statements):
            # A nested block begins or ends here. Errors of the statements before must surface
            # first, else the wrong block's rollback would seem to undo them.
            self._newest = ()
            self.synchronise()
        self._newest = statements
        for statement in statements:
            self._accept(statement)
        if not self._pipelines:
            self.synchronise()

    def begin(self, sql: str = "") -> None:
        """Open a transaction. BEGIN is sent with its first statement."""
        if self.in_transaction:
            raise OperationalError("cannot start a transaction within a transaction")
        self.synchronise()
        self._open(sql or f"BEGIN {self._address.transaction_mode}")

    def commit(self) -> None:
        """Commit, together with the statements that wait; outside a transaction only send those.

        Raises InDoubtError if the answer was lost: look whether the transaction is stored before
        you repeat it.
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
        """Roll back, and drop the statements that wait."""
        if self._transaction is not None:
            self._transaction.rollback()
            self._transaction = None
        self._drop_waiting(OperationalError("it was rolled back."))

    def close(self) -> None:
        """Close, and roll back an open transaction."""
        if not self._closed:
            self.rollback()
        self._closed = True

    @contextmanager
    def pipeline(self) -> Iterator[None]:
        """Let statements wait until a result is asked for, or the transaction or the block ends.

        Outside a transaction, statements that are sent together are one, and an error in the block
        drops those that wait. In a transaction, they are committed or rolled back with it.
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
        """Send the statements that wait."""
        if self._transaction is not None:
            self._transaction.synchronise(self._newest)
        elif len(self._waiting) == 1:
            self._send_alone(self._waiting.pop())
        elif self._waiting:
            # All or nothing. Reads do not need the lock for which writers queue.
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

    def _accept(self, statement: Statement) -> None:
        """Carry out a statement about the connection itself; let any other one wait."""
        if not statement.is_rollback:
            if self._transaction is not None:
                self._transaction.unwind(statement)
            self._begin_if_implied(statement)
        if self._carry_out(statement):
            statement.succeed({})
            return
        if statement.is_control and not self.in_transaction:
            raise OperationalError(f"{statement.sql} is outside a transaction.")
        self._put(statement)

    def _carry_out(self, statement: Statement) -> bool:
        """Begin, commit, roll back or switch foreign keys; return False for other statements."""
        match statement.word:
            case "BEGIN":
                self.begin("" if statement.sql.upper() == "BEGIN" else statement.sql)
            case "COMMIT" | "END":
                self.commit()
            case "ROLLBACK" if statement.is_rollback:
                self.rollback()
            case "PRAGMA" if statement.foreign_keys is not None and not self.in_transaction:
                # The server keeps it for one stream, so it is repeated with each. In a transaction
                # it does nothing: https://www.sqlite.org/pragma.html#pragma_foreign_keys
                self.synchronise()
                self._foreign_keys = statement.foreign_keys
            case _:
                return False
        return True

    def _begin_if_implied(self, statement: Statement) -> None:
        opens = statement.is_change or statement.word == "SAVEPOINT"
        if opens and self.isolation_level is not None and not self.in_transaction:
            self.begin()

    def _send_alone(self, statement: Statement) -> None:
        """Execute a statement outside a transaction."""
        try:
            self._stream.while_busy(
                lambda: self._exchange(statement), self._address.timeout_seconds
            )
        except DatabaseError as error:
            statement.error = error
            # Rows that are too large for an answer belong to a statement that was executed.
            if statement.is_read or not (may_have_run(error) or is_too_large(error)):
                raise
            logger.warning("%r: a write is in doubt (%s)", self, loggable(error))
            raise InDoubtError(error, "the statement was executed") from error

    def _exchange(self, statement: Statement) -> DatabaseError | None:
        """Send a statement and take its result; return the error if the database is busy."""
        requests = [hrana.execute(statement.wire), hrana.CLOSE]
        if not self._foreign_keys:
            requests.insert(0, hrana.execute(_foreign_keys_off().wire))
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


def _foreign_keys_off() -> Statement:
    return Statement("PRAGMA foreign_keys = OFF")
