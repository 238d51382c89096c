"""Usage without an index whose columns are the first ones of another index."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agent_sessions", "0006_tool_failed_index"),
    ]

    operations = [
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
    ]
