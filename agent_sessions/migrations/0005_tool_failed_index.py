"""An index of the failures alone, apart from their column: building it takes no transaction."""

from django.db import migrations, models

from agent_sessions.migrations._indexes import AddIndexConcurrently


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("agent_sessions", "0005_tool_failed"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(
                condition=models.Q(("tool_failed", True)),
                fields=["session", "tool_failed", "id"],
                name="agent_messages_failed",
            ),
        ),
    ]
