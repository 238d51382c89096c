"""What is asked of a libSQL server in other words than of SQLite."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cached_property, lru_cache
from typing import Any

from django.db.backends.sqlite3 import base  # noqa: F401  # before its sister modules
from django.db.backends.sqlite3.operations import DatabaseOperations as SQLiteOperations

# Django's own query finds references with a regular expression in the dialect of Python.
REFERENCES = """
WITH RECURSIVE tables(name) AS (
    SELECT %s
    UNION
    SELECT child.name
    FROM sqlite_master AS child
    JOIN pragma_foreign_key_list(child.name) AS reference
    JOIN tables ON reference."table" = tables.name COLLATE NOCASE
    WHERE child.type = 'table'
) SELECT name FROM tables
"""


class DatabaseOperations(SQLiteOperations):
    def force_group_by(self) -> list[str]:
        # The server's parser refuses HAVING without GROUP BY.
        return ["GROUP BY TRUE"]

    @cached_property
    def _references_graph(self) -> Any:
        return lru_cache(maxsize=512)(self._referencing_tables)

    def _referencing_tables(self, table: str) -> list[str]:
        with self.connection.cursor() as cursor:
            cursor.execute(REFERENCES, [table])
            return [name for (name,) in cursor.fetchall()]

    def _quote_params_for_last_executed_query(self, params: Any) -> tuple[Any, ...]:
        # For the log of DEBUG: quoted by the SQLite in this process, not in a round trip.
        with closing(sqlite3.connect(":memory:")) as quoting:
            return tuple(
                quoting.execute("SELECT QUOTE(?)", (param,)).fetchone()[0] for param in params
            )
