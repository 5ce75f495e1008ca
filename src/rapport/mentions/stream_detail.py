"""One mention with why it was found and what repeats it, and what the stream can be narrowed to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

from rapport.mentions.handling import access_mention
from rapport.mentions.models import Mention, Query
from rapport.mentions.stream import Found, found_of
from rapport.staff.access import brand_ids_for
from rapport.staff.models import User
from rapport.staff.permissions import Permission

MOST_COPIES: Final = 50


@dataclass(frozen=True, kw_only=True)
class MentionDetail:
    """One mention, why it was found, and the newest of what is folded into it."""

    mention: Mention
    found: tuple[Found, ...]
    copies: tuple[Mention, ...]


def mention_detail(*, user: User, mention_id: int) -> MentionDetail:
    """A mention of one of this person's brands. Raises NotFound."""
    mention = access_mention(user=user, mention_id=mention_id)
    copies = (
        Mention.objects.select_related("post")
        .filter(folded_into_id=mention.id)
        .order_by("-sent_at", "-id")[:MOST_COPIES]
    )
    return MentionDetail(
        mention=mention,
        found=found_of([mention.id]).get(mention.id, ()),
        copies=tuple(copies) if mention.copies else (),
    )


def choices(*, user: User) -> dict[str, list[Any]]:
    """What the list can be narrowed to: queries, and the networks and languages of the newest thousand."""
    brands = brand_ids_for(user, Permission.VIEW_CASES)
    queries = list(Query.objects.filter(brand_id__in=brands, deleted_at__isnull=True).order_by("name", "id"))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(array_agg(DISTINCT p.network), '{}'), coalesce(array_agg(DISTINCT p.lang), '{}') "
            "FROM (SELECT m.post_id FROM unnest(%s::bigint[]) AS b(id) CROSS JOIN LATERAL "
            "(SELECT post_id FROM mentions_mention WHERE brand_id = b.id ORDER BY post_id DESC LIMIT 1000) m "
            "ORDER BY m.post_id DESC LIMIT 1000) m JOIN mentions_post p ON p.id = m.post_id",
            [brands],
        )
        networks, langs = cursor.fetchone()
    return {"queries": queries, "networks": sorted(networks), "langs": sorted(one for one in langs if one)}
