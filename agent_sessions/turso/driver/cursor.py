"""A PEP 249 cursor with Django's placeholders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from django.db.backends.sqlite3.base import SQLiteCursorWrapper

from agent_sessions.turso.driver.errors import ProgrammingError
from agent_sessions.turso.driver.statements import Parameters, Result, Statement

ResultRow = tuple[Any, ...]


class Executor(Protocol):
    """The methods of a connection that a cursor calls."""

    def submit(self, statements: list[Statement]) -> None: ...

    def synchronise(self) -> None: ...


class Cursor:
    """The statements of the last call and, once they are asked for, the results of the last one."""

    arraysize = 1
    # Turns the %s that Django writes into SQLite's ?. It does not use `self`.
    convert_query: Callable[..., str] = SQLiteCursorWrapper.convert_query

    def __init__(self, connection: Executor) -> None:
        self.connection = connection
        self._statements: list[Statement] = []
        self._fetched = 0
        self._closed = False

    def __repr__(self) -> str:
        status = repr(self._statements[-1]) if self._statements else "unused"
        return f"<Cursor ({'closed' if self._closed else status}) of {self.connection!r}>"

    def execute(self, sql: str, parameters: Parameters | None = None) -> Cursor:
        """Execute a statement; in a pipeline, once its results are asked for."""
        return self._submit([self._statement(sql, parameters)])

    def executemany(self, sql: str, rows: Iterable[Parameters]) -> Cursor:
        """Execute a statement for each row of parameters, all or none, in one request."""
        return self._submit([self._statement(sql, row) for row in rows])

    def fetchone(self) -> ResultRow | None:
        """Return the next row, or None after the last."""
        return next(iter(self.fetchmany(1)), None)

    def fetchmany(self, size: int | None = None) -> list[ResultRow]:
        """Return the next `size` rows, fewer at the end."""
        return self._rows(self._fetched + (self.arraysize if size is None else size))

    def fetchall(self) -> list[ResultRow]:
        """Return all remaining rows."""
        return self._rows(None)

    def __iter__(self) -> Iterator[ResultRow]:
        return iter(self.fetchone, None)

    @property
    def description(self) -> tuple[tuple[str, None, None, None, None, None, None], ...] | None:
        """A tuple for each column that starts with its name; None if the statement has no rows."""
        names = self._result().names
        return tuple((name, None, None, None, None, None, None) for name in names) or None

    @property
    def rowcount(self) -> int:
        """The number of changed rows; -1 if the statement does not change rows."""
        if not self._statements:
            return -1
        self._result()
        counts = [statement.result.affected for statement in self._statements if statement.result]
        return -1 if -1 in counts else sum(counts)

    @property
    def lastrowid(self) -> int | None:
        """The id of the row that the last INSERT created."""
        return self._result().last_row_id

    def close(self) -> None:
        """Discard the results."""
        self._statements = []
        self._closed = True

    def _statement(self, sql: str, parameters: Parameters | None) -> Statement:
        if parameters is None:
            return Statement(sql)
        if not isinstance(parameters, Mapping):
            return Statement(self.convert_query(sql), parameters)
        # The server rejects parameters without a placeholder; sqlite3 ignores them.
        named = {name: value for name, value in parameters.items() if f"%({name})" in sql}
        return Statement(self.convert_query(sql, param_names=named), named)

    def _submit(self, statements: list[Statement]) -> Cursor:
        if self._closed:
            raise ProgrammingError("Cannot operate on a closed cursor.")
        self._statements, self._fetched = statements, 0
        self.connection.submit(statements)
        return self

    def _result(self) -> Result:
        """Return the last statement's result, sending the statement first if it waits."""
        if not self._statements:
            return Result()
        statement = self._statements[-1]
        if statement.result is None and statement.error is None:
            self.connection.synchronise()
        if statement.error is not None:
            raise statement.error
        return statement.result or Result()

    def _rows(self, end: int | None) -> list[ResultRow]:
        if self._closed:
            raise ProgrammingError("Cannot operate on a closed cursor.")
        result = self._result()
        rows = result.rows[self._fetched : end]
        self._fetched += len(rows)
        return [
            tuple(decode(value) for decode, value in zip(result.decoders, row, strict=True))
            for row in rows
        ]
