"""What PostgreSQL does by itself in the inbox's tables, as 0100_beginning makes it. A change of it is a migration.

Wanting words: triggers note what search has to read anew (``inbox/words.py``). Following a case: begun by what
somebody is given, writes or is named in; triggers, because cases are given in many ways: one by one, many at once,
when somebody leaves, by merging.
"""

FORWARD = """
CREATE FUNCTION inbox_want_message_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO inbox_wordswanted (message_id) SELECT id FROM added;
    RETURN NULL;
END $$;
CREATE FUNCTION inbox_want_identity_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO inbox_wordswanted (identity_id) SELECT id FROM added;
    RETURN NULL;
END $$;
CREATE FUNCTION inbox_want_words_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'inbox_message' THEN
        INSERT INTO inbox_wordswanted (message_id) VALUES (NEW.id);
    ELSIF TG_TABLE_NAME = 'contacts_identity' THEN
        INSERT INTO inbox_wordswanted (identity_id) VALUES (NEW.id);
    ELSIF TG_TABLE_NAME = 'contacts_contact' THEN
        INSERT INTO inbox_wordswanted (identity_id) SELECT id FROM contacts_identity WHERE contact_id = NEW.id;
    ELSE
        INSERT INTO inbox_wordswanted (note_id) VALUES (NEW.id);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER words_wanted AFTER INSERT ON inbox_message
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION inbox_want_message_words();
CREATE TRIGGER words_wanted AFTER INSERT ON contacts_identity
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION inbox_want_identity_words();
CREATE TRIGGER words_wanted AFTER INSERT ON inbox_note
    FOR EACH ROW EXECUTE FUNCTION inbox_want_words_again();
CREATE TRIGGER words_changed AFTER UPDATE OF text, media ON inbox_message
    FOR EACH ROW WHEN ((OLD.text, OLD.media) IS DISTINCT FROM (NEW.text, NEW.media))
    EXECUTE FUNCTION inbox_want_words_again();
CREATE TRIGGER words_changed AFTER UPDATE OF handle, name, contact_id ON contacts_identity
    FOR EACH ROW WHEN ((OLD.handle, OLD.name, OLD.contact_id) IS DISTINCT FROM (NEW.handle, NEW.name, NEW.contact_id))
    EXECUTE FUNCTION inbox_want_words_again();
CREATE TRIGGER words_changed AFTER UPDATE OF name ON contacts_contact
    FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION inbox_want_words_again();
CREATE TRIGGER words_changed AFTER UPDATE OF text ON inbox_note
    FOR EACH ROW WHEN (OLD.text IS DISTINCT FROM NEW.text) EXECUTE FUNCTION inbox_want_words_again();

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
"""
BACKWARD = """
DROP FUNCTION inbox_begin_following() CASCADE;
DROP FUNCTION inbox_want_words_again() CASCADE;
DROP FUNCTION inbox_want_identity_words() CASCADE;
DROP FUNCTION inbox_want_message_words() CASCADE;
"""
