"""Counts of queries are kept, so that a look reads the newest hours; what was heard is asked by its time alone."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mentions', '0102_mute_passes'),
    ]

    operations = [
        migrations.CreateModel(
            name='KeptCounts',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('until', models.DateTimeField()),
                ('kept_at', models.DateTimeField(help_text='When they were counted; they are counted anew every six hours.')),
                ('buckets', django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), default=list, size=None)),
                ('counts', django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), default=list, size=None)),
                ('query', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='mentions.query')),
            ],
        ),
        migrations.AddIndex(
            model_name='denominator',
            index=models.Index(fields=['at'], name='heard_at'),
        ),
    ]
