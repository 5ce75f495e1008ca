"""Networks of many servers, each with ids of its own: id 123 of one server and 123 of another are different posts.

A post that is heard at such a server is stored under its id and the server's name ("123@x.example"), which its facts hold
too. Posts stored before this was so have the bare id; they get their full one when they are heard again, so that nothing
has to be rewritten at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from django.db import connection

from rapport.lib.pg import array

LONGEST = 500  # as the column of ids


def server_name(address: object) -> str:
    """The name of a server, and its port, out of an address or a handle as somebody typed it; "" for none."""
    found = re.match(r"\s*(?:\w+://)?(?:[^/?#]*@)?([^/?#\s]+)", address) if isinstance(address, str) else None
    return found[1].lower()[:200] if found else ""


def full_id(id_there: str, server: str) -> str:
    """The id under which a post is stored."""
    return f"{id_there[: LONGEST - len(server) - 1]}@{server}" if server else id_there


def id_there(stored: str, facts: Mapping[str, object]) -> str:
    """The network's own id of a stored post."""
    server = facts.get("server")
    return stored.removesuffix(f"@{server}") if server else stored


def give_full_ids(wanted: Iterable[tuple[str, str, str]]) -> None:
    """Posts with bare ids that are these (network, full id, server) get the full one. Under the lock of who stores.

    A bare id may be another server's: what it was heard by says so. Where that is not known any more it is taken to be
    the one that is heard again. In two statements, one if there is none.
    """
    rows = [
        (network, full, server, full.removesuffix(f"@{server}")) for network, full, server in wanted if server
    ]
    if not rows:
        return
    servers = {(network, bare, server): full for network, full, server, bare in rows}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT p.id, g.network, g.bare, g.server, s.options ->> 'server', c.settings ->> 'server'
            FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) AS g(network, bare, server, full_id)
            CROSS JOIN LATERAL (
                SELECT id, source_id, message_id FROM mentions_post
                WHERE network = g.network AND external_id = g.bare AND NOT facts ? 'server' OFFSET 0
            ) p
            LEFT JOIN mentions_source s ON s.id = p.source_id
            LEFT JOIN inbox_message m ON m.id = p.message_id
            LEFT JOIN brands_channel c ON c.id = m.channel_id
            WHERE NOT EXISTS (SELECT FROM mentions_post WHERE network = g.network AND external_id = g.full_id)
            """,
            [array(row[0] for row in rows), array(row[3] for row in rows), array(row[2] for row in rows),
             array(row[1] for row in rows)],
        )  # fmt: skip
        found = {
            post_id: (servers[(network, bare, server)], server)
            for post_id, network, bare, server, source_at, channel_at in cursor.fetchall()
            if (server_name(source_at) or server_name(channel_at) or server) == server
        }
        if found:
            cursor.execute(
                """
                UPDATE mentions_post p
                SET external_id = g.full_id, facts = p.facts || jsonb_build_object('server', g.server)
                FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS g(id, full_id, server) WHERE p.id = g.id
                """,
                [
                    array(found),
                    array(one[0] for one in found.values()),
                    array(one[1] for one in found.values()),
                ],
            )
