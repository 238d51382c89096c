"""The savepoints of a transaction, followed here because their statements wait to be sent.

A name that nobody has set is refused where it is used, as SQLite does, and not with a later
statement, which would lose its transaction for it.
"""

from __future__ import annotations

import re

from agent_sessions.turso.driver.errors import OperationalError
from agent_sessions.turso.driver.statements import Statement

_NAME = re.compile(
    r"\b(?:SAVEPOINT|RELEASE|TO)\s+(?!SAVEPOINT\b)(?:\"([^\"]+)\"|([^\s;]+))", re.IGNORECASE
)


def name_of(statement: Statement) -> str | None:
    """Return the savepoint that a statement names."""
    found = _NAME.search(statement.sql)
    return (found[1] or found[2]).lower() if found else None


class Savepoints:
    """The names in the order in which they were set."""

    def __init__(self) -> None:
        self._names: list[str] = []

    def follow(self, statement: Statement) -> None:
        """Note what a statement does to savepoints. Raises OperationalError for an unknown one."""
        is_release, is_rollback = statement.word == "RELEASE", statement.is_partial_rollback
        if not (statement.word == "SAVEPOINT" or is_release or is_rollback):
            return
        name = name_of(statement)
        if name is None:
            return  # the server knows better what is wrong with it
        if statement.word == "SAVEPOINT":
            self._names.append(name)
            return
        if name not in self._names:
            raise OperationalError(f"no such savepoint: {name}")
        last = len(self._names) - 1 - self._names[::-1].index(name)
        del self._names[last + is_rollback :]
