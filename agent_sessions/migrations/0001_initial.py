"""The tables of the SDK's own sessions, and nothing else.

A database that SQLiteSession has written is adopted as it is: `migrate --fake-initial` finds
both tables there and goes on with the next migration.
"""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now

from agent_sessions.fields import SessionIdField


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
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
