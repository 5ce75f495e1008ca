"""Who looks at a case and writes there, in a table that a crash empties; and cases that went to somebody else."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('inbox', '0016_following'),
        ('staff', '0003_people'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CaseLook',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('case_id', models.BigIntegerField()),
                ('user_id', models.BigIntegerField()),
                ('screen', models.CharField(max_length=16)),
                ('seen_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('writing', models.CharField(blank=True, db_default='', default='', max_length=5)),
                ('typed_at', models.DateTimeField(null=True)),
                ('reply_began_at', models.DateTimeField(null=True)),
                ('reply_typed_at', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('case_id', 'user_id', 'screen'), name='case_look_once')],
            },
        ),
        migrations.RunSQL(
            'ALTER TABLE inbox_caselook SET UNLOGGED', 'ALTER TABLE inbox_caselook SET LOGGED'
        ),
        migrations.CreateModel(
            name='CaseHandover',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('made_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('done_at', models.DateTimeField(null=True)),
                ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='handovers', to='inbox.case')),
                ('former', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('made_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('note', models.OneToOneField(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='handover', to='inbox.note')),
                ('person', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('team', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='staff.team')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('done_at__isnull', True)), fields=['case', 'id'], name='handover_open')],
            },
        ),
    ]
