"""A cursor as PEP 249 has it, with Django's placeholders, for the results of one statement."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django.db.backends.sqlite3.base import SQLiteCursorWrapper

from agent_sessions.turso.driver.errors import ProgrammingError
from agent_sessions.turso.driver.statements import Parameters, Result, Statement

if TYPE_CHECKING:
    from agent_sessions.turso.driver.connection import Connection

Row = tuple[Any, ...]


class Cursor:
    """A statement and, as soon as anybody looks at them, its results."""

    arraysize = 1
    # From %s, which Django writes, to ?, which SQL knows. It looks at nothing of its object.
    convert_query: Callable[..., str] = SQLiteCursorWrapper.convert_query

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._statements: list[Statement] = []
        self._fetched = 0
        self._closed = False

    def execute(self, sql: str, parameters: Parameters | None = None) -> Cursor:
        """Execute a statement; in a pipeline not before its results are asked for."""
        return self._submit([self._statement(sql, parameters)])

    def executemany(self, sql: str, rows: Iterable[Parameters]) -> Cursor:
        """Execute a statement for each row of parameters, all in one request and all or none."""
        return self._submit([self._statement(sql, row) for row in rows])

    def fetchone(self) -> Row | None:
        """Return the next row, or None after the last."""
        return next(iter(self.fetchmany(1)), None)

    def fetchmany(self, size: int | None = None) -> list[Row]:
        """Return the next `size` rows, fewer at the end."""
        return self._rows(self._fetched + (self.arraysize if size is None else size))

    def fetchall(self) -> list[Row]:
        """Return all rows that are left."""
        return self._rows(None)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.fetchone, None)

    @property
    def description(self) -> tuple[tuple[str, None, None, None, None, None, None], ...] | None:
        """One tuple for each column, which holds its name; None if the statement has no rows."""
        names = self._result().names
        return tuple((name, None, None, None, None, None, None) for name in names) or None

    @property
    def rowcount(self) -> int:
        """How many rows were changed; -1 if the statement does not change rows."""
        if not self._statements:
            return -1
        self._result()
        counts = [statement.result.affected for statement in self._statements if statement.result]
        return -1 if -1 in counts else sum(counts)

    @property
    def lastrowid(self) -> int | None:
        """The id of the row that the last INSERT made."""
        return self._result().last_row_id

    def close(self) -> None:
        """Forget the results."""
        self._statements = []
        self._closed = True

    def _statement(self, sql: str, parameters: Parameters | None) -> Statement:
        if parameters is None:
            return Statement(sql)
        if not isinstance(parameters, Mapping):
            return Statement(self.convert_query(sql), parameters)
        # The server refuses what no placeholder names; sqlite3 leaves it out.
        named = {name: value for name, value in parameters.items() if f"%({name})" in sql}
        return Statement(self.convert_query(sql, param_names=named), named)

    def _submit(self, statements: list[Statement]) -> Cursor:
        if self._closed:
            raise ProgrammingError("Cannot operate on a closed cursor.")
        self._statements, self._fetched = statements, 0
        self.connection.submit(statements)
        return self

    def _result(self) -> Result:
        """Return the last statement's result, sending it first if it still waits."""
        if not self._statements:
            return Result()
        statement = self._statements[-1]
        if statement.result is None and statement.error is None:
            self.connection.synchronise()
        if statement.error is not None:
            raise statement.error
        return statement.result or Result()

    def _rows(self, end: int | None) -> list[Row]:
        if self._closed:
            raise ProgrammingError("Cannot operate on a closed cursor.")
        result = self._result()
        rows = result.rows[self._fetched : end]
        self._fetched += len(rows)
        return [
            tuple(decode(value) for decode, value in zip(result.columns, row, strict=True))
            for row in rows
        ]
