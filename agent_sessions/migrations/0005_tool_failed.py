"""Whether a tool failed, as a column beside the item with its result."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agent_sessions", "0004_admin"),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="tool_failed",
            field=models.BooleanField(
                editable=False,
                help_text="Unknown if the item is not the result of a tool, or the SDK wrote it.",
                null=True,
                verbose_name="tool failed",
            ),
        ),
    ]
