"""What follows for mentions when posts came, changed or went: matches, kinds, relevance, mutes, folding.

A mention that is new or muted and that nobody dealt with may go again; one that somebody dealt with stays.
Everything here is derived from posts, matches and mutes. Must run under the lock of ``folding.py``.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import F

from rapport.lib.live import notify_mentions
from rapport.lib.pg import array
from rapport.mentions import folding
from rapport.mentions.matching import Found
from rapport.mentions.models import Mention, MentionState
from rapport.mentions.mutes import mutes_of
from rapport.mentions.relevance import relevance


@dataclass(slots=True)
class Settled:
    """``new_mentions``: those that came and stand in a list. ``removed_posts``: network, id there, edited, deleted."""

    new_mentions: list[int] = field(default_factory=list)
    removed_posts: list[tuple[str, str, datetime | None, bool]] = field(default_factory=list)


def take_out(post_ids: Sequence[int]) -> list[int]:
    """Unfold the mentions of posts that are about to change. Returns those that must be folded again."""
    if not post_ids:
        return []
    ids = [
        row[0] for row in _rows("SELECT id FROM mentions_mention WHERE post_id = ANY(%s::bigint[])", post_ids)
    ]
    return [*ids, *folding.leave(ids)]


def add_matches(placed: Sequence[tuple[int, Sequence[Found]]], *, replaced: Collection[int] = ()) -> None:
    """Store what finds each of these posts, and the mentions that makes. Posts in ``replaced`` have new words: what matched
    the old ones goes, unless somebody dealt with the mention."""
    if not placed:
        return
    rows = [
        {
            "post": post_id,
            "brand": one.known.brand_id,
            "query": one.known.query_id,
            "version": one.known.version_id,
            "why": one.why,
        }
        for post_id, found in placed
        for one in found
    ]
    with connection.cursor() as cursor:
        given = {"rows": json.dumps(rows), "replaced": array(replaced)}
        cursor.execute(
            """
            INSERT INTO mentions_mention
                (brand_id, post_id, state, kinds, relevance, reach, copies, fold_key, sent_at)
            SELECT DISTINCT g.brand, g.post, 'new', '{}'::varchar[], 0, p.followers, 0, p.likeness, p.sent_at
            FROM jsonb_to_recordset(%(rows)s::jsonb) AS g(post bigint, brand bigint) CROSS JOIN LATERAL (
                SELECT coalesce(followers, 0) AS followers, likeness, sent_at FROM mentions_post
                WHERE id = g.post OFFSET 0
            ) p
            ON CONFLICT (brand_id, post_id) DO NOTHING
            """,
            given,
        )
        cursor.execute(
            """
            DELETE FROM mentions_match t
            USING (
                SELECT found.id FROM unnest(%(replaced)s::bigint[]) AS g(post)
                CROSS JOIN LATERAL (
                    SELECT id FROM mentions_mention m WHERE post_id = g.post
                        AND m.state IN ('new', 'muted') AND m.handled_at IS NULL OFFSET 0
                ) m
                CROSS JOIN LATERAL (SELECT id, query_id FROM mentions_match WHERE mention_id = m.id OFFSET 0) found
                WHERE NOT EXISTS (
                    SELECT FROM jsonb_to_recordset(%(rows)s::jsonb) AS now(post bigint, query bigint)
                    WHERE now.post = g.post AND now.query = found.query_id
                )
            ) old
            WHERE t.id = old.id
            """,
            given,
        )
        cursor.execute(
            """
            INSERT INTO mentions_match (mention_id, query_id, version_id, why, sent_at)
            SELECT m.id, g.query, g.version, g.why, m.sent_at
            FROM jsonb_to_recordset(%(rows)s::jsonb)
                AS g(post bigint, brand bigint, query bigint, version bigint, why jsonb)
            CROSS JOIN LATERAL (
                -- Many indexes begin with the brand; this leaves the planner the one by post.
                SELECT id, sent_at FROM mentions_mention WHERE brand_id + 0 = g.brand AND post_id = g.post OFFSET 0
            ) m
            ON CONFLICT (mention_id, query_id) DO UPDATE SET version_id = excluded.version_id, why = excluded.why
            WHERE mentions_match.mention_id IN (
                SELECT m.id FROM unnest(%(replaced)s::bigint[]) AS r(post)
                CROSS JOIN LATERAL (SELECT id FROM mentions_mention WHERE post_id = r.post OFFSET 0) m
            )
            """,
            given,
        )


def take_away(*, match_ids: Sequence[int], post_ids: Sequence[int]) -> None:
    """Take matches away again that hold no more, of mentions that nobody dealt with, and what follows from that."""
    if not match_ids:
        return
    _rows(
        """
        DELETE FROM mentions_match t
        USING (
            SELECT f.id FROM unnest(%s::bigint[]) AS g(id)
            CROSS JOIN LATERAL (SELECT id, mention_id FROM mentions_match WHERE id = g.id OFFSET 0) f
            CROSS JOIN LATERAL (
                SELECT FROM mentions_mention m
                WHERE id = f.mention_id AND m.state IN ('new', 'muted') AND m.handled_at IS NULL OFFSET 0
            ) m
        ) old
        WHERE t.id = old.id RETURNING t.id
        """,
        match_ids,
    )
    settle(post_ids=post_ids)


def mute(mention_ids: Collection[int], *, muted: bool) -> None:
    """Set new mentions aside, or make those that were new again; copies of theirs stand by themselves meanwhile."""
    folding.lock()
    alone = folding.leave(mention_ids)
    before, after = (
        (MentionState.NEW, MentionState.MUTED) if muted else (MentionState.MUTED, MentionState.NEW)
    )
    Mention.objects.filter(id__in=mention_ids, state=before).update(
        state=after, version=F("version") + 1, handled_by=None, handled_at=None
    )
    folding.join({*alone, *mention_ids})


def regroup(mention_ids: Collection[int]) -> None:
    """After people changed their states: what is muted stands by itself, the others where they belong."""
    folding.join({*folding.leave(mention_ids), *mention_ids})


def settle(*, post_ids: Sequence[int], deleted: Sequence[int] = (), left: Sequence[int] = ()) -> Settled:
    """Bring the mentions of these posts in line with them. ``left``: what :func:`take_out` gave."""
    settled = Settled()
    if deleted:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE mentions_post SET deleted_at = now() WHERE id = ANY(%s::bigint[])", [array(deleted)]
            )
    doomed = _doomed(post_ids)
    alone = {*left, *folding.leave(doomed)}
    brands = set()
    if doomed:
        gone = Mention.objects.filter(id__in=doomed)
        brands |= set(gone.order_by().values_list("brand_id", flat=True))
        gone.delete()
        settled.removed_posts = _remove_posts(post_ids)
    mentions = _read(post_ids)
    alone |= {one.id for one in mentions if one.fresh} | _write(mentions, changed=set(left))
    folded = folding.join(alone - set(doomed))
    settled.new_mentions = [
        one.id for one in mentions if one.fresh and one.state == MentionState.NEW and one.id not in folded
    ]
    for brand_id in sorted(brands | {one.brand_id for one in mentions}):
        notify_mentions(brand_id=brand_id)
    return settled


def _doomed(post_ids: Sequence[int]) -> list[int]:
    """The mentions that nobody dealt with and that nothing finds any more."""
    rows = _rows(
        """
        SELECT m.id FROM unnest(%s::bigint[]) AS g(id)
        CROSS JOIN LATERAL (SELECT deleted_at FROM mentions_post WHERE id = g.id OFFSET 0) p
        CROSS JOIN LATERAL (
            SELECT id FROM mentions_mention m
            WHERE post_id = g.id AND m.state IN ('new', 'muted') AND m.handled_at IS NULL OFFSET 0
        ) m
        WHERE p.deleted_at IS NOT NULL OR NOT EXISTS (SELECT FROM mentions_match WHERE mention_id = m.id)
        """,
        post_ids,
    )
    return [row[0] for row in rows]


def _remove_posts(post_ids: Sequence[int]) -> list[tuple[str, str, datetime | None, bool]]:
    return _rows(
        """
        DELETE FROM mentions_post p
        WHERE id = ANY(%s::bigint[]) AND NOT EXISTS (SELECT FROM mentions_mention WHERE post_id = p.id)
        RETURNING network, external_id, edited_at, deleted_at IS NOT NULL
        """,
        post_ids,
    )


@dataclass(slots=True)
class _Mention:
    id: int
    brand_id: int
    state: str
    fresh: bool  # not settled before: it has no kinds yet
    handled: bool
    kinds: list[str]
    relevance: int
    matches: list[tuple[str, list[list[Any]]]]
    post: Mapping[str, Any]


def _read(post_ids: Sequence[int]) -> list[_Mention]:
    rows = _rows(
        """
        SELECT m.id, m.brand_id, m.state, m.handled_at IS NOT NULL, to_jsonb(m.kinds), m.relevance, found.by, to_jsonb(p)
        FROM unnest(%s::bigint[]) AS g(id)
        CROSS JOIN LATERAL (
            SELECT network, author, text, title, url, facts, original_external_id FROM mentions_post WHERE id = g.id OFFSET 0
        ) p
        CROSS JOIN LATERAL (SELECT * FROM mentions_mention WHERE post_id = g.id OFFSET 0) m
        CROSS JOIN LATERAL (
            SELECT jsonb_agg(jsonb_build_array(q.kind, t.why)) AS by
            FROM (SELECT query_id, why FROM mentions_match WHERE mention_id = m.id OFFSET 0) t
            CROSS JOIN LATERAL (SELECT kind FROM mentions_query WHERE id = t.query_id OFFSET 0) q
        ) found
        """,
        sorted(set(post_ids)),
    )
    found = []
    for mention_id, brand_id, state, handled, kinds, score, by, post in rows:
        matches = [(kind, why) for kind, why in json.loads(by or "[]")]
        before = json.loads(kinds)
        found.append(
            _Mention(
                mention_id, brand_id, state, not before, handled, before, score, matches, json.loads(post)
            )
        )
    return found


def _write(mentions: Sequence[_Mention], *, changed: Collection[int]) -> set[int]:
    """Store what is derived of each; those in ``changed`` have new words, so an act on their old ones is refused.

    Returns those that must be folded anew.
    """
    mutes = mutes_of({one.brand_id for one in mentions})
    rows = []
    moved = set()
    for one in mentions:
        state = one.state
        if state in (MentionState.NEW, MentionState.MUTED) and not one.handled:
            of_brand = mutes.get(one.brand_id)
            muted = of_brand is not None and of_brand.apply(
                network=one.post["network"],
                author=one.post["author"],
                text=one.post["text"],
                title=one.post["title"],
                addresses=[one.post["url"], *one.post["facts"].get("links", ())],
            )
            state = MentionState.MUTED.value if muted else MentionState.NEW.value
        kinds = sorted({kind for kind, _ in one.matches})
        score = relevance(
            text=one.post["text"],
            repeats=bool(one.post["original_external_id"] or one.post["facts"].get("is_repost")),
            matches=one.matches,
        )
        if state != one.state and not one.fresh:
            moved.add(one.id)
        if (state, kinds, score) != (one.state, one.kinds, one.relevance) or one.id in changed:
            rows.append({"id": one.id, "state": state, "kinds": kinds, "relevance": score,
                         "changed": one.id in changed})  # fmt: skip
        one.state = state
    if rows:
        moved.update(folding.leave(moved))
        with connection.cursor() as cursor:
            cursor.execute(
                """
                UPDATE mentions_mention m
                SET state = g.state, relevance = g.relevance,
                    kinds = ARRAY(SELECT jsonb_array_elements_text(g.kinds)),
                    version = m.version + g.changed::int,
                    reach = CASE WHEN g.changed THEN p.followers ELSE m.reach END,
                    fold_key = p.likeness
                FROM jsonb_to_recordset(%s::jsonb)
                    AS g(id bigint, state text, kinds jsonb, relevance int, changed bool)
                CROSS JOIN LATERAL (SELECT post_id FROM mentions_mention WHERE id = g.id OFFSET 0) here
                CROSS JOIN LATERAL (
                    SELECT coalesce(followers, 0) AS followers, likeness FROM mentions_post
                    WHERE id = here.post_id OFFSET 0
                ) p
                WHERE m.id = g.id
                """,
                [json.dumps(rows)],
            )
    return moved


def _rows(statement: str, ids: Collection[int]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [array(ids)])
        return list(cursor.fetchall())
