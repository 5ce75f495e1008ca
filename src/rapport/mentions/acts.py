"""What is done to one mention or many at once: seen, spam, its author muted; and undoing it as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.audit.actions import record_many
from rapport.lib.errors import Conflict, Invalid, NotFound
from rapport.lib.live import notify_mentions
from rapport.lib.pg import array
from rapport.listening.text import handle_name
from rapport.mentions import folding, settling
from rapport.mentions.act_models import MentionAct
from rapport.mentions.models import Mention, MentionState, Mute, MuteKind
from rapport.staff.access import brand_ids_for
from rapport.staff.models import User
from rapport.staff.permissions import Permission

MOST_PICKS = 500
KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pick:
    """A mention that somebody chose, in the version that they saw; None asks for no check."""

    mention_id: int
    version: int | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of it. ``left``: not theirs, or changed by a colleague meanwhile."""

    act_id: int | None
    done: tuple[int, ...]
    left: int = 0


def mark_seen(*, user: User, picks: Sequence[Pick]) -> Outcome:
    """They were looked at and need nothing. What is a case already stays one."""
    return _set_aside(user=user, picks=picks, what="seen", state=MentionState.SEEN)


def mark_spam(*, user: User, picks: Sequence[Pick]) -> Outcome:
    """They are spam: out of the list, and out of what is counted."""
    return _set_aside(user=user, picks=picks, what="spam", state=MentionState.SPAM)


def mute_authors(*, user: User, picks: Sequence[Pick]) -> Outcome:
    """Set aside what their authors said, now and from now on, for the brand of each. Needs MANAGE_LISTENING."""
    with transaction.atomic():
        folding.lock()  # before the rows, as whoever stores what was heard
        chosen = _locked(user, picks, Permission.MANAGE_LISTENING)
        named = [one for one in chosen if one.post.author]
        if chosen and not named:
            raise Invalid(_("It is not known who wrote this, so nobody can be muted."))
        mutes = Mute.objects.bulk_create(
            [
                Mute(brand_id=brand_id, kind=MuteKind.AUTHOR, network=network, value=value, created_by=user)
                for brand_id, network, value in sorted(_authors(named) - _muted(named))
            ]
        )
        with connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT m.id FROM unnest(%s::bigint[]) AS chosen(id)
                JOIN mentions_mention c ON c.id = chosen.id JOIN mentions_post p ON p.id = c.post_id
                JOIN mentions_post theirs ON theirs.network = p.network AND theirs.author = p.author
                JOIN mentions_mention m ON m.post_id = theirs.id AND m.brand_id = c.brand_id
                WHERE m.state IN ('new', 'seen')
                """,
                [array([one.id for one in named])],
            )
            theirs = {row[0] for row in cursor.fetchall()}
        return _done(
            user,
            picks,
            named,
            what="mute",
            state=MentionState.MUTED,
            also=theirs,
            mutes=[m.pk for m in mutes],
        )


def undo(*, user: User, act_id: int) -> Outcome:
    """Give back to every mention of an act of ``user``'s its state before; what changed since is left.

    Raises NotFound for somebody else's act or one older than a day, Conflict when it is undone already.
    """
    with transaction.atomic():
        folding.lock()
        act = MentionAct.objects.select_for_update().filter(id=act_id, actor=user).first()
        if act is None or act.created_at < timezone.now() - KEPT:
            raise NotFound(_("That can no longer be undone."))
        if act.undone_at is not None:
            raise Conflict(_("That is undone already."))
        before: dict[str, list[Any]] = act.before["mentions"]
        brands = brand_ids_for(user, Permission.WORK_CASES)
        with connection.cursor() as cursor:
            cursor.execute(
                """
                UPDATE mentions_mention m SET state = b.state, version = m.version + 1,
                    handled_by_id = NULL, handled_at = NULL
                FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) AS b(id, state, version)
                WHERE m.id = b.id AND m.version = b.version AND m.brand_id = ANY(%s::bigint[])
                RETURNING m.id, m.brand_id
                """,
                [
                    array([int(key) for key in before]),
                    [state for state, _version in before.values()],
                    [version for _state, version in before.values()],
                    array(brands),
                ],
            )
            rows = cursor.fetchall()
        if act.what == "mute":
            settling.regroup([row[0] for row in rows])
        Mute.objects.filter(
            id__in=act.before["mutes"], brand_id__in=brand_ids_for(user, Permission.MANAGE_LISTENING)
        ).delete()
        act.undone_at = timezone.now()
        act.save(update_fields=["undone_at"])
        _tell(user, act, [(row[0], row[1]) for row in rows], action="mention.undone")
    return Outcome(act_id=None, done=tuple(row[0] for row in rows), left=len(before) - len(rows))


def _set_aside(*, user: User, picks: Sequence[Pick], what: str, state: MentionState) -> Outcome:
    with transaction.atomic():
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


def _authors(mentions: Sequence[Mention]) -> set[tuple[int, str, str]]:
    return {(one.brand_id, one.post.network, handle_name(one.post.author)[:200]) for one in mentions}


def _muted(mentions: Sequence[Mention]) -> set[tuple[int, str, str]]:
    """Which of their authors are muted already."""
    return set(
        Mute.objects.filter(
            brand_id__in={one.brand_id for one in mentions},
            kind=MuteKind.AUTHOR,
            value__in={handle_name(one.post.author)[:200] for one in mentions},
        ).values_list("brand_id", "network", "value")
    )


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
    """Write the state: of the chosen, of ``also``, and of the copies that are shown under the chosen."""
    ids = [one.id for one in chosen]
    if not ids:
        return Outcome(act_id=None, done=(), left=len(picks))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH changing AS MATERIALIZED (
                SELECT id, state FROM mentions_mention
                WHERE id = ANY(%(ids)s::bigint[] || %(also)s::bigint[])
                   OR (folded_into_id = ANY(%(ids)s::bigint[]) AND state = 'new')
                ORDER BY id FOR NO KEY UPDATE
            )
            UPDATE mentions_mention m
            SET state = %(state)s, handled_by_id = %(user)s, handled_at = %(now)s, version = m.version + 1
            FROM changing c WHERE m.id = c.id
            RETURNING m.id, m.brand_id, c.state, m.version
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
    if state == MentionState.MUTED:
        settling.regroup([row[0] for row in rows])
    MentionAct.objects.filter(actor=user, created_at__lt=timezone.now() - KEPT).delete()
    act = MentionAct.objects.create(
        actor=user,
        what=what,
        number=len(ids),
        before={
            "mentions": {str(row[0]): [row[2], row[3]] for row in rows},
            "mutes": list(mutes),
        },
    )
    _tell(user, act, [(row[0], row[1]) for row in rows], action=f"mention.{what}")
    return Outcome(act_id=act.pk, done=tuple(ids), left=len(picks) - len(ids))


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
