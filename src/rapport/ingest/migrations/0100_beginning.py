import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from rapport.lib.create_tables import CreateTables


class Migration(migrations.Migration):

    replaces = [
        ('ingest', '0001_initial'),
        ('ingest', '0002_how_it_came'),
        ('ingest', '0003_found_by_polling_only'),
        ('ingest', '0004_lookups_and_stray_deliveries'),
    ]

    initial = True

    dependencies = [
        ('brands', '0100_beginning'),
    ]

    operations = [
        CreateTables([
            migrations.CreateModel(
                name='RawEvent',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(max_length=60)),
                    ('dedupe_key', models.CharField(max_length=64)),
                    ('payload', models.JSONField()),
                    ('received_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('state', models.CharField(choices=[('lookup', 'To be looked up'), ('pending', 'Waiting'), ('done', 'Done'), ('ignored', 'Of no interest'), ('parked', 'Parked')], db_default='pending', default='pending', max_length=10)),
                    ('error', models.TextField(blank=True, db_default='', default='')),
                    ('attempts', models.PositiveSmallIntegerField(db_default=0, default=0)),
                    ('done_at', models.DateTimeField(null=True)),
                    ('channel', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='brands.channel')),
                    ('pushed', models.BooleanField(db_default=False, default=False, help_text='A webhook or stream brought it, first or later.')),
                    ('via', models.CharField(choices=[('poll', 'Poll'), ('webhook', 'Webhook'), ('stream', 'Stream'), ('history', 'History'), ('import', 'Import')], db_default='poll', default='poll', max_length=10)),
                    ('only_polled', models.BooleanField(db_default=False, default=False, help_text="Polling found it although the channel's events are pushed, and no push brought it since.")),
                ],
                options={
                    'indexes': [models.Index(condition=models.Q(('state', 'pending')), fields=['channel', 'id'], name='raw_event_pending'), models.Index(condition=models.Q(('state', 'parked')), fields=['channel', 'id'], name='raw_event_parked'), models.Index(condition=models.Q(('state', 'lookup')), fields=['channel', 'id'], name='raw_event_lookup'), models.Index(condition=models.Q(('only_polled', True)), fields=['channel', 'received_at'], name='raw_event_only_polled')],
                    'constraints': [models.UniqueConstraint(fields=('channel', 'dedupe_key'), name='raw_event_once_per_channel')],
                },
            ),
            migrations.CreateModel(
                name='StrayDelivery',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('network', models.CharField(max_length=40)),
                    ('day', models.DateField()),
                    ('count', models.BigIntegerField()),
                ],
                options={
                    'verbose_name_plural': 'stray deliveries',
                    'constraints': [models.UniqueConstraint(fields=('network', 'day'), name='stray_delivery_once')],
                },
            ),
        ]),
    ]
