"""What concerns no case, or many: alerts, and cases that changed hands together."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("inbox", "0100_beginning"), ("notices", "0100_beginning")]

    operations = [
        migrations.AlterField(
            model_name="notice",
            name="case",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="inbox.case",
            ),
        ),
        migrations.AlterField(
            model_name="notice",
            name="data",
            field=models.JSONField(
                default=dict, help_text="What it speaks of: message, note, to, n, alert, name."
            ),
        ),
    ]
