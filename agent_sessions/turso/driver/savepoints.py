"""Follow a transaction's savepoints, because their statements wait before they are sent.

An unknown name raises where it is used, as on SQLite. Otherwise the error would surface with a
later statement, and the transaction would be lost.
"""

from __future__ import annotations

import re

from agent_sessions.turso.driver.errors import OperationalError
from agent_sessions.turso.driver.statements import Statement

_NAME = re.compile(
    r"\b(?:SAVEPOINT|RELEASE|TO)\s+(?!SAVEPOINT\b)(?:\"([^\"]+)\"|([^\s;]+))", re.IGNORECASE
)


def name_of(statement: Statement) -> str | None:
    """Return the name of the savepoint in a SAVEPOINT, RELEASE or ROLLBACK TO."""
    found = _NAME.search(statement.sql)
    return (found[1] or found[2]).lower() if found else None


class Savepoints:
    """The names of the open savepoints, from the outermost to the innermost.

    SAVEPOINT a, SAVEPOINT b, RELEASE b      a
    SAVEPOINT a, SAVEPOINT b, ROLLBACK TO a  a
    SAVEPOINT a, SAVEPOINT b, RELEASE a      none
    """

    def __init__(self) -> None:
        self._names: list[str] = []

    def __repr__(self) -> str:
        return f"<Savepoints {self._names}>"

    def follow(self, statement: Statement) -> None:
        """Apply a statement to the savepoints. Raises OperationalError for an unknown name."""
        is_release, is_rollback = statement.word == "RELEASE", statement.is_partial_rollback
        if not (statement.word == "SAVEPOINT" or is_release or is_rollback):
            return
        name = name_of(statement)
        if name is None:
            return  # not valid SQL: the server's error says why
        if statement.word == "SAVEPOINT":
            self._names.append(name)
            return
        if name not in self._names:
            raise OperationalError(f"no such savepoint: {name}")
        last = len(self._names) - 1 - self._names[::-1].index(name)
        del self._names[last + is_rollback :]
