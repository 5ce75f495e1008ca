"""Four quiet weeks of a query, written as they would be stored, and what comes after."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import count

from rapport.brands.models import Brand
from rapport.mentions.models import Match, Mention, Post, Query
from rapport.mentions.tests.making import make_query

# A Wednesday; what is normal is learned from the Wednesdays before.
NOW = datetime(2026, 4, 8, 12, 2, tzinfo=UTC)
_numbers = count(1)


def found(query: Query, moments: Iterable[datetime], *, text: str = "aero again", **more: object) -> None:
    """Mentions of a query at these moments, set-based."""
    posts = [
        Post(
            network="somewhere",
            external_id=str(next(_numbers)),
            text=text,
            sent_at=moment,
            **{"author": f"person{n}", "author_id_there": f"id{n}", "lang": "en", **more},
        )
        for n, moment in enumerate(moments)
    ]
    Post.objects.bulk_create(posts)
    mentions = Mention.objects.bulk_create(
        Mention(brand_id=query.brand_id, post=post, sent_at=post.sent_at) for post in posts
    )
    Match.objects.bulk_create(
        Match(mention=mention, query=query, version=query.version, sent_at=mention.sent_at)
        for mention in mentions
    )


def quiet_weeks(brand: Brand, *, name: str = "aero", every: int = 30) -> Query:
    """A query that finds one mention every so many minutes for four weeks, up to now."""
    query = make_query(brand, "aero", name=name)
    began = NOW - timedelta(weeks=4)
    Query.objects.filter(pk=query.pk).update(created_at=began)
    query.refresh_from_db()
    minutes = range(0, 4 * 7 * 24 * 60, every)
    found(query, (began + timedelta(minutes=n) for n in minutes))
    return query


def burst(
    query: Query, number: int, *, before: float = 10.0, text: str = "aero flight cancelled #storm"
) -> None:
    """So many in the last minutes before now."""
    step = timedelta(minutes=before) / max(1, number)
    found(query, [NOW - step * n for n in range(number)], text=text)
