"""Indexes that a look by brand or by network alone cannot be mistaken for: while a table is new, the planner took the
one that reads all of a brand's mentions, or of a network's posts, for each that came."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mentions', '0004_holidays_and_replays'),
    ]

    operations = [
        migrations.RemoveIndex(model_name='mention', name='mention_heads'),
        migrations.RemoveIndex(model_name='mention', name='mention_alike'),
        migrations.RemoveIndex(model_name='post', name='post_by_author'),
        migrations.AddIndex(
            model_name='mention',
            index=models.Index(
                condition=models.Q(('folded_into__isnull', True), models.Q(('fold_key', ''), _negated=True)),
                fields=['fold_key', 'sent_at'],
                name='mention_first_alike',
            ),
        ),
        migrations.AddIndex(
            model_name='mention',
            index=models.Index(
                condition=models.Q(('fold_key', ''), _negated=True), fields=['fold_key'], name='mention_all_alike'
            ),
        ),
        migrations.AddIndex(
            model_name='post', index=models.Index(fields=['author', 'network'], name='post_of_author')
        ),
    ]
