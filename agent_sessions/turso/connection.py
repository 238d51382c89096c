"""A connection as PEP 249 has it: which statements travel together, and what a transaction is.

Outside a transaction a statement and the end of its stream are one request. In a transaction BEGIN
and savepoints wait for the first statement that has a result and travel with it, and the stream
ends with COMMIT or ROLLBACK. Every statement of a transaction is sent on the condition that there
still is one: the server takes it away from a writer that keeps others waiting for 5 seconds, and
what came after would otherwise be executed outside of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

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


class UnknownOutcomeError(OperationalError):
    """The server may have done what it was asked for, or not: the answer was lost on the way."""


class Connection:
    """A connection to one database. It is cheap: connections of HTTP are shared by all of them."""

    def __init__(self, address: Address) -> None:
        self.isolation_level: str | None = None  # sqlite3's name: None is autocommit
        self.in_transaction = False
        self._address = address
        self._stream = Stream(transport_to(address))
        self._waiting: list[Statement] = []
        self._pipelines = 0
        self._foreign_keys = True
        self._lost: DatabaseError | None = None
        self._closed = False

    @property
    def is_usable(self) -> bool:
        """A lost transaction waits for its rollback; apart from that nothing can go stale."""
        return not self._closed and self._lost is None

    def cursor(self) -> Cursor:
        """Return a new cursor."""
        return Cursor(self)

    def submit(self, statements: Sequence[Statement]) -> None:
        """Take statements to execute, at once or, in a pipeline, when results are asked for."""
        self._check_open()
        for statement in statements:
            if not self._obey(statement):
                self._begin_if_implied(statement)
                self._waiting.append(statement)
        if not self._pipelines:
            self.synchronise()

    def begin(self, sql: str = "") -> None:
        """Open a transaction; nothing is sent before its first statement."""
        if self.in_transaction:
            raise OperationalError("cannot start a transaction within a transaction")
        self.synchronise()
        self.in_transaction = True
        self._waiting = [Statement(sql or f"BEGIN {self._address.transaction_mode}")]

    def commit(self) -> None:
        """Commit, together with what still waits; without a transaction do nothing.

        Raises UnknownOutcomeError if the answer was lost: whether the transaction is stored must then
        be looked up before anything is repeated.
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
        if self._stream.is_open:
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

        Outside a transaction, statements that travel together are one. After an error in the
        block, those that still wait are never sent.
        """
        self._pipelines += 1
        try:
            yield
            if self._pipelines == 1:
                self.synchronise()
        except BaseException:
            self._waiting = [waiting for waiting in self._waiting if waiting.is_control]
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
            # What travels together succeeds or fails together.
            self._waiting.insert(0, Statement(f"BEGIN {self._address.transaction_mode}"))
            self.in_transaction = True
            self._commit()

    @property
    def _is_anything_asked(self) -> bool:
        return any(not statement.is_control for statement in self._waiting)

    def _check_open(self) -> None:
        if self._closed:
            raise ProgrammingError("Cannot operate on a closed database.")
        self._check_transaction()

    def _check_transaction(self) -> None:
        if self._lost is not None:
            raise OperationalError(f"The transaction was lost: {self._lost}") from self._lost

    def _obey(self, statement: Statement) -> bool:
        """Carry out what concerns the connection itself, and say whether that was all of it."""
        word = statement.word
        if word == "BEGIN":
            self.begin(statement.sql)
        elif word in ("COMMIT", "END"):
            self.commit()
        elif word == "ROLLBACK" and not statement.is_partial_rollback:
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
        if self.isolation_level is not None and statement.is_change and not self.in_transaction:
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
            if not is_too_large(error) or not statement.is_read:
                raise error
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
        except Failure as error:
            if was_open or _may_have_run(error):
                self._lose(error)
            raise
        finally:
            self._drop_unanswered()

    def _commit(self) -> None:
        try:
            while_busy(lambda: self._exchange(commit=True), self._address.timeout_seconds)
        except Failure as error:
            if not _may_have_run(error):
                raise OperationalError(f"{error} The transaction is not committed.") from error
            raise UnknownOutcomeError(
                f"{error} Whether the transaction was committed is not known: look before you "
                "repeat it."
            ) from error
        finally:
            self._drop_unanswered()
            self._end_transaction()

    def _exchange(self, *, commit: bool = False) -> DatabaseError | None:
        """Send what waits, and take the answers; return the error of a writer in BEGIN's way.

        Each step depends on the one before, and on the transaction being there.
        """
        opening = [] if self._stream.is_open or self._foreign_keys else [_foreign_keys_off()]
        statements = [*opening, *self._waiting, *([Statement("COMMIT")] if commit else [])]
        steps: list[Json] = []
        for number, statement in enumerate(statements):
            conditions = [hrana.succeeded(number - 1)] if number else []
            if not (statement.word == "BEGIN" or statement in opening):
                conditions.append(IN_TRANSACTION)
            steps.append(hrana.step(statement.wire, *conditions))
        requests = [hrana.batch(steps)]
        if commit:
            # A COMMIT that fails, because of a deferred constraint, leaves the transaction open.
            steps.append(hrana.step(Statement("ROLLBACK").wire, IN_TRANSACTION))
            requests = [hrana.batch(steps), hrana.CLOSE]
        answer, *_ = self._stream.ask(requests)
        if answer["type"] != "ok":
            raise error_of(answer["error"])  # one could not be parsed, so that none was executed
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
        if is_too_large(error) and statement.is_read and len(self._waiting) == 1:
            result = self._stream.read_rows(hrana.step(statement.wire, IN_TRANSACTION))
            if not result:
                raise self._lose(OperationalError(LOST))
            statement.succeed(result)
            self._waiting = []
            return None
        statement.error = error
        if statement.is_control and statement.word != "BEGIN":
            self._lose(error)
        raise error

    def _drop_unanswered(self) -> None:
        """Drop statements that were not executed, but for what marks and unwinds a transaction."""
        for statement in self._waiting:
            if statement.result is None and statement.error is None and not statement.is_control:
                statement.error = OperationalError(
                    "The statement was not executed, because of the error before it."
                )
        self._waiting = [waiting for waiting in self._waiting if waiting.is_control]

    def _lose(self, error: DatabaseError) -> DatabaseError:
        """Note that the transaction cannot go on; until its rollback every statement says so."""
        self._lost = error
        if isinstance(error, TimedOutError):
            self._stream.forget()  # it would not answer a rollback either
        elif self._stream.is_open:
            self._abandon()
        return error

    def _abandon(self) -> None:
        """Ask the server to roll back and close; if it cannot be asked it does so by itself."""
        steps = [hrana.step(Statement("ROLLBACK").wire, IN_TRANSACTION)]
        with suppress(DatabaseError):
            self._stream.ask([hrana.batch(steps), hrana.CLOSE], repeatable=True)
        self._stream.forget()

    def _end_transaction(self) -> None:
        self._stream.forget()
        self._waiting = []
        self._lost = None
        self.in_transaction = False


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
