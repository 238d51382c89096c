"""The costs of steps, and forks that do not block the SDK's own sessions."""

from typing import Any

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


def forget_parents_that_are_gone(apps: Any, schema_editor: Any) -> None:
    """Let the constraint come back where the SDK has deleted a session that was forked."""
    sessions = apps.get_model("agent_sessions", "Session").objects.using(
        schema_editor.connection.alias
    )
    there = sessions.filter(pk=models.OuterRef("parent_id"))
    orphans = sessions.exclude(parent=None).exclude(models.Exists(there)).values_list("pk")
    sessions.filter(pk__in=[pk for (pk,) in orphans]).update(parent=None)


class Migration(migrations.Migration):
    dependencies = [
        ("agent_sessions", "0002_owners_and_columns"),
    ]

    operations = [
        migrations.AlterField(
            model_name="session",
            name="parent",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="forks",
                to="agent_sessions.session",
                verbose_name="forked from",
            ),
        ),
        # On the way back, where it comes before the constraint.
        migrations.RunPython(migrations.RunPython.noop, forget_parents_that_are_gone),
        migrations.CreateModel(
            name="Usage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        db_index=True,
                        editable=False,
                        verbose_name="created at",
                    ),
                ),
                (
                    "agent_name",
                    models.CharField(blank=True, default="", max_length=255, verbose_name="agent"),
                ),
                (
                    "model",
                    models.CharField(blank=True, default="", max_length=255, verbose_name="model"),
                ),
                ("requests", models.PositiveIntegerField(null=True, verbose_name="requests")),
                (
                    "input_tokens",
                    models.PositiveBigIntegerField(null=True, verbose_name="input tokens"),
                ),
                (
                    "cached_tokens",
                    models.PositiveBigIntegerField(null=True, verbose_name="cached input tokens"),
                ),
                (
                    "output_tokens",
                    models.PositiveBigIntegerField(null=True, verbose_name="output tokens"),
                ),
                (
                    "reasoning_tokens",
                    models.PositiveBigIntegerField(null=True, verbose_name="reasoning tokens"),
                ),
                (
                    "total_tokens",
                    models.PositiveBigIntegerField(null=True, verbose_name="total tokens"),
                ),
                (
                    "run_id",
                    models.CharField(blank=True, default="", max_length=32, verbose_name="run"),
                ),
                (
                    "trace_id",
                    models.CharField(
                        blank=True,
                        db_index=True,
                        default="",
                        max_length=255,
                        verbose_name="trace",
                    ),
                ),
                (
                    "response_id",
                    models.CharField(
                        blank=True, default="", max_length=255, verbose_name="response"
                    ),
                ),
                (
                    "message",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="usage",
                        to="agent_sessions.message",
                        verbose_name="last message of the step",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="usage",
                        to="agent_sessions.session",
                        verbose_name="session",
                    ),
                ),
            ],
            options={
                "verbose_name": "usage of a step",
                "verbose_name_plural": "usage",
                "db_table": "agent_usage",
            },
        ),
    ]
