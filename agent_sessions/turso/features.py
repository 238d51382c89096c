"""The features of a libSQL server that differ from Django's SQLite backend."""

from __future__ import annotations

import sqlite3
from functools import cached_property

import django
from django.db.backends.sqlite3 import base  # noqa: F401  # before features, which imports it back
from django.db.backends.sqlite3.features import DatabaseFeatures as SQLiteFeatures

_TEXT = "db_functions.text"
_EXTRACT = "db_functions.datetime.test_extract_trunc"
_SIGNATURE = "backends.sqlite.test_creation.TestDbSignatureTests"
FILES_SINCE_6_1 = (
    {f"{_SIGNATURE}.test_setup_worker_connection_respects_test_database_name"}
    if django.VERSION >= (6, 1)
    else set()
)
UNSUPPORTED = {
    "A libSQL server has no MD5 and no SHA.": {
        f"{_TEXT}.test_{name.lower()}.{name}Tests.{test}"
        for name in ("MD5", "SHA1", "SHA224", "SHA256", "SHA384", "SHA512")
        for test in ("test_basic", "test_transform")
    },
    # Their syntax is listed in libsql-sqlite3/ext/misc/regexp.c of
    # https://github.com/tursodatabase/libsql
    "The server's regular expressions have no references to groups.": {
        "lookup.tests.LookupTests.test_regex_backreferencing",
    },
    "The test looks for the name of a Python function in the SQL.": {
        f"{_EXTRACT}.{case}.test_extract_year_{lookup}_lookup"
        for case in ("DateFunctionTests", "DateFunctionWithTimeZoneTests")
        for lookup in ("exact", "greaterthan", "lessthan")
    },
    "The test is about database files or the local SQLite's version.": {
        f"{_SIGNATURE}.test_get_test_db_clone_settings_name",
        "backends.sqlite.tests.Tests.test_check_database_version_supported",
        *FILES_SINCE_6_1,
    },
    # https://www.sqlite.org/quirks.html#double_quoted_string_literals_are_accepted
    "The test needs SQLite to read the quoted name of a missing column as text.": {
        "schema.tests.SchemaTests.test_autofield_to_o2o",
    },
    # Django's SQLite backend skips it: its test database in memory allows one connection.
    "The test needs two connections to write at once.": {
        "delete_regress.tests.DeleteLockingTest.test_concurrent_delete",
    },
}


class DatabaseFeatures(SQLiteFeatures):
    # Django derives these from the sqlite3 module of the running Python. The server has another
    # SQLite.
    can_alter_table_drop_column = True
    can_return_columns_from_insert = True
    can_return_rows_from_bulk_insert = True
    can_introspect_json_field = True
    has_json_object_function = True

    # The grammar of sqld's own parser has no ORDER BY within an aggregate, which SQLite 3.44 added:
    # vendored/sqlite3-parser/src/parser/parse.y of https://github.com/tursodatabase/libsql.
    # This can go when it has.
    supports_aggregate_order_by_clause = False

    # In SQL, whatever the version of Python.
    supports_uuid7_function = True

    # Each thread has its own connection to the same test database.
    test_db_allows_multiple_connections = True

    @property
    def max_query_params(self) -> int:  # type: ignore[override]  # Django 5.2 has a constant
        self.connection.ensure_connection()
        return int(self.connection.connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER))

    @cached_property
    def django_test_skips(self) -> dict[str, set[str]]:  # type: ignore[override]  # the stubs say otherwise
        return {**super().django_test_skips, **UNSUPPORTED}
