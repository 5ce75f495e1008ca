"""For worlds of browser tests: what a brand listens for, what was heard of it, and an alert, each with its page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rapport.brands.models import Brand
    from rapport.staff.models import User

_TITLED = 4  # of the posts, the last; the first three are copies of each other


def make_heard(*, brand: Brand, lead: User, word: str, long: Callable[[int], str]) -> dict[str, str]:
    """The addresses by their names. ``word`` is what is listened for, ``long(n)`` words of n characters."""
    from django.urls import reverse
    from django.utils import timezone

    from rapport.inbox.models import Priority
    from rapport.listening.post import Post
    from rapport.mentions.case_rules import Asked, save_rule
    from rapport.mentions.hearing import Heard, hear
    from rapport.mentions.models import Alert, Mention
    from rapport.mentions.muting import add_mute
    from rapport.mentions.partners import add_partner
    from rapport.mentions.saving import save_query
    from rapport.mentions.spikes.about import about

    now = timezone.now()
    slug = brand.slug
    query = save_query(user=lead, brand_id=brand.pk, name=long(80), text=f'"{word}" OR {slug}', kind="brand")
    save_query(
        user=lead, brand_id=brand.pk, name=f"2 {long(70)}", text=f"{slug} NOT {word}", kind="competitor"
    )
    save_query(
        user=lead, brand_id=brand.pk, name=long(80), text=f"{slug} {word}", kind="brand", query_id=query.pk
    )
    add_mute(user=lead, brand_id=brand.pk, kind="word", value=long(60))
    add_mute(user=lead, brand_id=brand.pk, kind="site", value="a-rather-long-name-of-a-site.example")
    add_partner(user=lead, brand_id=brand.pk, handle=f"{slug}{'w' * 60}", network="mastodon")
    asked = Asked(
        name=long(80), kinds=["brand", "competitor"], queries=[query.pk], langs=["en", "th"], networks=["bluesky"],
        reach_from=1000, relevance_from=90, priority=Priority.URGENT,
    )  # fmt: skip
    rule = save_rule(user=lead, brand_id=brand.pk, asked=asked)
    posts = [
        Post(
            id=f"{slug}-heard-{number}",
            text=f"{word} {slug} {said} https://example.com/{'w' * 300}",
            title=long(300) if number == _TITLED else None,
            author=f"{slug}{long(60)}{number}",
            author_name=long(200),
            created_at=now - timedelta(minutes=90 - number),
            network="bluesky",
            url=f"https://example.com/{slug}/{number}",
            lang="en",
            followers=123_456_789,
            likes=number,
        )
        for number, said in enumerate((long(400), long(400), long(400), "?", long(2000)))
    ]
    hear([Heard(post=post, author_id=post.author or "") for post in posts], source_key="jetstream")
    found = Mention.objects.filter(brand=brand).order_by("id")
    alert = Alert.objects.create(
        brand=brand,
        query=query,
        began_at=now - timedelta(hours=2),
        seen=len(posts),
        expected=0.4,
        about=about(query_id=query.pk, since=now - timedelta(hours=2), until=now)
        | {
            "hours": [[(now - timedelta(hours=hour)).isoformat(), 9 - hour, 0.4] for hour in range(8, -1, -1)]
        },
    )
    return {
        "mention": reverse("mention", args=[found.latest("id").pk]),
        "mentions": f"{reverse('mentions')}?brand={slug}",
        "query": reverse("query", args=[query.pk]),
        "query-versions": reverse("query-versions", args=[query.pk]),
        "case-rule": reverse("case-rule", args=[rule.pk]),
        "voice": f"{reverse('voice')}?brand={slug}",
        "alert": reverse("alert", args=[alert.pk]),
        "alert-settings": reverse("alert-settings", args=[slug]),
    }
