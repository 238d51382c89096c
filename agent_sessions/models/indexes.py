"""Indexes that are added to tables in use, without holding up who writes to them."""

from __future__ import annotations

from typing import Any

from django.db.migrations import AddIndex


class AddIndexToTableInUse(AddIndex):
    """Add an index: on PostgreSQL concurrently, on other databases as AddIndex does.

    It belongs into a migration with `atomic = False`, because PostgreSQL builds no index
    concurrently inside a transaction. Such a migration may end halfway, and the index of
    PostgreSQL is then there and invalid. So what exists under the name is replaced, and `migrate`
    can be repeated. (django.contrib.postgres.operations needs psycopg on every database.)
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
        if self.allow_migrate_model(schema_editor.connection.alias, model) and _is_there(
            schema_editor, model, self.index.name
        ):
            schema_editor.remove_index(model, self.index, **_options(schema_editor))


def _options(schema_editor: Any) -> dict[str, bool]:
    is_postgres = schema_editor.connection.vendor == "postgresql"
    return {"concurrently": True} if is_postgres else {}


def _is_there(schema_editor: Any, model: Any, name: str) -> bool:
    """Tell whether a table has an index of this name, valid or not."""
    if schema_editor.collect_sql:  # sqlmigrate shows what a database without it is sent
        return False
    connection, table = schema_editor.connection, model._meta.db_table
    with connection.cursor() as cursor:
        return name in connection.introspection.get_constraints(cursor, table)
