"""Indexes by which the admin lists sessions, and the permission to read what they say."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agent_sessions", "0003_usage"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="session",
            options={
                "permissions": [("view_content", "Can read what sessions say")],
                "verbose_name": "session",
                "verbose_name_plural": "sessions",
            },
        ),
        migrations.AlterField(
            model_name="usage",
            name="session",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="usage",
                to="agent_sessions.session",
                verbose_name="session",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                fields=["session", "id", "kind", "role", "agent_name"], name="agent_messages_shape"
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["tool_name", "session"], name="agent_messages_tool"),
        ),
        migrations.AddIndex(
            model_name="session",
            index=models.Index(fields=["updated_at", "session_id"], name="agent_sessions_activity"),
        ),
        migrations.AddIndex(
            model_name="usage",
            index=models.Index(fields=["session", "message"], name="agent_usage_session"),
        ),
    ]
