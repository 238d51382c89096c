"""Indexes that migrations add to tables in use, without blocking writes."""

from __future__ import annotations

from typing import Any

from django.db.migrations import AddIndex


class AddIndexToTableInUse(AddIndex):
    """Add an index: on PostgreSQL concurrently, on other databases as AddIndex does.

    Use it in a migration with `atomic = False`, because PostgreSQL cannot build an index
    concurrently inside a transaction. Such a migration may end halfway and leave an invalid index,
    so an index of this name is replaced, and `migrate` can be repeated. See
    https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY

    AddIndexConcurrently of django.contrib.postgres needs psycopg, whatever the database.
    """

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        self.database_backwards(app_label, schema_editor, to_state, from_state)
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            schema_editor.add_index(model, self.index, **_options(schema_editor))

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model) and _exists(
            schema_editor, model, self.index.name
        ):
            schema_editor.remove_index(model, self.index, **_options(schema_editor))


def _options(schema_editor: Any) -> dict[str, bool]:
    is_postgres = schema_editor.connection.vendor == "postgresql"
    return {"concurrently": True} if is_postgres else {}


def _exists(schema_editor: Any, model: Any, name: str) -> bool:
    """Tell whether a table has an index of this name, valid or not."""
    if schema_editor.collect_sql:  # sqlmigrate shows the statements for a new database
        return False
    connection, table = schema_editor.connection, model._meta.db_table
    with connection.cursor() as cursor:
        return name in connection.introspection.get_constraints(cursor, table)
