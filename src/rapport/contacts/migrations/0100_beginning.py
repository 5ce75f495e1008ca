import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

from rapport.lib.create_tables import CreateTables


class Migration(migrations.Migration):

    replaces = [
        ('contacts', '0001_initial'),
        ('contacts', '0002_longer_ids'),
        ('contacts', '0003_unproven_identities'),
        ('contacts', '0004_people_merged_and_described'),
        ('contacts', '0005_handles_by_their_beginning'),
    ]

    initial = True

    dependencies = [
        ('brands', '0100_beginning'),
        ('staff', '0100_beginning'),
    ]

    operations = [
        CreateTables([
            migrations.CreateModel(
                name='Contact',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('name', models.CharField(blank=True, max_length=200)),
                    ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('merged_into', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='contacts.contact')),
                ],
            ),
            migrations.CreateModel(
                name='ContactAttribute',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('name', models.CharField(max_length=60)),
                    ('value', models.CharField(max_length=400)),
                    ('brand', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='brands.brand')),
                    ('contact', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='attributes', to='contacts.contact')),
                ],
                options={
                    'ordering': ['name'],
                    'constraints': [models.UniqueConstraint(models.F('contact'), models.F('brand'), django.db.models.functions.text.Upper('name'), name='attribute_once_per_contact_and_brand')],
                },
            ),
            migrations.CreateModel(
                name='ContactMerge',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('made_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ('undone_at', models.DateTimeField(null=True)),
                    ('moved', models.JSONField(help_text='{identities, attributes, notes}: ids.')),
                    ('made_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('source', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='contacts.contact')),
                    ('target', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='contacts.contact')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(condition=models.Q(('undone_at__isnull', True)), fields=('source',), name='contact_merged_once')],
                },
            ),
            migrations.CreateModel(
                name='ContactNote',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('text', models.TextField()),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('removed_at', models.DateTimeField(null=True)),
                    ('author', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('brand', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='brands.brand')),
                    ('contact', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notes', to='contacts.contact')),
                ],
            ),
            migrations.CreateModel(
                name='Identity',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('network', models.CharField(max_length=40)),
                    ('external_id', models.CharField(max_length=500)),
                    ('handle', models.CharField(blank=True, max_length=200)),
                    ('name', models.CharField(blank=True, max_length=200)),
                    ('avatar_url', models.CharField(blank=True, max_length=1000)),
                    ('url', models.CharField(blank=True, max_length=1000)),
                    ('followers', models.BigIntegerField(blank=True, null=True)),
                    ('is_brand', models.BooleanField(db_default=False, default=False, help_text="One of the channels here: never a contact's voice.")),
                    ('seen_at', models.DateTimeField(help_text='Platform time of the newest message the fields were taken from.')),
                    ('contact', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='identities', to='contacts.contact')),
                    ('unproven', models.BooleanField(db_default=False, default=False, help_text='The handle is only what the person says, such as an address typed into a form: it joins nothing.')),
                ],
                options={
                    'verbose_name_plural': 'identities',
                    'indexes': [models.Index(models.F('network'), django.db.models.functions.comparison.Collate(django.db.models.functions.text.Upper('handle'), 'C'), name='identity_by_handle')],
                    'constraints': [models.UniqueConstraint(fields=('network', 'external_id'), name='identity_once_per_network')],
                },
            ),
        ]),
    ]
