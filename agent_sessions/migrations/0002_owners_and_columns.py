"""The columns that the app adds to the SDK's tables, each with a default in the database.

The SDK's own sessions still write their rows: they name their columns, and not these.
"""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Now


def date_what_has_no_date(apps: Any, schema_editor: Any) -> None:
    """Give rows without times the present one: the SDK's tables allow NULL, these do not."""
    for name, fields in {
        "Session": ["created_at", "updated_at"],
        "Message": ["created_at"],
    }.items():
        rows = apps.get_model("agent_sessions", name).objects.using(schema_editor.connection.alias)
        for field in fields:
            rows.filter(**{field: None}).update(**{field: Now()})


class Migration(migrations.Migration):
    dependencies = [
        ("agent_sessions", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(date_what_has_no_date, migrations.RunPython.noop),
        migrations.AddField(
            model_name="session",
            name="user",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="agent_sessions",
                to=settings.AUTH_USER_MODEL,
                verbose_name="owner",
            ),
        ),
        migrations.AddField(
            model_name="session",
            name="title",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=255, verbose_name="title"
            ),
        ),
        migrations.AddField(
            model_name="session",
            name="metadata",
            field=models.JSONField(
                blank=True,
                db_default=models.Value({}, models.JSONField()),
                default=dict,
                help_text="Any data that the project stores with the session.",
                verbose_name="metadata",
            ),
        ),
        migrations.AddField(
            model_name="session",
            name="parent",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="forks",
                to="agent_sessions.session",
                verbose_name="forked from",
            ),
        ),
        migrations.AddField(
            model_name="session",
            name="forked_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="forked at"),
        ),
        migrations.AddField(
            model_name="message",
            name="kind",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                max_length=64,
                verbose_name="kind",
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="role",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                max_length=32,
                verbose_name="role",
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="tool_name",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                max_length=255,
                verbose_name="tool",
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="call_id",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                max_length=255,
                verbose_name="call id",
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="agent_name",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                max_length=255,
                verbose_name="agent",
            ),
        ),
    ]
