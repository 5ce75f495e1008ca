"""Saying what a brand does not want to see, and taking that back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from rapport.audit.actions import record
from rapport.lib.errors import Conflict, Invalid, NotFound
from rapport.lib.live import notify_mentions
from rapport.mentions import folding, mute_passes, settling
from rapport.mentions.models import Mention, MentionState, Mute, MuteKind
from rapport.mentions.mutes import SAID, Mutes, clean_value, is_muted, mutes_of
from rapport.staff.access import brands_for, require
from rapport.staff.models import User
from rapport.staff.permissions import Permission

# So many of the newest are gone through at once when a mute comes or goes, the others behind it (mute_passes.py).
NEWEST: Final = 5000
LONGEST: Final = 200


def mutes_for(*, user: User) -> QuerySet[Mute]:
    """What is muted for this person's brands, with who muted it."""
    return (
        Mute.objects.select_related("brand", "created_by")
        .filter(brand__in=brands_for(user, Permission.VIEW_CASES))
        .order_by("brand__name", "kind", "value", "id")
    )


def add_mute(*, user: User, brand_id: int, kind: str, value: str, network: str = "") -> Mute:
    """Mute an author, a word or phrase, or a website for a brand; new mentions that it fits are set aside too: the newest
    at once, older ones by a job.

    Raises Invalid for what cannot be muted, Conflict when it is muted already.
    """
    require(user, brand_id, Permission.MANAGE_LISTENING)
    if kind not in MuteKind.values:
        raise Invalid(_("Say whether it is an author, a word or a website."))
    clean = clean_value(kind, value.replace("\x00", "")[: LONGEST * 4])
    if not clean:
        raise Invalid(_("Write what to mute: a handle, a word or phrase, or a website such as example.com."))
    if len(clean) > LONGEST:
        raise Invalid(_("That is too long: at most %(most)s characters can be muted.") % {"most": LONGEST})
    with transaction.atomic():
        folding.lock()  # what is stored meanwhile waits, and finds the mute
        try:
            with transaction.atomic():
                mute = Mute.objects.create(
                    brand_id=brand_id,
                    kind=kind,
                    network=network[:40] if kind == MuteKind.AUTHOR else "",
                    value=clean,
                    created_by=user,
                )
        except IntegrityError as error:
            raise Conflict(_("That is muted already.")) from error
        one = (mute.kind, mute.network, mute.value)
        if not _move(brand_id, Mutes([one]), before=[MentionState.NEW], after=MentionState.MUTED):
            mute_passes.begin(brand_id, [one])
        _record("mute.added", user, mute)
    return mute


def remove_mute(*, user: User, mute_id: int) -> Mute:
    """Hear it again: what was set aside and nothing else mutes is new again, the newest at once, older ones by a job."""
    mute = Mute.objects.filter(id=mute_id).first()
    if mute is None:
        raise NotFound(_("There is no such thing muted, or you may not see it."))
    require(user, mute.brand_id, Permission.MANAGE_LISTENING)
    with transaction.atomic():
        folding.lock()
        _record("mute.removed", user, mute)
        unmute(Mute.objects.filter(id=mute.pk))
    return mute


def unmute(mutes: QuerySet[Mute]) -> None:
    """Delete these; what they set aside and nothing else mutes is new, as in :func:`remove_mute`. Under folding's lock."""
    gone: dict[int, list[tuple[str, str, str]]] = {}
    for brand_id, *row in mutes.values_list("brand_id", "kind", "network", "value"):
        gone.setdefault(brand_id, []).append((row[0], row[1], row[2]))
    mutes.delete()
    left = mutes_of(gone)
    for brand_id, rows in gone.items():
        whole = _move(
            brand_id,
            Mutes(rows),
            before=[MentionState.MUTED],
            after=MentionState.NEW,
            unless=left.get(brand_id),
        )
        if not whole:
            mute_passes.begin(brand_id, rows)


def _record(action: str, user: User, mute: Mute) -> None:
    record(
        action=action,
        actor_id=user.id,
        brand_id=mute.brand_id,
        object_type="mute",
        object_id=mute.pk,
        data={"kind": mute.kind, "network": mute.network},
    )


def _move(
    brand_id: int,
    fits: Mutes,
    *,
    before: Sequence[str],
    after: MentionState,
    unless: Mutes | None = None,
) -> bool:
    """Go through the newest; whether that was all there are."""
    asked = Mention.objects.filter(brand_id=brand_id, state__in=before).order_by("-sent_at", "-id")
    rows = list(asked.values_list("id", *SAID)[:NEWEST])
    moved = [
        row[0]
        for row in rows
        if is_muted(fits, row[1:]) and not (unless is not None and is_muted(unless, row[1:]))
    ]
    if moved:
        settling.mute(moved, muted=after == MentionState.MUTED)
        notify_mentions(brand_id=brand_id)
    return len(rows) < NEWEST
