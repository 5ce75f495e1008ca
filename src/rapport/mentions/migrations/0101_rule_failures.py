"""Cases that rules could not open were only in the log; now they are kept with the reason."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mentions', '0100_beginning'),
    ]

    operations = [
        migrations.CreateModel(
            name='RuleFailure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('why', models.CharField(blank=True, help_text='For people; empty when only the log says it.', max_length=500)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text='When it was tried last.')),
                ('mention', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='mentions.mention')),
                ('rule', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='failures', to='mentions.caserule')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('rule', 'mention'), name='rule_failure_once')],
            },
        ),
    ]
