"""Every row of terms names its region, sixteen blocks, too: see ``inbox/words.py``.

One statement for each table; ten million messages take a quarter of an hour, once.
"""

from django.db import migrations

FORWARD = "".join(
    f"UPDATE {table} SET words = words || ('''kk:' || {key} / 262144 || '''')::tsvector;\n"
    for table, key in (
        ("inbox_messagewords", "message_id"),
        ("inbox_identitywords", "identity_id"),
        ("inbox_notewords", "note_id"),
    )
)


class Migration(migrations.Migration):

    dependencies = [("inbox", "0018_read_receipts")]

    # What is read of it afterwards does no harm to an older version.
    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
