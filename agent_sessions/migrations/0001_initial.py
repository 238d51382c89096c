"""The tables of the SDK's own sessions, and nothing else.

A database that SQLiteSession has written is adopted as it is: `migrate --fake-initial` finds
both tables there and goes on with the next migration.
"""

from typing import Any

import django.db.models.deletion
from django.core.management.base import CommandError
from django.db import migrations, models
from django.db.models.functions import Now

from agent_sessions.fields import SessionIdField

TABLES = {"agent_sessions", "agent_messages"}


def refuse_existing_tables(apps: Any, schema_editor: Any) -> None:
    """Say what to do with tables of these names, where the database would only refuse to make them.

    `migrate --fake-initial` runs no operation of this migration if it finds both.
    """
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        found = TABLES.intersection(connection.introspection.table_names(cursor))
    if found == TABLES:
        raise CommandError(
            "The database has tables named agent_sessions and agent_messages already, as the "
            "sessions of the Agents SDK make them. To adopt them with all their rows, run: "
            "python manage.py migrate --fake-initial"
        )
    if found:
        raise CommandError(
            f"The database has a table named {found.pop()} already, which the Agents SDK would not "
            "have made alone. Rename it, or let a database router keep agent_sessions in another "
            "database."
        )


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        # As for CreateModel, a router may keep the tables out of a database.
        migrations.RunPython(
            refuse_existing_tables,
            migrations.RunPython.noop,
            hints={"model_name": "session"},
        ),
        migrations.CreateModel(
            name="Session",
            fields=[
                (
                    "session_id",
                    SessionIdField(
                        max_length=255,
                        primary_key=True,
                        serialize=False,
                        verbose_name="session id",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=Now(), editable=False, verbose_name="created at"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        db_default=Now(), editable=False, verbose_name="last activity"
                    ),
                ),
            ],
            options={
                "verbose_name": "session",
                "verbose_name_plural": "sessions",
                "db_table": "agent_sessions",
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "session",
                    models.ForeignKey(
                        db_column="session_id",
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        to="agent_sessions.session",
                        verbose_name="session",
                    ),
                ),
                (
                    "message_data",
                    models.TextField(
                        help_text="JSON, as the Agents SDK made it.", verbose_name="item"
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=Now(), editable=False, verbose_name="created at"
                    ),
                ),
            ],
            options={
                "verbose_name": "message",
                "verbose_name_plural": "messages",
                "db_table": "agent_messages",
                "indexes": [
                    models.Index(fields=["session", "id"], name="idx_agent_messages_session_id")
                ],
            },
        ),
    ]
