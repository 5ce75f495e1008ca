"""What a query would have found: a look through stored public messages and posts before it is saved.

It goes from the newest backwards, in steps that are bounded in time and in what is read; a step hands back a
:class:`Seen` with which the next one goes on. What is kept between is counts and the places of the sample, however
much was looked at. Exact: every message of a step is asked, none is passed over by its words.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Exists, F, Func, IntegerField, OuterRef, QuerySet
from django.utils import timezone

from rapport.inbox.models import Message
from rapport.listening.matcher import Matcher
from rapport.listening.post import Post
from rapport.listening.query import Query as Asked
from rapport.listening.reference import Hit, evaluate
from rapport.mentions.examples import LONGEST_EXAMPLE
from rapport.mentions.exclusions import Exclusions, exclusions_of
from rapport.mentions.models import Mention
from rapport.mentions.models import Post as StoredPost
from rapport.mentions.stored import POST_FIELDS, message_posts, post_of
from rapport.staff.access import brand_ids_for
from rapport.staff.models import User
from rapport.staff.permissions import Permission

DAYS = 30
SAMPLE = 20
MOST = 100_000  # looked at in all steps together
_STEP_S = 1.5
_SAMPLE_S = 1.0  # for finding the places in a sample's texts
_PAGE = 2000  # ids at a time
_PAGE_BYTES = 1_000_000  # of text at a time
# How long a text is, without reading it.
_BYTES = Func(F("text"), function="octet_length", output_field=IntegerField())


@dataclass
class Seen:
    """How far it came. ``message`` and ``post``: the ids below which to go on, 0 when there are none left.

    ``sample`` has ids with "m" or "p" before; ``oldest`` is when the oldest that was looked at was sent.
    """

    since: datetime
    message: int
    post: int
    looked: int = 0
    found: int = 0
    days: Counter[str] = field(default_factory=Counter)
    langs: Counter[str] = field(default_factory=Counter)
    sample: list[str] = field(default_factory=list)
    oldest: datetime | None = None

    @property
    def finished(self) -> bool:
        """Whether all the days were looked through."""
        return self.message == 0 and self.post == 0

    @property
    def full(self) -> bool:
        """Whether it ends here although there is more: it looked at as much as it may."""
        return not self.finished and self.looked >= MOST


@dataclass(frozen=True)
class Sampled:
    """A post that was found, with the places of its text that are why: none where finding them takes too long.

    ``start`` is where, of a long text, the part begins that shows it; it has ``LONGEST_EXAMPLE`` characters.
    """

    key: str
    post: Post
    why: tuple[Hit, ...]
    start: int = 0


def begin(*, days: int = DAYS) -> Seen:
    """Before the first step. What comes while one looks is not looked at."""
    since = timezone.now() - timedelta(days=days)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce((SELECT max(id) FROM inbox_message), 0), coalesce((SELECT max(id) FROM mentions_post), 0)"
        )
        message, post = cursor.fetchone()
    # Both are "below this one".
    return Seen(since=since, message=message + 1 if message else 0, post=post + 1 if post else 0)


def look(
    *, user: User, asked: Asked, seen: Seen, brand_id: int | None = None, seconds: float = _STEP_S
) -> Seen:
    """One step: for about ``seconds``, or until ``MOST`` was looked at, go on from where ``seen`` ends.

    ``brand_id`` is whose query it would be: what its partners write is no mention of it.
    """
    brands = brand_ids_for(user, Permission.VIEW_CASES)
    partners = exclusions_of([brand_id] if brand_id is not None and brand_id in brands else [])
    matcher = Matcher({0: asked})
    until = time.monotonic() + seconds
    while not seen.finished and not seen.full:
        # Posts come first: they are few, and what is newest of both is what a sample is of.
        if seen.post:
            rows, seen.post = _stored(brands, seen)
        else:
            rows, seen.message = _messages(brands, seen)
        _count(seen, [row for row in rows if not _is_partner(partners, brand_id, row[1])], matcher)
        if time.monotonic() >= until:
            break
    return seen


def _messages(brands: Sequence[int], seen: Seen) -> tuple[list[tuple[str, Post]], int]:
    """The public messages of others on a page of ids, and where the next page begins: 0 when none is left.

    A page is so many ids and not so many messages, so that a step costs the same whoever's messages are there.
    """
    low = max(0, seen.message - 1 - _PAGE)
    rows = Message.objects.filter(
        id__gt=low,
        id__lt=seen.message,
        brand_id__in=brands,
        visibility="public",
        own=False,
        from_brand=False,
        deleted_at=None,
        sent_at__gte=seen.since,
    )
    low = _bounded(rows.order_by("-id").values_list("id", _BYTES), low)
    rows = rows.filter(id__gt=low).order_by("-id")
    found = [(f"m{number}", post) for number, post in message_posts(rows)]
    return found, _next(Message.objects.filter(id__lte=low), seen.since)


def _stored(brands: Sequence[int], seen: Seen) -> tuple[list[tuple[str, Post]], int]:
    """The same of posts that no channel of ours heard: those that a query of one's brands found."""
    low = max(0, seen.post - 1 - _PAGE)
    of_brand = Mention.objects.filter(post=OuterRef("pk"), brand_id__in=brands)
    rows = StoredPost.objects.filter(
        Exists(of_brand),
        id__gt=low,
        id__lt=seen.post,
        message=None,
        deleted_at=None,
        sent_at__gte=seen.since,
    )
    low = _bounded(rows.order_by("-id").values_list("id", _BYTES), low)
    rows = rows.filter(id__gt=low).order_by("-id")
    found = [(f"p{row['id']}", post_of(row)) for row in rows.values(*POST_FIELDS)]
    return found, _next(StoredPost.objects.filter(id__lte=low), seen.since)


def _bounded(sizes: Iterable[tuple[int, int]], low: int) -> int:
    """Above which id a page ends: ``low``, or earlier once it has so much text as is read at a time."""
    left = _PAGE_BYTES
    for number, size in sizes:
        if left <= 0:
            return number
        left -= size
    return low


def _next(below: QuerySet[Message] | QuerySet[StoredPost], since: datetime) -> int:
    """Below which id to go on: 0 when what is left arrived, and so was sent, before the days that are asked for."""
    newest = below.order_by("-id").values_list("id", "arrived_at").first()
    return newest[0] + 1 if newest is not None and newest[1] >= since else 0


def _is_partner(partners: Exclusions, brand_id: int | None, post: Post) -> bool:
    return brand_id is not None and partners.apply(
        brand_id=brand_id, network=post.network or "", author_id="", handle=post.author or ""
    )


def _count(seen: Seen, rows: Sequence[tuple[str, Post]], matcher: Matcher) -> None:
    zone = timezone.get_current_timezone()
    matches = matcher.match_many(post for _key, post in rows)
    for (key, post), found in zip(rows, matches, strict=True):
        sent_at = post.created_at or seen.since
        seen.looked += 1
        seen.oldest = min(seen.oldest or sent_at, sent_at)
        if found:
            seen.found += 1
            seen.days[sent_at.astimezone(zone).date().isoformat()] += 1
            seen.langs[post.lang or ""] += 1
            if len(seen.sample) < SAMPLE:
                seen.sample.append(key)


def sample(*, user: User, asked: Asked, keys: Iterable[str], seconds: float = _SAMPLE_S) -> list[Sampled]:
    """The posts of a sample, in its order, with why each is found; what went meanwhile is left out.

    After ``seconds`` the posts that are left come without why.
    """
    keys = list(keys)[:SAMPLE]
    brands = brand_ids_for(user, Permission.VIEW_CASES)
    numbers = {kind: [int(key[1:]) for key in keys if key[0] == kind] for kind in "mp"}
    messages = Message.objects.filter(
        id__in=numbers["m"], brand_id__in=brands, visibility="public", deleted_at=None
    )
    of_brand = Mention.objects.filter(post=OuterRef("pk"), brand_id__in=brands)
    posts = StoredPost.objects.filter(Exists(of_brand), id__in=numbers["p"], deleted_at=None)
    found = {f"m{number}": post for number, post in message_posts(messages)}
    found |= {f"p{row['id']}": post_of(row) for row in posts.values(*POST_FIELDS)}
    there = [key for key in keys if key in found]
    matches = Matcher({0: asked}).match_many(found[key] for key in there)
    until = time.monotonic() + seconds
    return [
        Sampled(key, found[key], *_why(asked, found[key], until))
        for key, matched in zip(there, matches, strict=True)
        if matched
    ]


def _why(asked: Asked, post: Post, until: float) -> tuple[tuple[Hit, ...], int]:
    """Why a post is found, and where the first part of its text begins that is found by itself.

    A long text is looked at in parts, since what is why in the whole of it can take minutes to say.
    """
    for start in range(0, max(1, len(post.text)), LONGEST_EXAMPLE // 2):
        if time.monotonic() >= until:
            break
        result = evaluate(asked, replace(post, text=post.text[start : start + LONGEST_EXAMPLE]))
        if result.matched:
            return tuple(_moved(hit, start) for hit in result.why), start
    return (), 0


def _moved(hit: Hit, by: int) -> Hit:
    return replace(hit, start=hit.start + by, end=hit.end + by) if hit.where == "text" else hit


def volume(seen: Seen) -> list[tuple[date, int]]:
    """How many were found on each of the days, oldest first, those without any included."""
    first, last = timezone.localtime(seen.since).date(), timezone.localdate()
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [(day, seen.days.get(day.isoformat(), 0)) for day in days]


def as_json(seen: Seen) -> dict[str, object]:
    """What :func:`from_json` reads again."""
    return {
        "since": seen.since.timestamp(),
        "message": seen.message,
        "post": seen.post,
        "looked": seen.looked,
        "found": seen.found,
        "days": dict(seen.days),
        "langs": dict(seen.langs),
        "sample": seen.sample,
        "oldest": seen.oldest.timestamp() if seen.oldest else None,
    }


def from_json(kept: dict[str, Any]) -> Seen:
    """How far a look came, of what was signed by us."""
    oldest = kept["oldest"]
    return Seen(
        since=datetime.fromtimestamp(kept["since"], UTC),
        message=kept["message"],
        post=kept["post"],
        looked=kept["looked"],
        found=kept["found"],
        days=Counter(kept["days"]),
        langs=Counter(kept["langs"]),
        sample=list(kept["sample"]),
        oldest=datetime.fromtimestamp(oldest, UTC) if oldest is not None else None,
    )
