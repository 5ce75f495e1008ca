"""A small world for tests of mentions: queries as they are saved, and posts as they are heard."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from rapport.brands.models import Brand
from rapport.listening.parse import parse
from rapport.listening.post import Post
from rapport.listening.show import show
from rapport.mentions.hearing import Heard
from rapport.mentions.matching import note_change
from rapport.mentions.models import Query, QueryKind, QueryState, QueryVersion

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def make_query(brand: Brand, text: str, *, name: str = "", kind: str = QueryKind.BRAND) -> Query:
    """A query that listens, without looking back."""
    with transaction.atomic():
        query = Query.objects.create(brand=brand, name=name or text[:80], kind=kind, state=QueryState.ACTIVE)
        change_query(query, text)
    return query


def change_query(query: Query, text: str) -> None:
    """Other words for a query: its next version."""
    with transaction.atomic():
        number = QueryVersion.objects.filter(query=query).count() + 1
        query.version = QueryVersion.objects.create(
            query=query, number=number, text=text, canonical=show(parse(text))
        )
        query.save(update_fields=["version"])
        note_change()


def heard(post_id: str, text: str, *, minutes: float = 0, **more: Any) -> Heard:
    """A post of the network "somewhere"; ``more`` is of the post or of what was heard."""
    known = {name: more.pop(name) for name in list(more) if name in Heard.__slots__}
    fields = {"author": "ana", "network": "somewhere", "created_at": at(minutes), **more}
    return Heard(Post(post_id, text, **fields), **{"author_id": f"id-{fields['author']}", **known})
