from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('brands', '0002_real_networks'),
    ]

    operations = [
        migrations.RenameField(model_name='allowance', old_name='closed_until', new_name='told_until'),
        migrations.AddField(
            model_name='channel',
            name='credentials_given_at',
            field=models.DateTimeField(blank=True, help_text='When these credentials were stored: how long they live follows from it.', null=True),
        ),
        migrations.AddField(
            model_name='channel',
            name='renew_lease_until',
            field=models.DateTimeField(blank=True, help_text='Somebody renews the credentials; nobody else may before this time.', null=True),
        ),
        migrations.AddField(
            model_name='channel',
            name='silent_after',
            field=models.DurationField(blank=True, help_text='Longer without a message is unusual here; null: too little history.', null=True),
        ),
        migrations.AddField(
            model_name='channel',
            name='stream_retry_at',
            field=models.DateTimeField(blank=True, help_text='Its stream broke and is not opened again before this time.', null=True),
        ),
        migrations.AlterField(
            model_name='channel',
            name='stream_lease_until',
            field=models.DateTimeField(blank=True, help_text='Its stream is open until then.', null=True),
        ),
    ]
