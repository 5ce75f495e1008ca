"""Identities and contacts for the authors of a batch, in a handful of statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from rapport.networks.base import Author


@dataclass(frozen=True)
class AuthorSeen:
    """An author as a message showed them, and when (platform time)."""

    author: Author
    at: datetime


_INSERT = """
WITH author AS (
    SELECT * FROM unnest(%(ids)s::text[], %(handles)s::text[], %(names)s::text[], %(avatars)s::text[],
                         %(urls)s::text[], %(followers)s::bigint[], %(seen)s::timestamptz[])
        AS a(external_id, handle, name, avatar_url, url, followers, seen_at)
), fresh AS MATERIALIZED (
    SELECT author.*, nextval(pg_get_serial_sequence('contacts_contact', 'id')) AS contact_id
    FROM author WHERE NOT EXISTS (
        SELECT FROM contacts_identity i WHERE i.network = %(network)s AND i.external_id = author.external_id
    )
), contact AS (
    INSERT INTO contacts_contact (id, name)
    SELECT contact_id, coalesce(nullif(name, ''), handle) FROM fresh
)
INSERT INTO contacts_identity
    (contact_id, network, external_id, handle, name, avatar_url, url, followers, seen_at, is_brand)
SELECT contact_id, %(network)s, external_id, handle, name, avatar_url, url, followers, seen_at,
       EXISTS (SELECT FROM brands_channel c WHERE c.network = %(network)s AND c.external_id = fresh.external_id)
FROM fresh
"""

# A newer message's name wins; an older one, arriving late, changes nothing. Blanks never overwrite.
_UPDATE = """
UPDATE contacts_identity i
SET handle = coalesce(nullif(a.handle, ''), i.handle), name = coalesce(nullif(a.name, ''), i.name),
    avatar_url = coalesce(nullif(a.avatar_url, ''), i.avatar_url), url = coalesce(nullif(a.url, ''), i.url),
    followers = coalesce(a.followers, i.followers), seen_at = a.seen_at
FROM unnest(%(ids)s::text[], %(handles)s::text[], %(names)s::text[], %(avatars)s::text[],
            %(urls)s::text[], %(followers)s::bigint[], %(seen)s::timestamptz[])
    AS a(external_id, handle, name, avatar_url, url, followers, seen_at)
WHERE i.network = %(network)s AND i.external_id = a.external_id AND a.seen_at >= i.seen_at
  AND (coalesce(nullif(a.handle, ''), i.handle), coalesce(nullif(a.name, ''), i.name),
       coalesce(nullif(a.avatar_url, ''), i.avatar_url), coalesce(nullif(a.url, ''), i.url),
       coalesce(a.followers, i.followers))
      IS DISTINCT FROM (i.handle, i.name, i.avatar_url, i.url, i.followers)
"""


def upsert_identities(*, network: str, authors: Sequence[AuthorSeen]) -> dict[str, int]:
    """Make sure every author has an identity and a contact; returns identity id by external id.

    Must run in a transaction. Channels of one network are processed side by side, so creation of
    identities is serialised per network: a lock held only when somebody new appears.
    """
    newest: dict[str, AuthorSeen] = {}
    for seen in authors:
        before = newest.get(seen.author.external_id)
        if before is None or seen.at >= before.at:
            newest[seen.author.external_id] = seen
    if not newest:
        return {}
    # Sorted, so that two transactions update common rows in one order and cannot deadlock.
    ordered = [newest[key] for key in sorted(newest)]
    values = {
        "network": network,
        "ids": [one.author.external_id for one in ordered],
        "handles": [one.author.handle for one in ordered],
        "names": [one.author.name for one in ordered],
        "avatars": [one.author.avatar_url for one in ordered],
        "urls": [one.author.url for one in ordered],
        "followers": [one.author.followers for one in ordered],
        "seen": [one.at for one in ordered],
    }
    with connection.cursor() as cursor:
        known = _ids(network, values["ids"])
        if len(known) < len(ordered):
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('identities ' || %s))", [network])
            cursor.execute(_INSERT, values)
        if known:
            cursor.execute(_UPDATE, values)
    return known if len(known) == len(ordered) else _ids(network, values["ids"])


def _ids(network: str, external_ids: object) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT external_id, id FROM contacts_identity WHERE network = %s AND external_id = ANY(%s)",
            [network, external_ids],
        )
        return dict(cursor.fetchall())
