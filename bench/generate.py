"""A brand's history of any size, made inside the database: a million messages in well under a minute.

The shape is that of a busy brand: five messages a case, one case in twenty open, half of the open
ones waiting, four channels' worth of languages in the texts. Times lie in the past ``days``.
"""

from __future__ import annotations

from django.db import connection

_WORDS = [
    "bag",
    "flight",
    "late",
    "refund",
    "seat",
    "app",
    "login",
    "order",
    "coffee",
    "cold",
    "thanks",
    "please",
    "maleta",
    "vuelo",
    "prtljaga",
    "kasni",
    "Gepäck",
    "verspätet",
    "กระเป๋า",
    "เที่ยวบิน",
    "battery",
    "screen",
    "charge",
    "invoice",
    "store",
    "queue",
    "staff",
    "lovely",
    "broken",
    "again",
]


def generate(*, messages: int, brands: int = 4, days: int = 365) -> None:
    """Make brands, contacts, threads, messages, cases, turns and events, set-based; then ANALYZE."""
    cases = max(messages // 5, 1)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO brands_brand (slug, name, colour, time_zone, created_at)
            SELECT 'bench-' || n, 'Bench ' || n, '', 'UTC', now() FROM generate_series(1, %s) n;
            INSERT INTO brands_channel (brand_id, network, external_id, handle, name, role, state, signature,
                settings, hours, created_at, polled, cursor, last_error, failures)
            SELECT id, 'practice', 'bench-account-' || id, '@' || slug, name, 'main', 'paused', 'none', '{}',
                '{}', now(), false, '{}', '', 0 FROM brands_brand WHERE slug LIKE 'bench-%%'
            """,
            [brands],
        )
        values = {"cases": cases, "days": days, "words": _WORDS}
        cursor.execute(
            """
            CREATE TEMP TABLE made AS
            SELECT n, nextval(pg_get_serial_sequence('contacts_contact', 'id')) AS contact_id,
                   nextval(pg_get_serial_sequence('contacts_identity', 'id')) AS identity_id,
                   nextval(pg_get_serial_sequence('inbox_thread', 'id')) AS thread_id,
                   nextval(pg_get_serial_sequence('inbox_case', 'id')) AS case_id,
                   c.id AS channel_id, c.brand_id,
                   now() - (random() * %(days)s) * interval '1 day' - interval '1 day' AS began,
                   CASE WHEN random() < 0.05 THEN 'open' WHEN random() < 0.02 THEN 'snoozed' ELSE 'closed' END AS status,
                   random() < 0.5 AS waits
            FROM generate_series(1, %(cases)s) n
            JOIN (SELECT id, brand_id, row_number() OVER (ORDER BY id) AS k, count(*) OVER () AS total
                  FROM brands_channel WHERE external_id LIKE 'bench-account-%%') c ON c.k = 1 + n %% c.total;
            INSERT INTO contacts_contact (id, name) SELECT contact_id, 'Customer ' || n FROM made;
            INSERT INTO contacts_identity (id, contact_id, network, external_id, handle, name, avatar_url, url, seen_at)
            SELECT identity_id, contact_id, 'practice', 'bench-' || n, '@customer' || n, 'Customer ' || n, '', '', began
            FROM made;
            INSERT INTO contacts_contact (id, name) SELECT -id, handle FROM brands_channel
            WHERE external_id LIKE 'bench-account-%%';
            INSERT INTO contacts_identity (id, contact_id, network, external_id, handle, name, avatar_url, url, seen_at, is_brand)
            SELECT -id, -id, 'practice', external_id, handle, name, '', '', now(), true FROM brands_channel
            WHERE external_id LIKE 'bench-account-%%';
            INSERT INTO inbox_thread (id, brand_id, channel_id, visibility)
            SELECT thread_id, brand_id, channel_id, 'public' FROM made;
            INSERT INTO inbox_case (id, brand_id, channel_id, contact_id, status, visibility, preview, lang, opened_at,
                waiting_since, last_message_at, closed_at, snoozed_until, close_reason, priority)
            SELECT case_id, brand_id, channel_id, contact_id, status, 'public', 'Where is my bag? ' || n, 'en', began,
                CASE WHEN status <> 'closed' AND waits THEN began + interval '40 minutes' END,
                began + interval '40 minutes', CASE WHEN status = 'closed' THEN began + interval '1 hour' END,
                CASE WHEN status = 'snoozed' THEN now() + interval '1 day' END,
                CASE WHEN status = 'closed' THEN 'answered' ELSE '' END, 1 + n %% 4 FROM made;
            INSERT INTO inbox_casethread (case_id, thread_id, contact_id) SELECT case_id, thread_id, contact_id FROM made;
            INSERT INTO inbox_caseevent (case_id, brand_id, kind, at) SELECT case_id, brand_id, 'opened', began FROM made;
            INSERT INTO inbox_message (brand_id, channel_id, thread_id, external_id, parent_external_id, identity_id, own,
                from_brand, visibility, text, lang, url, media, sent_at)
            SELECT brand_id, channel_id, thread_id, n || '-' || k, CASE WHEN k > 1 THEN n || '-' || (k - 1) END,
                CASE WHEN k %% 2 = 0 THEN -channel_id ELSE identity_id END, k %% 2 = 0, k %% 2 = 0, 'public',
                (SELECT string_agg((%(words)s::text[])[1 + floor(random() * array_length(%(words)s::text[], 1) + 0 * (g + k + n))::int], ' ')
                 FROM generate_series(1, 12) g) || ' ' || n,
                'en', '', '[]', began + k * interval '8 minutes'
            FROM made, generate_series(1, 5) k WHERE NOT (k = 4 AND waits);
            INSERT INTO inbox_turn (brand_id, channel_id, thread_id, number, asked_at, answered_at, response_s)
            SELECT brand_id, channel_id, thread_id, t, began + (2 * t - 1) * interval '8 minutes',
                CASE WHEN t = 1 THEN began + interval '16 minutes' END, CASE WHEN t = 1 THEN 480 END
            FROM made, generate_series(1, 2) t
            """,
            values,
        )
        cursor.execute("DROP TABLE made; ANALYZE")
