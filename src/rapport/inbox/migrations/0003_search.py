from django.db import migrations

FORWARD = """
CREATE INDEX message_words ON inbox_message
    USING gin (to_tsvector('simple', rapport_search_words(text)));
"""


class Migration(migrations.Migration):
    dependencies = [("inbox", "0002_initial"), ("contacts", "0002_search")]
    operations = [migrations.RunSQL(FORWARD, "DROP INDEX message_words;")]
