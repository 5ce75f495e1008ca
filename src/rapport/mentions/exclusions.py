"""Whose posts are no mentions of a brand: its own channels' accounts, and partners' that it named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db import connection

from rapport.lib.pg import array
from rapport.listening.text import handle_name
from rapport.mentions.servers import server_name


@dataclass(frozen=True, slots=True)
class Exclusions:
    """Accounts by brand, by the network's id or by handle; a partner's network "" is every one.

    ``ids``: with the servers at which the id is a channel's; "" where ids are the whole network's.
    """

    ids: Mapping[tuple[int, str, str], frozenset[str]]
    handles: frozenset[tuple[int, str, str]]

    def apply(self, *, brand_id: int, network: str, author_id: str, handle: str, server: str = "") -> bool:
        """Whether what this account writes is no mention of the brand. ``server``: whose id ``author_id`` is."""
        at = self.ids.get((brand_id, network, author_id), ()) if author_id else ()
        if at and (not server or server in at or "" in at):
            return True
        name = handle_name(handle)
        return bool(name) and (
            (brand_id, network, name) in self.handles or (brand_id, "", name) in self.handles
        )


def exclusions_of(brand_ids: Collection[int]) -> Exclusions:
    """The exclusions of these brands as they are now."""
    if not brand_ids:
        return Exclusions({}, frozenset())
    brands = array(sorted(brand_ids))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT brand_id, network, external_id, handle, settings ->> 'server' FROM brands_channel "
            "WHERE brand_id = ANY(%s::bigint[])",
            [brands],
        )
        channels = cursor.fetchall()
        cursor.execute(
            "SELECT brand_id, network, handle FROM mentions_partneraccount WHERE brand_id = ANY(%s::bigint[])",
            [brands],
        )
        partners = cursor.fetchall()
    named = {
        (brand_id, network, name)
        for brand_id, network, handle in [*((b, n, h) for b, n, _, h, _s in channels), *partners]
        if (name := handle_name(handle))
    }
    ids: dict[tuple[int, str, str], set[str]] = defaultdict(set)
    for brand_id, network, external_id, _handle, server in channels:
        ids[(brand_id, network, external_id)].add(server_name(server))
    return Exclusions({key: frozenset(at) for key, at in ids.items()}, frozenset(named))
