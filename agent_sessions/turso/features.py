"""What a libSQL server can do, where it differs from Django's SQLite backend."""

from __future__ import annotations

import sqlite3
from functools import cached_property

import django
from django.db.backends.sqlite3 import base  # noqa: F401  # before its sister modules
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
    "The server's regular expressions know no references to groups.": {
        "lookup.tests.LookupTests.test_regex_backreferencing",
    },
    "The test looks for the name of a Python function in the SQL.": {
        f"{_EXTRACT}.{case}.test_extract_year_{lookup}_lookup"
        for case in ("DateFunctionTests", "DateFunctionWithTimeZoneTests")
        for lookup in ("exact", "greaterthan", "lessthan")
    },
    "The test is about files, or the version of SQLite under that name.": {
        f"{_SIGNATURE}.test_get_test_db_clone_settings_name",
        "backends.sqlite.tests.Tests.test_check_database_version_supported",
        *FILES_SINCE_6_1,
    },
    "The test counts on SQLite taking the quoted name of a missing column for text.": {
        "schema.tests.SchemaTests.test_autofield_to_o2o",
    },
    # Not in the way of Django's SQLite backend, whose test database knows one connection alone.
    "A transaction that writes keeps others from writing, and the test wants two at once.": {
        "delete_regress.tests.DeleteLockingTest.test_concurrent_delete",
    },
}


class DatabaseFeatures(SQLiteFeatures):
    # Django looks at the sqlite3 module of the Python that runs; the server is another SQLite.
    can_alter_table_drop_column = True
    can_return_columns_from_insert = True
    can_return_rows_from_bulk_insert = True
    can_introspect_json_field = True
    has_json_object_function = True

    # The server's parser does not know ORDER BY within an aggregate.
    supports_aggregate_order_by_clause = False

    # The server makes them, whatever Python runs.
    supports_uuid7_function = True

    # Every thread has a connection of its own to the same test database.
    test_db_allows_multiple_connections = True

    @property
    def max_query_params(self) -> int:  # type: ignore[override]  # Django 5.2 has one for all
        self.connection.ensure_connection()
        return int(self.connection.connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER))

    @cached_property
    def django_test_skips(self) -> dict[str, set[str]]:  # type: ignore[override]  # no such type in the stubs
        return {**super().django_test_skips, **UNSUPPORTED}
