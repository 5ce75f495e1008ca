import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0001_initial"),
        ("inbox", "0007_lighter_indexes"),
    ]

    operations = [
        migrations.AlterField(
            model_name="message",
            name="identity",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="messages",
                to="contacts.identity",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["identity", "thread"], name="message_by_identity"),
        ),
    ]
