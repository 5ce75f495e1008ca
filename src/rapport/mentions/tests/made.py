"""Queries, posts and mentions for tests of this room, without a stream."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any

from rapport.brands.models import Brand
from rapport.inbox.tests.making import START
from rapport.mentions.models import Match, Mention, Post, Query, QueryKind, QueryVersion

_numbers = itertools.count(1)


def make_query(brand: Brand, text: str = "bag", kind: str = QueryKind.BRAND, name: str = "") -> Query:
    """A saved query with its first version."""
    query = Query.objects.create(brand=brand, name=name or f"Query {next(_numbers)}", kind=kind)
    query.version = QueryVersion.objects.create(query=query, number=1, text=text, canonical=text)
    query.save(update_fields=["version"])
    return query


def make_post(
    text: str = "Where is my bag?", *, network: str = "somewhere", sent_at: datetime = START, **more: Any
) -> Post:
    """A post as a stream would have stored it."""
    number = next(_numbers)
    fields: dict[str, Any] = {
        "external_id": f"p{number:06}",  # in the order in which they are made, of the same time
        "author": f"ana{number}",
        "author_name": "Ana",
        "author_id_there": f"person-{number}",
        "url": f"https://somewhere.example/p{number}",
        "lang": "en",
    }
    return Post.objects.create(network=network, text=text, sent_at=sent_at, **(fields | more))


def make_mention(
    brand: Brand, post: Post | None = None, *, query: Query | None = None, **more: Any
) -> Mention:
    """A mention of ``brand``, found by ``query``, whose words are marked where they stand first."""
    post = post or make_post()
    kinds = [query.kind] if query is not None else [QueryKind.BRAND]
    mention = Mention.objects.create(
        brand=brand, post=post, **({"sent_at": post.sent_at, "kinds": kinds} | more)
    )
    if query is not None and query.version is not None:
        term = query.version.text
        start = post.text.lower().find(term)
        why = [["text", start, start + len(term), term]] if start >= 0 else []
        Match.objects.create(
            mention=mention, query=query, version=query.version, why=why, sent_at=post.sent_at
        )
    return mention
