"""What a source does not listen to, said beside it."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mentions', '0103_kept_counts'),
    ]

    operations = [
        migrations.AddField(
            model_name='source',
            name='left_out',
            field=models.JSONField(blank=True, db_default=[], default=list, help_text='Sentences: what is not listened to, and why.'),
        ),
    ]
