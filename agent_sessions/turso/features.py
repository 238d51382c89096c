"""What a libSQL server can do, where it differs from Django's SQLite backend."""

from __future__ import annotations

from django.db.backends.sqlite3 import base  # noqa: F401  # before its sister modules
from django.db.backends.sqlite3.features import DatabaseFeatures as SQLiteFeatures


class DatabaseFeatures(SQLiteFeatures):
    # Django looks at the sqlite3 module of the Python that runs; the server is another SQLite.
    can_alter_table_drop_column = True
    can_return_columns_from_insert = True
    can_return_rows_from_bulk_insert = True
    supports_json_field = True
    can_introspect_json_field = True
    has_json_object_function = True
    max_query_params = 32766

    # The server's parser does not know ORDER BY within an aggregate.
    supports_aggregate_order_by_clause = False

    # Every thread has a connection of its own to the same test database.
    test_db_allows_multiple_connections = True
