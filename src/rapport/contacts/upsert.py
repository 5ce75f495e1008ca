"""Identities and contacts for the authors of a batch, in a handful of statements."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from rapport.lib.pg import array
from rapport.networks.base import Author


@dataclass(frozen=True)
class AuthorSeen:
    """An author as a message showed them, and when (platform time)."""

    author: Author
    at: datetime


_KNOWN = """
SELECT external_id, id, handle, name, avatar_url, url, followers, unproven, seen_at FROM contacts_identity
WHERE network = %s AND external_id = ANY(%s::text[])
"""

_INSERT = """
WITH fresh AS MATERIALIZED (
    SELECT a.*, nextval('contacts_contact_id_seq') AS contact_id
    FROM unnest(%(ids)s::text[], %(handles)s::text[], %(names)s::text[], %(avatars)s::text[],
                %(urls)s::text[], %(followers)s::bigint[], %(unproven)s::bool[], %(seen)s::timestamptz[],
                %(brands)s::bool[])
        AS a(external_id, handle, name, avatar_url, url, followers, unproven, seen_at, is_brand)
), contact AS (
    INSERT INTO contacts_contact (id, name)
    SELECT contact_id, coalesce(nullif(name, ''), handle) FROM fresh
)
INSERT INTO contacts_identity
    (contact_id, network, external_id, handle, name, avatar_url, url, followers, unproven, seen_at, is_brand)
SELECT contact_id, %(network)s, external_id, handle, name, avatar_url, url, followers, unproven, seen_at, is_brand
FROM fresh RETURNING external_id, id
"""

_UPDATE = """
UPDATE contacts_identity i
SET handle = a.handle, name = a.name, avatar_url = a.avatar_url, url = a.url, followers = a.followers,
    unproven = a.unproven, seen_at = a.seen_at
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bool[], %s::timestamptz[])
    AS a(id, handle, name, avatar_url, url, followers, unproven, seen_at)
WHERE i.id = a.id
"""

_Profile = tuple[str, str, str, str, int | None, bool]


def upsert_identities(
    *, network: str, authors: Sequence[AuthorSeen], brand_accounts: Collection[str]
) -> dict[str, int]:
    """Make sure every author has an identity and a contact; returns identity id by external id.

    ``brand_accounts``: external ids that belong to a brand here. Must run in a transaction. Channels
    of one network are processed side by side, so creating identities is serialised per network, by
    a lock taken only when somebody new appears.
    """
    newest: dict[str, AuthorSeen] = {}
    for seen in sorted(authors, key=lambda one: one.at):
        before = newest.get(seen.author.external_id)
        newest[seen.author.external_id] = seen if before is None else _merged(before, seen)
    if not newest:
        return {}
    known = _known(network, list(newest))
    missing = [key for key in newest if key not in known]
    ids = {key: row[0] for key, row in known.items()}
    if missing:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('identities ' || %s))", [network])
        raced = _known(network, missing)  # somebody may have been faster to the lock
        ids |= {key: row[0] for key, row in raced.items()}
        ids |= _insert(network, [newest[key] for key in missing if key not in raced], brand_accounts)
    _update([(known[key], newest[key]) for key in known])
    return ids


def _merged(older: AuthorSeen, newer: AuthorSeen) -> AuthorSeen:
    """``newer``, with what it leaves blank taken from ``older``."""
    one, two = older.author, newer.author
    return AuthorSeen(
        Author(
            external_id=two.external_id,
            handle=two.handle or one.handle,
            name=two.name or one.name,
            avatar_url=two.avatar_url or one.avatar_url,
            url=two.url or one.url,
            followers=two.followers if two.followers is not None else one.followers,
            unproven=two.unproven,
        ),
        newer.at,
    )


def _known(network: str, external_ids: list[str]) -> dict[str, tuple[int, _Profile, datetime]]:
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [network, array(external_ids)])
        return {row[0]: (row[1], row[2:8], row[8]) for row in cursor.fetchall()}


def _insert(network: str, fresh: Sequence[AuthorSeen], brand_accounts: Collection[str]) -> dict[str, int]:
    if not fresh:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            {
                "network": network,
                "ids": array(one.author.external_id for one in fresh),
                "handles": array(one.author.handle for one in fresh),
                "names": array(one.author.name for one in fresh),
                "avatars": array(one.author.avatar_url for one in fresh),
                "urls": array(one.author.url for one in fresh),
                "followers": array(one.author.followers for one in fresh),
                "unproven": array(one.author.unproven for one in fresh),
                "seen": array(one.at for one in fresh),
                "brands": array(one.author.external_id in brand_accounts for one in fresh),
            },
        )
        return dict(cursor.fetchall())


def _update(pairs: Sequence[tuple[tuple[int, _Profile, datetime], AuthorSeen]]) -> None:
    """A newer message's name wins; an older one, arriving late, changes nothing. Blanks never overwrite."""
    rows = []
    for (identity_id, profile, seen_at), seen in pairs:
        author = seen.author
        merged: _Profile = (
            author.handle or profile[0],
            author.name or profile[1],
            author.avatar_url or profile[2],
            author.url or profile[3],
            author.followers if author.followers is not None else profile[4],
            author.unproven,
        )
        if merged != profile and seen.at >= seen_at:
            rows.append((identity_id, *merged, seen.at))
    if not rows:
        return
    rows.sort()  # two transactions then update common rows in one order and cannot deadlock
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE, [array(column) for column in zip(*rows, strict=True)])
