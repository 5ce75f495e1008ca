from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('brands', '0002_real_networks'),
        ('ingest', '0002_how_it_came'),
    ]

    operations = [
        migrations.AddField(
            model_name='rawevent',
            name='only_polled',
            field=models.BooleanField(db_default=False, default=False, help_text="Polling found it although the channel's events are pushed, and no push brought it since."),
        ),
        migrations.AddIndex(
            model_name='rawevent',
            index=models.Index(condition=models.Q(('only_polled', True)), fields=['channel', 'received_at'], name='raw_event_only_polled'),
        ),
    ]
