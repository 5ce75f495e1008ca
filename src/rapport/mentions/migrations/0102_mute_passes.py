"""Mutes are asked of old mentions too, behind whoever mutes: one small table for what is under way."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('brands', '0100_beginning'),
        ('mentions', '0101_rule_failures'),
    ]

    operations = [
        migrations.CreateModel(
            name='MutePass',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('author', 'Author'), ('word', 'Word or phrase'), ('site', 'Website')], max_length=8)),
                ('network', models.CharField(blank=True, max_length=40)),
                ('value', models.CharField(max_length=200)),
                ('top', models.BigIntegerField(help_text='The id of the newest mention when it began.')),
                ('below', models.BigIntegerField(help_text='Mentions with smaller ids are still to come.')),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text='Its last sign of life.')),
                ('brand', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='mute_passes', to='brands.brand')),
            ],
            options={
                'ordering': ['brand', 'value', 'id'],
                'constraints': [models.UniqueConstraint(fields=('brand', 'kind', 'network', 'value'), name='mute_pass_once')],
            },
        ),
    ]
