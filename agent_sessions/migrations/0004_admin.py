"""Indexes for the admin's list, and the permission to read content."""

from django.conf import settings
from django.db import migrations, models

from agent_sessions.models.indexes import AddIndexToTableInUse


class Migration(migrations.Migration):
    atomic = False  # so that PostgreSQL can build the indexes while others write

    dependencies = [
        ("agent_sessions", "0003_usage"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    # Only operations that can be repeated: after a failure there is no way back.
    operations = [
        migrations.AlterModelOptions(
            name="session",
            options={
                "permissions": [("view_content", "Can read what sessions say")],
                "verbose_name": "session",
                "verbose_name_plural": "sessions",
            },
        ),
        AddIndexToTableInUse(
            model_name="message",
            index=models.Index(
                fields=["session", "id", "kind", "role", "agent_name"], name="agent_messages_shape"
            ),
        ),
        AddIndexToTableInUse(
            model_name="message",
            index=models.Index(
                fields=["tool_name", "session", "created_at", "kind"], name="agent_messages_tool"
            ),
        ),
        AddIndexToTableInUse(
            model_name="session",
            index=models.Index(fields=["updated_at", "session_id"], name="agent_sessions_activity"),
        ),
        AddIndexToTableInUse(
            model_name="usage",
            index=models.Index(fields=["session", "message"], name="agent_usage_session"),
        ),
    ]
