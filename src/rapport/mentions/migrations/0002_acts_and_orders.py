"""What was done to mentions can be undone; lists by reach, and everything one author said, read an index."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("mentions", "0001_initial"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="MentionAct",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("what", models.CharField(help_text="seen, spam or mute", max_length=8)),
                ("number", models.PositiveIntegerField(help_text="Of mentions that somebody chose.")),
                ("before", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("undone_at", models.DateTimeField(null=True)),
                (
                    "actor",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["actor", "-id"], name="mention_act_of_actor")]},
        ),
        migrations.AddIndex(
            model_name="mention",
            index=models.Index(
                condition=models.Q(("folded_into__isnull", True)),
                fields=["brand", "state", "-reach", "-sent_at", "-id"],
                name="mention_by_reach",
            ),
        ),
        migrations.AddIndex(
            model_name="post", index=models.Index(fields=["network", "author"], name="post_by_author")
        ),
    ]
