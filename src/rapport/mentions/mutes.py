"""What a brand does not want to see among its mentions: authors, words, sites. Nothing is deleted: a muted mention
is set aside, and comes back when the mute is taken away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from rapport.listening.text import handle_name, links, padded, plain, words
from rapport.mentions.models import Mute, MuteKind


class Mutes:
    """The mutes of one brand, ready to be asked of many posts."""

    def __init__(self, rows: Iterable[tuple[str, str, str]]) -> None:
        """``rows``: kind, network, value."""
        self._authors: set[tuple[str, str]] = set()
        self._sites: set[str] = set()
        self._words: list[str] = []
        for kind, network, value in rows:
            if kind == MuteKind.AUTHOR:
                self._authors.add((network, value))
            elif kind == MuteKind.SITE:
                self._sites.add(value)
            else:
                self._words.append(padded(value))

    def apply(
        self, *, network: str, author: str, text: str, title: str = "", addresses: Collection[str] = ()
    ) -> bool:
        """Whether the post is to be set aside. ``addresses``: of the post itself and those that the network told."""
        name = handle_name(author)
        if name and ((network, name) in self._authors or ("", name) in self._authors):
            return True
        if self._words:
            said = f" {words(plain(title))}  {words(plain(text))} "
            if any(one in said for one in self._words):
                return True
        return bool(self._sites) and any(
            self._is_site(site_of(address)) for address in (*addresses, *links(text), *links(title))
        )

    def _is_site(self, host: str) -> bool:
        parts = host.split(".")
        return any(".".join(parts[start:]) in self._sites for start in range(len(parts)))


# What of a mention's post is asked, in the order of :func:`is_muted`.
SAID = ("post__network", "post__author", "post__text", "post__title", "post__url", "post__facts")


def is_muted(mutes: Mutes, said: Sequence[Any]) -> bool:
    """Whether a post is to be set aside, of its columns :data:`SAID`."""
    network, author, text, title, url, facts = said
    links = facts.get("links") if isinstance(facts, dict) else None
    addresses = [url, *map(str, links if isinstance(links, list) else [])]
    return mutes.apply(network=network, author=author, text=text, title=title, addresses=addresses)


def site_of(address: str) -> str:
    """The host of an address, or of a site as people write it, without ``www.``; "" when there is none."""
    try:
        host = urlsplit(address if "://" in address else f"//{address}").hostname
    except ValueError:  # brackets that are no address of a host
        return ""
    return (host or "").casefold().rstrip(".").removeprefix("www.")


def mutes_of(brand_ids: Collection[int]) -> Mapping[int, Mutes]:
    """The mutes of these brands as they are now; brands without any are left out."""
    rows: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
    found = Mute.objects.filter(brand_id__in=brand_ids).order_by()
    for brand_id, kind, network, value in found.values_list("brand_id", "kind", "network", "value"):
        rows[brand_id].append((kind, network, value))
    return {brand_id: Mutes(ones) for brand_id, ones in rows.items()}


def clean_value(kind: str, value: str) -> str:
    """What a mute compares, of what was typed; "" when nothing is left of it."""
    if kind == MuteKind.AUTHOR:
        return handle_name(value)
    if kind == MuteKind.SITE:
        return site_of(value.strip())
    return words(value)
