"""An index of failures, in a migration that can be repeated."""

from django.db import migrations, models

from agent_sessions.models.indexes import AddIndexToTableInUse


class Migration(migrations.Migration):
    atomic = False  # so that PostgreSQL can build the index while others write

    dependencies = [
        ("agent_sessions", "0005_tool_failed"),
    ]

    operations = [
        AddIndexToTableInUse(
            model_name="message",
            index=models.Index(
                condition=models.Q(("tool_failed", True)),
                fields=["session", "tool_failed", "id"],
                name="agent_messages_failed",
            ),
        ),
    ]
