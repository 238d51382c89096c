"""SQL for a libSQL server where it differs from Django's SQL for SQLite."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cached_property, lru_cache
from typing import Any

from django.conf import settings
from django.db.backends.sqlite3 import base  # noqa: F401  # before operations, which imports it back
from django.db.backends.sqlite3.operations import DatabaseOperations as SQLiteOperations

from agent_sessions.turso.sql import datetimes, durations, zones
from agent_sessions.turso.sql.formula import Fragment

# Django's query (https://github.com/django/django/pull/10792) searches the SQL of the tables with
# REGEXP in Python's syntax, which the server does not understand.
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
    compiler_module = "agent_sessions.turso.sql.compiler"

    def force_group_by(self) -> list[str]:
        # The grammar of sqld's own parser has no HAVING without GROUP BY, which SQLite 3.39 added:
        # having_opt in vendored/sqlite3-parser/src/parser/parse.y of
        # https://github.com/tursodatabase/libsql. This can go when it has.
        return ["GROUP BY TRUE"]

    @cached_property
    def _references_graph(self) -> Any:
        return lru_cache(maxsize=512)(self._referencing_tables)

    def _referencing_tables(self, table: str) -> list[str]:
        with self.connection.cursor() as cursor:
            cursor.execute(REFERENCES, [table])
            return [name for (name,) in cursor.fetchall()]

    def _quote_params_for_last_executed_query(self, params: Any) -> tuple[Any, ...]:
        # For the log of DEBUG. The local SQLite quotes them: asking the server costs a request.
        with closing(sqlite3.connect(":memory:")) as quoting:
            return tuple(
                quoting.execute("SELECT QUOTE(?)", (param,)).fetchone()[0] for param in params
            )

    # From here on, SQL instead of the Python functions that Django's SQLite backend registers.

    def date_extract_sql(self, lookup_type: str, sql: str, params: Any) -> Fragment:
        return datetimes.extract(lookup_type.lower(), (sql, params))

    def datetime_extract_sql(
        self, lookup_type: str, sql: str, params: Any, tzname: str | None
    ) -> Fragment:
        return datetimes.extract(lookup_type.lower(), (sql, params), self._shift(tzname))

    def time_extract_sql(  # type: ignore[override]  # the stubs say str
        self, lookup_type: str, sql: str, params: Any
    ) -> Fragment:
        return datetimes.extract_from_time(lookup_type.lower(), (sql, params))

    def date_trunc_sql(
        self, lookup_type: str, sql: str, params: Any, tzname: str | None = None
    ) -> Fragment:
        return datetimes.truncate_to_date(lookup_type.lower(), (sql, params), self._shift(tzname))

    def datetime_trunc_sql(  # type: ignore[override]  # the stubs say str
        self, lookup_type: str, sql: str, params: Any, tzname: str | None
    ) -> Fragment:
        return datetimes.truncate(lookup_type.lower(), (sql, params), self._shift(tzname))

    def time_trunc_sql(  # type: ignore[override]  # the stubs say str
        self, lookup_type: str, sql: str, params: Any, tzname: str | None = None
    ) -> Fragment:
        return datetimes.truncate_to_time(lookup_type.lower(), (sql, params), self._shift(tzname))

    def datetime_cast_date_sql(self, sql: str, params: Any, tzname: str | None) -> Fragment:
        return datetimes.date_of((sql, params), self._shift(tzname))

    def datetime_cast_time_sql(self, sql: str, params: Any, tzname: str | None) -> Fragment:
        return datetimes.time_of((sql, params), self._shift(tzname))

    def subtract_temporals(self, internal_type: str, lhs: Any, rhs: Any) -> Fragment:
        return durations.difference(internal_type, lhs, rhs)

    def combine_duration_expression(self, connector: str, sub_expressions: list[str]) -> str:
        # functions.py writes + and -, which need to know the kind of the other operand.
        if connector == "*":
            return "({}*{})".format(*sub_expressions)
        if connector == "/":
            return "({}*1.0/{})".format(*sub_expressions)
        return super().combine_duration_expression(connector, sub_expressions)

    def _shift(self, tzname: str | None) -> str | None:
        if not (tzname and settings.USE_TZ):
            return None
        return zones.shift(tzname, self.connection.timezone_name)
