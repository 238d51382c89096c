"""Indexes that are built while the project goes on writing."""

from __future__ import annotations

from typing import Any

from django.db import migrations


class AddIndexConcurrently(migrations.AddIndex):
    """Add an index; on PostgreSQL without a lock that writers wait for.

    The migration has to be one with `atomic = False`. Django's own operation of this name needs
    psycopg wherever it is imported, and PostgreSQL wherever it is run.
    """

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        elif self.allow_migrate_model(
            schema_editor.connection.alias,
            model := to_state.apps.get_model(app_label, self.model_name),
        ):
            schema_editor.add_index(model, self.index, concurrently=True)
