import django.contrib.postgres.indexes
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('inbox', '0010_more_of_a_message'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='message',
            index=django.contrib.postgres.indexes.BrinIndex(autosummarize=True, fields=['arrived_at'], name='message_arrival'),
        ),
    ]
