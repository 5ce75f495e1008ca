"""Mentions that repeat another one are shown under it, and counted there.

A repost belongs under its original, or while that is not known under the earliest repost of it. A text that says the
same as another (``likeness.py``) belongs under the earliest of them in the brand if that is at most :data:`APART`
older; what is newer than that begins a group of its own. What is muted neither folds nor is folded.

Who is folded into whom follows from the mentions that there are, whatever the order in which they came:
:func:`leave` takes some out of their groups, :func:`join` puts some into theirs. Between the two everything stands
as if they had never come. Both must run under :func:`lock`. ``copies`` and ``reach`` of a head follow.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from rapport.lib.pg import array
from rapport.mentions.likeness import repost_key

APART = timedelta(days=7)

_Place = tuple[datetime, str, str]  # time, network, id there: an order that does not depend on ours


@dataclass(frozen=True, slots=True)
class _One:
    id: int
    brand_id: int
    fold_key: str
    folded_into: int | None
    place: _Place
    original_id: str

    @property
    def key(self) -> tuple[int, str]:
        return (self.brand_id, self.fold_key)


_ONE = """
    SELECT m.id, m.brand_id, m.fold_key, m.folded_into_id, m.sent_at, p.network, p.external_id, p.original_external_id
"""
_POST = """
    CROSS JOIN LATERAL (
        SELECT network, external_id, original_external_id FROM mentions_post WHERE id = m.post_id OFFSET 0
    ) p
"""

# ``brand_id + 0``: many indexes begin with the brand, and while a table is new the planner may take any of them.
_GROUPS = """
    FROM unnest(%s::bigint[], %s::text[]) AS g(brand_id, fold_key) CROSS JOIN LATERAL (
        SELECT * FROM mentions_mention
        WHERE brand_id + 0 = g.brand_id AND fold_key = g.fold_key AND fold_key <> '' AND state <> 'muted' OFFSET 0
    ) m
"""
_HEADS = _GROUPS.replace("OFFSET 0", "AND folded_into_id IS NULL OFFSET 0")


# One writer at a time: folding asks what else there is. Few of all posts match, and matching is done before.
_LOCK = (0x52_57, 2)


def lock() -> None:
    """Wait until nobody else stores mentions, and let nobody until this transaction is over."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", _LOCK)


def leave(mention_ids: Collection[int]) -> list[int]:
    """Take these out of their groups; returns those that were folded into them and now stand alone, to be joined."""
    if not mention_ids:
        return []
    given = array(sorted(mention_ids))
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM mentions_mention WHERE folded_into_id = ANY(%s::bigint[])", [given])
        orphans = [row[0] for row in cursor.fetchall()]
    # What repeats one of these may stand under what that was a copy of.
    gone = _read("FROM (SELECT * FROM mentions_mention WHERE id = ANY(%s::bigint[]) OFFSET 0) m", [given])
    keys = {(one.brand_id, repost_key(one.place[1], one.place[2])) for one in gone if one.folded_into}
    orphans += [one.id for one in _of_keys(keys, heads=False)] if keys else []
    _move(dict.fromkeys((*orphans, *mention_ids)))
    return sorted(set(orphans) - set(mention_ids))


def join(mention_ids: Collection[int]) -> set[int]:
    """Put these, which stand alone, into their groups. Returns those of them that are folded now."""
    found = _read(
        "FROM unnest(%s::bigint[]) AS g(id) CROSS JOIN LATERAL "
        "(SELECT * FROM mentions_mention WHERE id = g.id AND state <> 'muted' OFFSET 0) m",
        [array(sorted(mention_ids))],
    )
    texts = [one for one in found if not one.original_id]
    changed = _fold_texts([one for one in texts if one.fold_key])
    _move(changed)
    _fold_reposts(found, texts, changed)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM mentions_mention WHERE id = ANY(%s::bigint[]) AND folded_into_id IS NOT NULL",
            [array(sorted(mention_ids))],
        )
        return {row[0] for row in cursor.fetchall()}


def _read(source: str, params: Sequence[str]) -> list[_One]:
    with connection.cursor() as cursor:
        cursor.execute(f"{_ONE} {source} {_POST}", params)
        return [
            _One(id_, brand_id, key, into, (at, network, external_id), original)
            for id_, brand_id, key, into, at, network, external_id, original in cursor.fetchall()
        ]


def _group(ones: Iterable[_One]) -> dict[tuple[int, str], list[_One]]:
    groups: dict[tuple[int, str], list[_One]] = defaultdict(list)
    for one in sorted(ones, key=lambda one: one.place):
        groups[one.key].append(one)
    return groups


def _of_keys(keys: Collection[tuple[int, str]], *, heads: bool) -> list[_One]:
    """The unmuted mentions of some groups, or only those that are not folded."""
    ordered = sorted(keys)
    return _read(
        _HEADS if heads else _GROUPS,
        [array(brand for brand, _ in ordered), array(key for _, key in ordered)],
    )


# Texts ----------------------------------------------------------------------------------------------
def _fold_texts(new: Sequence[_One]) -> dict[int, int | None]:
    """Into whom each goes that changes. What comes in order is put behind the heads; else its group is made anew."""
    groups = _group(new)
    if not groups:
        return {}
    fresh = {one.id for one in new}
    heads = _group(one for one in _of_keys(groups.keys(), heads=True) if one.id not in fresh)
    changes: dict[int, int | None] = {}
    anew = []
    for key, ones in groups.items():
        added = _behind(heads.get(key, []), ones)
        if added is None:
            anew.append(key)
        else:
            changes.update(added)
    for ones in _group(_of_keys(anew, heads=False) if anew else []).values():
        into = _greedy(ones)
        changes.update({one.id: into[one.id] for one in ones if into[one.id] != one.folded_into})
    return changes


def _behind(heads: Sequence[_One], new: Sequence[_One]) -> dict[int, int | None] | None:
    """Where the new ones go without changing anything about the old ones; None if that cannot be."""
    now = list(heads)
    changes: dict[int, int | None] = {}
    for one in new:
        number = bisect_right([head.place for head in now], one.place)
        if number and one.place[0] - now[number - 1].place[0] <= APART:
            changes[one.id] = now[number - 1].id
        elif number == len(now):
            now.append(one)
        else:
            return None
    return changes


def _greedy(ones: Sequence[_One]) -> dict[int, int | None]:
    """The rule itself, of a whole group in order."""
    head: _One | None = None
    into: dict[int, int | None] = {}
    for one in ones:
        if head is None or one.place[0] - head.place[0] > APART:
            head = one
            into[one.id] = None
        else:
            into[one.id] = head.id
    return into


# Reposts --------------------------------------------------------------------------------------------
def _fold_reposts(found: Sequence[_One], texts: Sequence[_One], changed: Mapping[int, int | None]) -> None:
    """Reposts under what their originals are under, as that is now."""
    moved = changed.keys() - {one.id for one in texts}
    originals = [*texts]
    if moved:
        originals += _read(
            "FROM (SELECT * FROM mentions_mention WHERE id = ANY(%s::bigint[]) OFFSET 0) m",
            [array(sorted(moved))],
        )
    # What is the group of reposts of each original that came or moved, and of each repost that came?
    keys = {(one.brand_id, repost_key(one.place[1], one.place[2])): one for one in originals}
    reposts = [one for one in found if one.original_id]
    root = {key: changed.get(one.id, one.folded_into) or one.id for key, one in keys.items()}
    root |= _known_originals([one for one in reposts if one.key not in root])
    changes: dict[int, int | None] = {}
    again = [one for one in _of_keys(keys.keys(), heads=False) if one.original_id] if keys else []
    for one in (*again, *reposts):
        if one.key in root and root[one.key] != one.folded_into:
            changes[one.id] = root[one.key]
    orphans = _group(one for one in reposts if one.key not in root)
    fresh = {one.id for one in reposts}
    heads = _group(one for one in _of_keys(orphans.keys(), heads=True) if one.id not in fresh)
    for key, ones in orphans.items():
        first = min((*heads.get(key, []), *ones), key=lambda one: one.place)
        changes.update({one.id: first.id for one in ones if one.id != first.id})
        if first.id in fresh and heads.get(key):
            # An earlier one came late: all go to it.
            group = _of_keys([key], heads=False)
            changes.update({one.id: first.id for one in group if one.id != first.id})
    _move(changes)


def _known_originals(reposts: Sequence[_One]) -> dict[tuple[int, str], int]:
    """By the key of reposts, the mention that their original is, or is shown under."""
    if not reposts:
        return {}
    wanted = sorted({(one.brand_id, one.place[1], one.original_id) for one in reposts})
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT g.brand_id, g.network, g.external_id, coalesce(m.folded_into_id, m.id)
            FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS g(brand_id, network, external_id)
            CROSS JOIN LATERAL (
                SELECT id FROM mentions_post WHERE network = g.network AND external_id = g.external_id
                    AND original_external_id = '' OFFSET 0
            ) p
            CROSS JOIN LATERAL (
                SELECT id, folded_into_id FROM mentions_mention
                WHERE brand_id + 0 = g.brand_id AND post_id = p.id AND state <> 'muted' OFFSET 0
            ) m
            """,
            [
                array(one[0] for one in wanted),
                array(one[1] for one in wanted),
                array(one[2] for one in wanted),
            ],
        )
        return {
            (brand_id, repost_key(network, original)): root
            for brand_id, network, original, root in cursor.fetchall()
        }


# Both -----------------------------------------------------------------------------------------------
def _move(changes: Mapping[int, int | None]) -> None:
    """Fold each into another, or into none; the sums of the heads it leaves and goes to follow."""
    if not changes:
        return
    ids = sorted(changes)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT m.id, m.folded_into_id, p.followers
            FROM unnest(%s::bigint[]) AS g(id)
            CROSS JOIN LATERAL (
                SELECT id, post_id, folded_into_id FROM mentions_mention WHERE id = g.id OFFSET 0
            ) m
            CROSS JOIN LATERAL (
                SELECT coalesce(followers, 0) AS followers FROM mentions_post WHERE id = m.post_id OFFSET 0
            ) p
            """,
            [array(ids)],
        )
        copies: dict[int, int] = defaultdict(int)
        reach: dict[int, int] = defaultdict(int)
        moves = []
        for one, before, own in cursor.fetchall():
            if before == changes[one]:
                continue
            moves.append(one)
            for head, sign in ((before, -1), (changes[one], 1)):
                if head is not None:
                    copies[head] += sign
                    reach[head] += sign * own
        if not moves:
            return
        cursor.execute(
            "UPDATE mentions_mention m SET folded_into_id = g.head "
            "FROM unnest(%s::bigint[], %s::bigint[]) AS g(id, head) WHERE m.id = g.id",
            [array(moves), array(changes[one] for one in moves)],
        )
        heads = sorted(copies)
        cursor.execute(
            "UPDATE mentions_mention m SET copies = m.copies + g.copies, reach = m.reach + g.reach "
            "FROM unnest(%s::bigint[], %s::int[], %s::bigint[]) AS g(id, copies, reach) WHERE m.id = g.id",
            [array(heads), array(copies[one] for one in heads), array(reach[one] for one in heads)],
        )
