"""The practice network's public posts, so that the demo hears people who tag nobody. Its tables are in this database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from django.db.models import Q
from django.db.models.functions import Greatest
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
    """No options. Cursor: ``after`` (a post's number), ``seen`` (numbers just before it), ``changed`` (time of the
    newest edit or deletion read) and ``changed_post`` (whose that was: several may have the same time)."""

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
    """What was changed since, and posts after the cursor; and whether there is more."""
    now = datetime.now(UTC)
    after, changed = int(at["after"]), datetime.fromisoformat(str(at["changed"]))
    public = (
        Post.objects.filter(visibility=PostVisibility.PUBLIC)
        .select_related("author")
        .prefetch_related(WITH_PICTURES)
    )
    seen = {int(one) for one in at.get("seen", [])}
    changed_post = int(at.get("changed_post", 0))
    since = Q(moment__gt=changed) | Q(moment=changed, pk__gt=changed_post)
    # Changes are read first: one made between the two readings is then found by the next round.
    moments = public.annotate(moment=Greatest("edited_at", "deleted_at"))
    old = list(moments.filter(since, pk__lte=after).order_by("moment", "pk")[:PAGE])
    new = list(public.filter(pk__gt=max(0, after - BEHIND)).exclude(pk__in=seen).order_by("pk")[:PAGE])
    heard = [one for post in [*old, *new] if (one := _heard(post, now)) is not None]
    if old:
        changed, changed_post = old[-1].moment, old[-1].pk
    after = max([after, *(post.pk for post in new)])
    kept = sorted(one for one in seen | {post.pk for post in new} if one > after - BEHIND)
    cursor = {"after": after, "changed": changed.isoformat(), "changed_post": changed_post, "seen": kept}
    return Chunk(heard, cursor), PAGE in (len(old), len(new))


def _heard(post: Post, now: datetime) -> Heard | None:
    if post.deleted_at is not None:
        gone = MessageDeleted(external_id=str(post.pk), deleted_at=post.deleted_at)
        return heard_of(gone, network="practice", received_at=now)
    kind = "post.created" if post.edited_at is None else "post.edited"
    (seen,) = parse_event(kind, {"type": kind, "post": post_json(post, reader_id=None)})
    return heard_of(seen, network="practice", received_at=now)


KINDS: tuple[SourceKind, ...] = (Practice(),)
