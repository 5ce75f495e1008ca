"""Nothing lost, nothing twice: the practice network's own tables against Rapport's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import psycopg

# What the network told the company about is what Rapport has to have heard.
_HEARD = """
SELECT DISTINCT (e.payload #>> '{post,id}')::bigint AS id
FROM practice_streamevent e WHERE e.kind = 'post.created'
"""
_QUIET = f"""
SELECT (SELECT count(*) FROM ingest_rawevent WHERE state = 'pending') AS raw,
       (SELECT count(*) FROM outbox_outgoing WHERE state IN ('queued', 'sending')) AS replies,
       (SELECT count(*) FROM practice_webhookdelivery WHERE state = 'pending') AS webhooks,
       (SELECT count(*) FROM ({_HEARD}) h
        WHERE NOT EXISTS (SELECT FROM inbox_message m WHERE m.external_id = h.id::text)) AS unheard
"""


@dataclass
class Result:
    """Counts for the report, and every broken promise in words."""

    counts: dict[str, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)


def what_waits(url: str) -> dict[str, int]:
    """What is still under way; all zero when it is quiet."""
    with psycopg.connect(url) as connection:
        row = connection.execute(_QUIET).fetchone()
    assert row is not None
    return dict(zip(("raw events", "replies", "webhooks", "posts"), row, strict=True))


def check(url: str, promised: Iterable[tuple[str, int]]) -> Result:
    """Compare everything. ``promised``: ``("post" | "reply", id)`` whose commit was seen to succeed."""
    result = Result()
    with psycopg.connect(url) as connection:

        def one(query: str) -> int:
            row: tuple[Any, ...] | None = connection.execute(query).fetchone()
            assert row is not None
            return int(row[0])

        def none(what: str, query: str) -> None:
            rows = connection.execute(query).fetchall()
            if rows:
                result.broken.append(f"{len(rows)} {what}, such as {rows[0]}")

        counts = {
            "posts the network told of": f"SELECT count(*) FROM ({_HEARD}) h",
            "messages": "SELECT count(*) FROM inbox_message",
            "deliveries stored": "SELECT count(*) FROM ingest_rawevent",
            "cases": "SELECT count(*) FROM inbox_case WHERE status <> 'merged'",
            "replies": "SELECT count(*) FROM outbox_outgoing",
            "replies that took more than one attempt": "SELECT count(*) FROM outbox_outgoing WHERE attempts > 1",
        }
        for name, query in counts.items():
            result.counts[name] = one(query)

        none("posts lost", f"SELECT id FROM ({_HEARD}) h WHERE NOT EXISTS "
             "(SELECT FROM inbox_message m WHERE m.external_id = h.id::text)")  # fmt: skip
        none(
            "posts doubled", "SELECT external_id, count(*) FROM inbox_message GROUP BY 1 HAVING count(*) > 1"
        )
        none("messages that nobody posted", "SELECT m.external_id FROM inbox_message m WHERE NOT EXISTS "
             "(SELECT FROM practice_post p WHERE p.id::text = m.external_id)")  # fmt: skip
        none("messages with another text", "SELECT m.external_id, m.text, p.text FROM inbox_message m "
             "JOIN practice_post p ON p.id::text = m.external_id WHERE p.text <> m.text")  # fmt: skip
        none("customers without a case", "SELECT m.id FROM inbox_message m JOIN contacts_identity i "
             "ON i.id = m.identity_id WHERE NOT m.from_brand AND NOT EXISTS (SELECT FROM inbox_casethread t "
             "WHERE t.thread_id = m.thread_id AND t.contact_id = i.contact_id)")  # fmt: skip
        none("cases twice for one contact in a thread", "SELECT thread_id, contact_id FROM inbox_casethread "
             "GROUP BY 1, 2 HAVING count(*) > 1")  # fmt: skip
        none("replies not sent", "SELECT id, state, error FROM outbox_outgoing WHERE state <> 'sent'")
        none("replies lost", "SELECT o.id FROM outbox_outgoing o WHERE o.state = 'sent' AND NOT EXISTS "
             "(SELECT FROM practice_post p WHERE p.client_ref = o.idempotency_key::text)")  # fmt: skip
        none("replies sent twice", "SELECT client_ref, count(*) FROM practice_post WHERE client_ref <> '' "
             "GROUP BY 1 HAVING count(*) > 1")  # fmt: skip
        none("posts of the company that no reply stands for", "SELECT p.id FROM practice_post p "
             "JOIN practice_account a ON a.id = p.author_id WHERE a.is_company AND NOT EXISTS (SELECT FROM "
             "outbox_outgoing o WHERE o.idempotency_key::text = p.client_ref AND o.state = 'sent')")  # fmt: skip
        none("replies linked to another message", "SELECT o.id FROM outbox_outgoing o "
             "JOIN inbox_message m ON m.id = o.message_id JOIN practice_post p ON p.id::text = m.external_id "
             "WHERE p.client_ref <> o.idempotency_key::text OR NOT m.own OR m.user_id <> o.author_id")  # fmt: skip
        none("replies told more or less than once", "SELECT o.id FROM outbox_outgoing o LEFT JOIN "
             "inbox_caseevent e ON e.message_id = o.message_id AND e.kind = 'replied' "
             "GROUP BY o.id HAVING count(e.id) <> 1")  # fmt: skip
        none("replies of a case out of order", "SELECT a.id, b.id FROM outbox_outgoing a JOIN outbox_outgoing b "
             "ON b.case_id = a.case_id AND b.id > a.id JOIN inbox_message x ON x.id = a.message_id "
             "JOIN inbox_message y ON y.id = b.message_id "
             "WHERE x.external_id::bigint > y.external_id::bigint")  # fmt: skip
        none("events parked or waiting", "SELECT id, state, error FROM ingest_rawevent "
             "WHERE state IN ('pending', 'parked')")  # fmt: skip

        kept = {
            "post": {row[0] for row in connection.execute("SELECT id FROM practice_post")},
            "reply": {row[0] for row in connection.execute("SELECT id FROM outbox_outgoing")},
        }
        promises = list(promised)
        lost = [promise for promise in promises if promise[1] not in kept[promise[0]]]
        result.counts["commits promised"] = len(promises)
        if lost:
            result.broken.append(f"{len(lost)} commits lost, such as {lost[0]}")
    return result
