"""The rows of a made-up history, table by table, as SQL over numbers.

Everything follows from a row's number by hashing it, so tables can be filled apart and at the same time, and every
run makes the same. A case's messages lie among those of a thousand others, as they do where many people write at once.
In braces: sizes, see :class:`Size`.
"""

from __future__ import annotations

from dataclasses import dataclass

BRANDS = 6
NETWORKS = ("practice", "mastodon", "bluesky")
TAGS = 30  # of each brand
AGENTS = 200
OWNER = 1
YEARS = 3
_LONG_THREADS = 3
_LONG = 1000


@dataclass(frozen=True)
class Size:
    """``window``: so many cases run at the same time. Five messages each, and a few threads of a thousand more."""

    cases: int

    @property
    def values(self) -> dict[str, int | str]:
        """What stands in the statements' braces."""
        contacts = max(self.cases // 2, 100)
        second = contacts // 20
        return {
            "cases": self.cases,
            "contacts": contacts,
            "second": second,
            "brand_identities": contacts + second,
            "window": min(1000, self.cases),
            "messages": self.cases * 5,
            "brands": BRANDS,
            "networks": len(NETWORKS),
            "network_names": f"ARRAY{list(NETWORKS)}",
            "tags": TAGS,
            "agents": AGENTS,
            "years": YEARS,
            "long_threads": _LONG_THREADS if self.cases >= 10_000 else 0,
            "long": _LONG,
        }


def size_of(messages: int) -> Size:
    """The whole thousands of cases that make about so many messages."""
    return Size(max(round(messages / 5000), 1) * 1000)


PREPARE = """
CREATE OR REPLACE FUNCTION bench_share(n bigint, salt int) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ((hashint8extended(n, salt) >> 11) & 9007199254740991)::float8 / 9007199254740992;
CREATE OR REPLACE FUNCTION bench_message(n bigint, k int) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ((n - 1) / {window}) * {window} * 5 + (k - 1) * {window} + (n - 1) % {window} + 1;
CREATE UNLOGGED TABLE bench_text (number int PRIMARY KEY, lang text, text text, words tsvector);
CREATE UNLOGGED TABLE bench_lang (bucket int PRIMARY KEY, lang text, first int, count int);
CREATE UNLOGGED TABLE bench_name (number int PRIMARY KEY, name text, one text, other text);
"""

PEOPLE = """
INSERT INTO brands_brand (id, slug, name, colour, time_zone, created_at) OVERRIDING SYSTEM VALUE
SELECT n, 'bench-' || n, (ARRAY['Aero', 'Bistro', 'Cosmo', 'Delta', 'Echo', 'Fjord'])[n], '', 'UTC', now()
FROM generate_series(1, {brands}) n;
INSERT INTO brands_channel (id, brand_id, network, external_id, handle, name, role, state, signature, settings, hours,
    created_at, polled, cursor, last_error, failures) OVERRIDING SYSTEM VALUE
SELECT (b - 1) * {networks} + k, b, ({network_names})[k], 'bench-account-' || b || '-' || k, '@bench' || b, '',
    (ARRAY['main', 'support', 'main'])[k], 'paused', 'initials', '{{}}', '{{}}', now(), false, '{{}}', '', 0
FROM generate_series(1, {brands}) b, generate_series(1, {networks}) k;
INSERT INTO staff_user (id, password, is_superuser, email, name, initials, language, availability, is_active, is_bot,
    created_at) OVERRIDING SYSTEM VALUE
SELECT n, '!', n = 1, CASE n WHEN 1 THEN 'owner' ELSE 'agent' || n END || '@bench.example',
    CASE n WHEN 1 THEN 'Olga Owner' ELSE 'Agent ' || n END, 'A' || n % 999, '', 'available', true, false, now()
FROM generate_series(1, {agents} + 1) n;
CREATE UNLOGGED TABLE bench_agent AS
SELECT n AS id, 1 + width_bucket(bench_share(n, 50), ARRAY[.40, .65, .80, .90, .96]) AS brand
FROM generate_series(2, {agents} + 1) n;
CREATE UNLOGGED TABLE bench_team AS
SELECT b AS brand, coalesce((SELECT array_agg(id ORDER BY id) FROM bench_agent WHERE brand = b), ARRAY[1]) AS ids
FROM generate_series(1, {brands}) b;
INSERT INTO staff_membership (user_id, brand_id, role)
SELECT id, b, CASE WHEN id % 10 = 0 THEN 'lead' ELSE 'agent' END FROM bench_agent, generate_series(1, {brands}) b
WHERE b = brand OR id % 5 = 0;
INSERT INTO staff_team (id, brand_id, name) OVERRIDING SYSTEM VALUE
SELECT (b - 1) * 2 + k, b, (ARRAY['Day', 'Night'])[k] FROM generate_series(1, {brands}) b, generate_series(1, 2) k;
INSERT INTO staff_team_members (team_id, user_id) SELECT (brand - 1) * 2 + 1 + id % 2, id FROM bench_agent;
INSERT INTO inbox_tag (id, brand_id, name) OVERRIDING SYSTEM VALUE
SELECT (b - 1) * {tags} + t, b, 'tag ' || t FROM generate_series(1, {brands}) b, generate_series(1, {tags}) t;
"""

# Four fifths of the cases are of anybody, a fifth of those who write again and again.
CASES = """
CREATE UNLOGGED TABLE bench_case AS
SELECT n, contact, brand, (brand - 1) * {networks} + 1 + home AS channel, lang, first, count, status, waits,
    began, gap, CASE WHEN bench_share(n, 9) < CASE status WHEN 'closed' THEN 0.6 ELSE 0.7 END
        THEN ids[1 + floor(bench_share(n, 10) * array_length(ids, 1))::int] END AS assignee,
    CASE WHEN bench_share(n, 11) < 0.3 THEN (brand - 1) * 2 + 1 + n % 2 END AS team
FROM (
    SELECT n, contact, 1 + width_bucket(bench_share(n, 3), ARRAY[.40, .65, .80, .90, .96]) AS brand,
        width_bucket(bench_share(contact, 4), ARRAY[.5, .8]) AS home,
        floor(bench_share(contact, 5) * 100)::int AS bucket,
        CASE WHEN n > {cases} * 0.97 OR bench_share(n, 6) < 0.021 THEN 'open'
             WHEN bench_share(n, 6) < 0.023 THEN 'snoozed' ELSE 'closed' END AS status,
        bench_share(n, 7) < 0.5 AS waits,
        now() - interval '1 day' - (1 - n::float8 / {cases}) * interval '{years} years' AS began,
        (1 + 120 * bench_share(n, 8) ^ 2) * interval '1 minute' AS gap
    FROM (
        SELECT n, CASE WHEN bench_share(n, 1) < 0.8 THEN 1 + floor({contacts} * bench_share(n, 2))::bigint
            ELSE least({contacts}, 50 * power({contacts} / 50.0, bench_share(n, 2)))::bigint END AS contact
        FROM generate_series(1::bigint, {cases}) n
    ) who
) one JOIN bench_lang USING (bucket) JOIN bench_team USING (brand)
ORDER BY n;
UPDATE bench_case SET waits = false WHERE status = 'closed';
ANALYZE bench_case;
"""

_NAME = "JOIN bench_name ON number = 1 + (hashint8(n) & 65535) % (SELECT count(*) FROM bench_name)"
CONTACTS = f"""
INSERT INTO contacts_contact (id, name) OVERRIDING SYSTEM VALUE
SELECT n, name FROM generate_series(1::bigint, {{contacts}}) n {_NAME};
INSERT INTO contacts_identity (id, contact_id, network, external_id, handle, name, avatar_url, url, seen_at)
OVERRIDING SYSTEM VALUE
SELECT n, n, ({{network_names}})[1 + width_bucket(bench_share(n, 4), ARRAY[.5, .8])], 'bench-' || n,
    '@' || one || n, name, '', '', now() FROM generate_series(1::bigint, {{contacts}}) n {_NAME};
INSERT INTO contacts_identity (id, contact_id, network, external_id, handle, name, avatar_url, url, seen_at)
OVERRIDING SYSTEM VALUE
SELECT {{contacts}} + n, n * 20, 'bluesky', 'bench-second-' || n, '@second' || n, '', '', '', now() - interval '9 years'
FROM generate_series(1::bigint, {{second}}) n;
INSERT INTO contacts_contact (id, name) OVERRIDING SYSTEM VALUE
SELECT {{brand_identities}} + id, handle FROM brands_channel;
INSERT INTO contacts_identity (id, contact_id, network, external_id, handle, name, avatar_url, url, seen_at, is_brand)
OVERRIDING SYSTEM VALUE
SELECT {{brand_identities}} + id, {{brand_identities}} + id, network, external_id, handle, name, '', '', now(), true
FROM brands_channel;
INSERT INTO inbox_identitywords (identity_id, words)
SELECT n, ('''' || one || n || ''':1 ''@' || one || n || ''' ''' || one || ''':10,20 ''' || other || ''':11,21 ''k:'
    || n / 16384 || ''' ''kk:' || n / 262144 || '''')::tsvector FROM generate_series(1::bigint, {{contacts}}) n {_NAME};
"""

THREADS = """
INSERT INTO inbox_thread (id, brand_id, channel_id, visibility) OVERRIDING SYSTEM VALUE
SELECT n, brand, channel, CASE WHEN bench_share(n, 12) < 0.3 THEN 'private' ELSE 'public' END FROM bench_case;
INSERT INTO inbox_casethread (id, case_id, thread_id, contact_id) OVERRIDING SYSTEM VALUE
SELECT n, n, n, contact FROM bench_case;
INSERT INTO inbox_case (id, brand_id, channel_id, contact_id, status, priority, visibility, preview, lang, opened_at,
    waiting_since, last_message_at, closed_at, settled_at, snoozed_until, close_reason, assignee_id, team_id)
OVERRIDING SYSTEM VALUE
SELECT n, brand, channel, contact, status, 1 + width_bucket(bench_share(n, 13), ARRAY[.10, .85, .97]),
    CASE WHEN bench_share(n, 12) < 0.3 THEN 'private' ELSE 'public' END, left(t.text, 120), c.lang, began,
    CASE WHEN waits THEN began + 4 * gap END, began + 4 * gap, CASE WHEN status = 'closed' THEN began + 5 * gap END,
    CASE WHEN status = 'closed' THEN began + 5 * gap END,
    CASE WHEN status = 'snoozed' THEN now() + bench_share(n, 14) * interval '7 days' + interval '1 hour' END,
    CASE WHEN status = 'closed' THEN (ARRAY['answered', 'no_reply_needed', 'spam', 'elsewhere'])
        [1 + width_bucket(bench_share(n, 15), ARRAY[.85, .93, .98])] ELSE '' END, assignee, team
FROM bench_case c JOIN bench_text t ON t.number = first + floor(count * bench_share(bench_message(n, 5), 20))::int;
"""

_SAID = """
FROM (
    SELECT m, (m - 1) % ({window} * 5) / {window} + 1 AS k,
        (m - 1) / ({window} * 5) * {window} + (m - 1) % {window} + 1 AS n
    FROM generate_series(1::bigint, {messages}) m
) said
JOIN bench_case c USING (n)
JOIN bench_text t ON t.number = first + floor(count * bench_share(m, 20))::int
"""
_NUMBERED = "bench_share(m, 21) < 0.1"
_PICTURED = "bench_share(m, 22) < 0.03"
_BY_BRAND = "(k IN (2, 4) OR (k = 5 AND NOT waits))"

MESSAGES = f"""
INSERT INTO inbox_message (id, brand_id, channel_id, thread_id, external_id, parent_external_id, identity_id, own,
    from_brand, visibility, text, lang, url, media, sent_at, arrived_at, user_id) OVERRIDING SYSTEM VALUE
SELECT m, brand, channel, n, m::text, CASE WHEN k > 1 THEN bench_message(n, k::int - 1)::text END,
    CASE WHEN {_BY_BRAND} THEN {{brand_identities}} + channel ELSE contact END, {_BY_BRAND}, {_BY_BRAND},
    CASE WHEN bench_share(n, 12) < 0.3 THEN 'private' ELSE 'public' END,
    CASE WHEN {_NUMBERED} THEN t.text || ' ' || 100000000 + m * 7 ELSE t.text END, c.lang, '',
    CASE WHEN {_PICTURED} THEN '[{{{{"kind": "image", "url": "https://pictures.example/1.jpg", "alt": ""}}}}]' ELSE '[]' END::jsonb,
    began + (k - 1) * gap, began + (k - 1) * gap, CASE WHEN {_BY_BRAND} THEN assignee END
{_SAID}
"""
WORDS = f"""
INSERT INTO inbox_messagewords (message_id, words)
SELECT m, t.words || ('''k:' || m / 16384 || ''' ''kk:' || m / 262144 || ''' ''c:' || channel || ''' ''d:'
    || to_char((began + (k - 1) * gap) AT TIME ZONE 'UTC', 'YYYYMM') || ''''
    || CASE WHEN {_NUMBERED} THEN ' ''' || 100000000 + m * 7 || ''':1' ELSE '' END
    || CASE WHEN {_PICTURED} THEN ' ''h:image''' ELSE '' END)::tsvector
{_SAID}
"""
# They stand between the fourth and the fifth message of a few open cases.
LONG_THREADS = """
INSERT INTO inbox_message (id, brand_id, channel_id, thread_id, external_id, parent_external_id, identity_id, own,
    from_brand, visibility, text, lang, url, media, sent_at, arrived_at) OVERRIDING SYSTEM VALUE
SELECT {messages} + (one - 1) * {long} + k, brand, channel, n, 'long-' || one || '-' || k, bench_message(n, 4)::text,
    CASE WHEN k % 2 = 0 THEN {brand_identities} + channel ELSE contact END, k % 2 = 0, k % 2 = 0,
    CASE WHEN bench_share(n, 12) < 0.3 THEN 'private' ELSE 'public' END, t.text, c.lang, '', '[]',
    began + 3 * gap + k * gap / ({long} + 1), began + 3 * gap + k * gap / ({long} + 1)
FROM generate_series(1::bigint, {long_threads}) one JOIN bench_case c ON n = {cases} - one * 37,
    generate_series(1, {long}) k, bench_text t WHERE t.number = first + k % count;
INSERT INTO inbox_messagewords (message_id, words)
SELECT m.id, t.words || ('''k:' || m.id / 16384 || ''' ''kk:' || m.id / 262144 || ''' ''c:' || channel_id || ''' ''d:'
    || to_char(sent_at AT TIME ZONE 'UTC', 'YYYYMM') || '''')::tsvector
FROM inbox_message m JOIN bench_case c ON n = thread_id
JOIN bench_text t ON t.number = first + (m.id - {messages} - 1) % {long} % count WHERE m.id > {messages};
"""

TURNS = """
INSERT INTO inbox_turn (brand_id, channel_id, thread_id, number, asked_at, answered_at, response_s, user_id)
SELECT brand, channel, n, t, began + (2 * t - 2) * gap, CASE WHEN t < 3 THEN began + (2 * t - 1) * gap END,
    CASE WHEN t < 3 THEN extract(epoch FROM gap)::int END, CASE WHEN t < 3 THEN assignee END
FROM bench_case, generate_series(1, 3) t WHERE t < 3 OR waits;
"""
EVENTS = """
INSERT INTO inbox_caseevent (case_id, brand_id, kind, at, recorded_at, actor_id, message_id, data)
SELECT n, brand, kind, began + (k - 1) * gap, began + (k - 1) * gap, CASE WHEN kind <> 'received' THEN assignee END,
    CASE WHEN k < 5 AND k > 1 THEN bench_message(n, k) END, '{{}}'
FROM bench_case, (VALUES (1, 'opened'), (2, 'replied'), (3, 'received'), (5, 'closed')) e (k, kind)
WHERE k < 5 OR status = 'closed';
"""
AROUND = """
INSERT INTO inbox_case_tags (case_id, tag_id)
SELECT n, (brand - 1) * {tags} + 1 + (t + number) % {tags}
FROM (SELECT n, brand, floor({tags} * bench_share(n, 30) ^ 2.5)::int AS t FROM bench_case) c, generate_series(0, 1) number
WHERE bench_share(n, 31) < CASE number WHEN 0 THEN 0.4 ELSE 0.12 END;
INSERT INTO inbox_note (id, case_id, author_id, text, created_at) OVERRIDING SYSTEM VALUE
SELECT n / 20, n, coalesce(assignee, 1), t.text, began + 2 * gap FROM bench_case
JOIN bench_text t ON t.number = first + floor(count * bench_share(n, 32))::int WHERE n % 20 = 0;
INSERT INTO inbox_notewords (note_id, words)
SELECT id, t.words || ('''k:' || id / 16384 || ''' ''kk:' || id / 262144 || ''' ''d:' || to_char(created_at AT TIME ZONE 'UTC', 'YYYYMM') || '''')::tsvector
FROM inbox_note JOIN bench_case ON n = case_id
JOIN bench_text t ON t.number = first + floor(count * bench_share(n, 32))::int;
INSERT INTO inbox_mention (note_id, case_id, user_id, created_at, seen_at)
SELECT id, case_id, 1 + id % ({agents} + 1), created_at, CASE WHEN id % 3 > 0 THEN created_at END
FROM inbox_note WHERE id % 10 = 0;
INSERT INTO outbox_outgoing (brand_id, channel_id, case_id, thread_id, author_id, visibility, text, idempotency_key,
    form_key, state, not_before, attempts, doubtful, error, close_after, created_at, sent_at, message_id)
SELECT brand, channel, n, n, coalesce(assignee, 1), 'public', t.text, gen_random_uuid(), gen_random_uuid(),
    CASE WHEN n % 1000 = 0 THEN 'failed' ELSE 'sent' END, began + gap, 1, false,
    CASE WHEN n % 1000 = 0 THEN 'The network refused it.' ELSE '' END, false, began + gap,
    CASE WHEN n % 1000 > 0 THEN began + gap END, CASE WHEN n % 1000 > 0 THEN bench_message(n, 2) END
FROM bench_case JOIN bench_text t ON t.number = first + floor(count * bench_share(bench_message(n, 2), 20))::int
WHERE n % 10 = 0;
"""
