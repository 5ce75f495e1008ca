"""Following a case, begun by what somebody is given, writes or is named in.

Triggers, because cases are given in many ways: one by one, many at once, when somebody leaves, by merging.
"""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION inbox_begin_following() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    person bigint;
    followed bigint;
BEGIN
    IF TG_TABLE_NAME = 'inbox_case' THEN
        person := NEW.assignee_id;
        followed := NEW.id;
    ELSIF TG_TABLE_NAME = 'inbox_note' THEN
        person := NEW.author_id;
        followed := NEW.case_id;
    ELSE
        person := NEW.user_id;
        followed := NEW.case_id;
    END IF;
    INSERT INTO inbox_casefollow (user_id, case_id)
    SELECT id, followed FROM staff_user WHERE id = person AND NOT is_bot ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE TRIGGER follow_given AFTER UPDATE OF assignee_id ON inbox_case
    FOR EACH ROW WHEN (NEW.assignee_id IS NOT NULL AND NEW.assignee_id IS DISTINCT FROM OLD.assignee_id)
    EXECUTE FUNCTION inbox_begin_following();
CREATE TRIGGER follow_given_at_once AFTER INSERT ON inbox_case
    FOR EACH ROW WHEN (NEW.assignee_id IS NOT NULL AND NEW.status <> 'closed')
    EXECUTE FUNCTION inbox_begin_following();
CREATE TRIGGER follow_noted AFTER INSERT ON inbox_note
    FOR EACH ROW EXECUTE FUNCTION inbox_begin_following();
CREATE TRIGGER follow_named AFTER INSERT ON inbox_mention
    FOR EACH ROW EXECUTE FUNCTION inbox_begin_following();

-- Who has an open case today follows it.
INSERT INTO inbox_casefollow (user_id, case_id)
SELECT c.assignee_id, c.id FROM inbox_case c JOIN staff_user u ON u.id = c.assignee_id
WHERE c.status IN ('open', 'snoozed') AND NOT u.is_bot;
"""

BACKWARD = """
DROP TRIGGER follow_given ON inbox_case;
DROP TRIGGER follow_given_at_once ON inbox_case;
DROP TRIGGER follow_noted ON inbox_note;
DROP TRIGGER follow_named ON inbox_mention;
DROP FUNCTION inbox_begin_following();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('inbox', '0015_search_terms'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CaseFollow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('muted', models.BooleanField(db_default=False, default=False)),
                ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='follows', to='inbox.case')),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='follows', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('muted', False)), fields=['user', 'case'], name='case_followed')],
                'constraints': [models.UniqueConstraint(fields=('user', 'case'), name='case_follow_once')],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
