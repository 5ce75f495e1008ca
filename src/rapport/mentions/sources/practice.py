"""The practice network's public posts, so that the demo hears people who tag nobody. Its tables are in this database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy

from rapport.mentions.hearing import Heard
from rapport.mentions.sources.base import Chunk, Given, SourceKind, Stop, idle
from rapport.mentions.sources.events import heard_of
from rapport.networks.base import MessageDeleted
from rapport.networks.practice.models import Post, PostVisibility
from rapport.networks.practice.parse import parse_event
from rapport.networks.practice.pictures import WITH_PICTURES
from rapport.networks.practice.wire import post_json

PAGE = 500
PACE_S = 1.0
# A post may be committed after one with a higher number: so many numbers are looked at again.
BEHIND = 500


class Practice(SourceKind):
    """No options. Cursor: ``after`` (a post's number), ``seen`` (numbers just before it) and ``changed`` (time of
    the newest edit or deletion read)."""

    key = "practice"
    label = gettext_lazy("Practice network")
    about = gettext_lazy("Every public post of the practice network.")
    network = "practice"

    def run(self, given: Given, cursor: Mapping[str, Any], stop: Stop) -> Iterator[Chunk]:
        at = dict(cursor)
        if type(at.get("after")) is not int:
            # Its past is there already: a new source begins with it, which takes a moment.
            at = {"after": 0, "changed": datetime.now(UTC).isoformat()}
        while not stop():
            chunk, more = _read(at)
            at = chunk.cursor
            yield chunk
            if not more:
                yield from idle(PACE_S, at, stop)


def _read(at: Mapping[str, Any]) -> tuple[Chunk, bool]:
    """Posts after the cursor, then what was changed since; and whether there is more."""
    now = datetime.now(UTC)
    after, changed = int(at["after"]), datetime.fromisoformat(str(at["changed"]))
    public = (
        Post.objects.filter(visibility=PostVisibility.PUBLIC)
        .select_related("author")
        .prefetch_related(WITH_PICTURES)
        .order_by("pk")
    )
    seen = {int(one) for one in at.get("seen", [])}
    since = Q(edited_at__gt=changed) | Q(deleted_at__gt=changed)
    new = list(public.filter(pk__gt=max(0, after - BEHIND)).exclude(pk__in=seen)[:PAGE])
    old = list(public.filter(since, pk__lte=after).exclude(pk__in=[post.pk for post in new])[:PAGE])
    heard = [one for post in [*old, *new] if (one := _heard(post, now)) is not None]
    moments = [one for post in [*old, *new] for one in (post.edited_at, post.deleted_at) if one is not None]
    through = max([changed, *moments])
    after = max([after, *(post.pk for post in new)])
    kept = sorted(one for one in seen | {post.pk for post in new} if one > after - BEHIND)
    return Chunk(heard, {"after": after, "changed": through.isoformat(), "seen": kept}), len(new) == PAGE


def _heard(post: Post, now: datetime) -> Heard | None:
    if post.deleted_at is not None:
        gone = MessageDeleted(external_id=str(post.pk), deleted_at=post.deleted_at)
        return heard_of(gone, network="practice", received_at=now)
    kind = "post.created" if post.edited_at is None else "post.edited"
    (seen,) = parse_event(kind, {"type": kind, "post": post_json(post, reader_id=None)})
    return heard_of(seen, network="practice", received_at=now)


KINDS: tuple[SourceKind, ...] = (Practice(),)
