"""What is done to one mention or many at once: seen, spam, its author muted; and undoing it as one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.audit.actions import record_many
from rapport.lib.errors import Invalid
from rapport.lib.live import notify_mentions
from rapport.lib.pg import array
from rapport.listening.text import handle_name
from rapport.mentions import case_making, folding, mute_passes, settling
from rapport.mentions.act_models import MentionAct
from rapport.mentions.models import Mention, MentionState, Mute, MuteKind
from rapport.mentions.muting import NEWEST, unmute
from rapport.mentions.picks import KEPT, MOST_PICKS
from rapport.mentions.picks import Outcome as Outcome
from rapport.mentions.picks import Pick as Pick
from rapport.staff.access import brand_ids_for
from rapport.staff.models import User
from rapport.staff.permissions import Permission


def mark_seen(*, user: User, picks: Sequence[Pick]) -> Outcome:
    """They were looked at and need nothing. What is a case already stays one."""
    return _set_aside(user=user, picks=picks, what="seen", state=MentionState.SEEN)


def mark_spam(*, user: User, picks: Sequence[Pick]) -> Outcome:
    """They are spam: out of the list, and out of what is counted."""
    return _set_aside(user=user, picks=picks, what="spam", state=MentionState.SPAM)


def mute_authors(*, user: User, picks: Sequence[Pick]) -> Outcome:
    """Set aside the newest that their authors said, and what they say from now on, for the brand of each.

    Needs MANAGE_LISTENING. Copies by others stand by themselves then.
    """
    with transaction.atomic():
        folding.lock()  # before the rows, as whoever stores what was heard
        chosen = _locked(user, picks, Permission.MANAGE_LISTENING)
        named = [one for one in chosen if one.post.author]
        if chosen and not named:
            raise Invalid(_("It is not known who wrote this, so nobody can be muted."))
        mutes = _new_mutes(user, named)
        with connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT m.id FROM unnest(%s::bigint[]) AS chosen(id)
                JOIN mentions_mention c ON c.id = chosen.id JOIN mentions_post p ON p.id = c.post_id
                JOIN mentions_post theirs ON theirs.network = p.network AND theirs.author = p.author
                JOIN mentions_mention m ON m.post_id = theirs.id AND m.brand_id = c.brand_id
                WHERE m.state IN ('new', 'seen') ORDER BY m.sent_at DESC, m.id DESC LIMIT %s
                """,
                [array([one.id for one in named]), NEWEST],
            )
            theirs = {row[0] for row in cursor.fetchall()}
        if len(theirs) >= NEWEST:
            for brand_id, kind, network, value in Mute.objects.filter(id__in=mutes).values_list(
                "brand_id", "kind", "network", "value"
            ):
                mute_passes.begin(brand_id, [(kind, network, value)])
        return _done(
            user,
            picks,
            named,
            what="mute",
            state=MentionState.MUTED,
            also=theirs,
            mutes=mutes,
        )


def undo(*, user: User, act_id: int) -> Outcome:
    """Give back to every mention of an act of ``user``'s its state before; what changed since is left.

    Raises NotFound for somebody else's act or one older than a day, Conflict when it is undone already, or when the one
    case that it made was worked on since.
    """
    if MentionAct.objects.filter(id=act_id, actor=user, what=case_making.WHAT).exists():
        return case_making.undo(user=user, act_id=act_id)
    with transaction.atomic():
        folding.lock()
        act = case_making.locked_act(user=user, act_id=act_id)
        before: dict[str, list[Any]] = act.before["mentions"]
        given = [
            {"id": int(one), "state": state, "version": version, "by": by, "at": at}
            for one, (state, version, by, at) in before.items()
        ]
        with connection.cursor() as cursor:
            cursor.execute(
                """
                WITH now AS MATERIALIZED (
                    SELECT m.id, m.state AS was, b.state, b.at, (SELECT id FROM staff_user WHERE id = b.by) AS by
                    FROM jsonb_to_recordset(%s::jsonb) AS b(id bigint, state text, version int, by bigint, at timestamptz)
                    JOIN mentions_mention m ON m.id = b.id AND m.version = b.version
                    WHERE m.brand_id = ANY(%s::bigint[]) ORDER BY m.id FOR NO KEY UPDATE OF m
                )
                UPDATE mentions_mention m
                SET state = now.state, version = m.version + 1, handled_by_id = now.by, handled_at = now.at
                FROM now WHERE m.id = now.id
                RETURNING m.id, m.brand_id, now.was, now.state
                """,
                [json.dumps(given), array(brand_ids_for(user, Permission.WORK_CASES))],
            )
            rows = cursor.fetchall()
        _regroup([(row[0], row[2], row[3]) for row in rows])
        unmute(
            Mute.objects.filter(
                id__in=act.before["mutes"], brand_id__in=brand_ids_for(user, Permission.MANAGE_LISTENING)
            )
        )
        act.undone_at = timezone.now()
        act.save(update_fields=["undone_at"])
        _tell(user, act, [(row[0], row[1]) for row in rows], action="mention.undone")
    return Outcome(act_id=None, done=tuple(row[0] for row in rows), left=len(before) - len(rows))


def _set_aside(*, user: User, picks: Sequence[Pick], what: str, state: MentionState) -> Outcome:
    with transaction.atomic():
        folding.lock()  # before the rows: folding takes copies before what they are shown under
        chosen = [one for one in _locked(user, picks, Permission.WORK_CASES) if one.state != state]
        return _done(user, picks, chosen, what=what, state=state)


def _locked(user: User, picks: Sequence[Pick], permission: Permission) -> list[Mention]:
    """Those of the picked that this person may change and nobody has since, their rows locked in one order."""
    if len(picks) > MOST_PICKS:
        raise Invalid(_("Choose at most %(most)s mentions at once.") % {"most": MOST_PICKS})
    seen = {pick.mention_id: pick.version for pick in picks}
    rows = (
        Mention.objects.select_for_update(of=("self",), no_key=True)
        .select_related("post")
        .filter(id__in=seen, brand_id__in=brand_ids_for(user, permission))
        .exclude(state=MentionState.CASE)
        .order_by("id")
    )
    return [one for one in rows if seen[one.id] in (None, one.version)]


def _new_mutes(user: User, mentions: Sequence[Mention]) -> list[int]:
    """Mute the author of each for its brand; returns what was not muted before."""
    authors = sorted(
        {(one.brand_id, one.post.network[:40], handle_name(one.post.author)[:200]) for one in mentions}
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO mentions_mute (brand_id, kind, network, value, created_by_id)
            SELECT g.brand_id, %s, g.network, g.value, %s
            FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS g(brand_id, network, value)
            ON CONFLICT DO NOTHING RETURNING id
            """,
            [
                MuteKind.AUTHOR.value,
                user.id,
                array(one[0] for one in authors),
                [one[1] for one in authors],
                [one[2] for one in authors],
            ],
        )
        return [row[0] for row in cursor.fetchall()]


def _done(
    user: User,
    picks: Sequence[Pick],
    chosen: Sequence[Mention],
    *,
    what: str,
    state: MentionState,
    also: set[int] | None = None,
    mutes: Sequence[int] = (),
) -> Outcome:
    """Write the state: of the chosen, of ``also``, and of the copies that are shown under the chosen; but nobody is
    muted for having copied somebody."""
    ids = [one.id for one in chosen]
    if not ids:
        return Outcome(act_id=None, done=(), left=len(picks))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH changing AS MATERIALIZED (
                SELECT id, state, handled_by_id, handled_at FROM mentions_mention
                WHERE id = ANY(%(ids)s::bigint[] || %(also)s::bigint[])
                   OR (folded_into_id = ANY(%(ids)s::bigint[]) AND state = 'new' AND %(state)s <> 'muted')
                ORDER BY id FOR NO KEY UPDATE
            )
            UPDATE mentions_mention m
            SET state = %(state)s, handled_by_id = %(user)s, handled_at = %(now)s, version = m.version + 1
            FROM changing c WHERE m.id = c.id
            RETURNING m.id, m.brand_id, c.state, m.version, c.handled_by_id, c.handled_at
            """,
            {
                "ids": array(ids),
                "also": array(sorted(also or ())),
                "state": state.value,
                "user": user.id,
                "now": timezone.now(),
            },
        )
        rows = cursor.fetchall()
    _regroup([(row[0], row[2], state) for row in rows])
    MentionAct.objects.filter(actor=user, created_at__lt=timezone.now() - KEPT).delete()
    act = MentionAct.objects.create(
        actor=user,
        what=what,
        number=len(ids),
        before={
            "mentions": {
                str(row[0]): [row[2], row[3], row[4], row[5].isoformat() if row[5] else None] for row in rows
            },
            "mutes": list(mutes),
        },
    )
    _tell(user, act, [(row[0], row[1]) for row in rows], action=f"mention.{what}")
    return Outcome(act_id=act.pk, done=tuple(ids), left=len(picks) - len(ids))


def _regroup(changed: Iterable[tuple[int, str, str]]) -> None:
    """Of what was muted or is now, copies go where they belong. ``changed``: mention, state before, state now."""
    moved = [one for one, before, now in changed if MentionState.MUTED in (before, now) and before != now]
    if moved:
        settling.regroup(moved)


def _tell(user: User, act: MentionAct, rows: Sequence[tuple[int, int]], *, action: str) -> None:
    """One entry of the log for each brand with the ids, and a hint to its open screens."""
    by_brand: dict[int, list[int]] = {}
    for mention_id, brand_id in rows:
        by_brand.setdefault(brand_id, []).append(mention_id)
    record_many(
        (action, user.id, brand_id, "mention-act", act.pk, {"mentions": sorted(ids)})
        for brand_id, ids in by_brand.items()
    )
    for brand_id in by_brand:
        notify_mentions(brand_id=brand_id)
