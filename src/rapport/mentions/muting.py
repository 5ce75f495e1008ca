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
from rapport.mentions import folding, settling
from rapport.mentions.models import Mention, MentionState, Mute, MuteKind
from rapport.mentions.mutes import Mutes, clean_value, mutes_of
from rapport.staff.access import brands_for, require
from rapport.staff.models import User
from rapport.staff.permissions import Permission

# So many of the newest are gone through when a mute comes or goes; what is older has been seen, or never will be.
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
    """Mute an author, a word or phrase, or a website for a brand; new mentions that it fits are set aside too.

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
        only = Mutes([(mute.kind, mute.network, mute.value)])
        _move(brand_id, only, before=[MentionState.NEW], after=MentionState.MUTED)
        _record("mute.added", user, mute)
    return mute


def remove_mute(*, user: User, mute_id: int) -> Mute:
    """Hear it again: of the newest that were set aside, those that nothing else mutes are new again."""
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
    """Delete these; of the newest that they set aside, those that nothing else mutes are new. Under folding's lock."""
    gone: dict[int, list[tuple[str, str, str]]] = {}
    for brand_id, *row in mutes.values_list("brand_id", "kind", "network", "value"):
        gone.setdefault(brand_id, []).append((row[0], row[1], row[2]))
    mutes.delete()
    left = mutes_of(gone)
    for brand_id, rows in gone.items():
        _move(
            brand_id,
            Mutes(rows),
            before=[MentionState.MUTED],
            after=MentionState.NEW,
            unless=left.get(brand_id),
        )


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
) -> None:
    rows = (
        Mention.objects.filter(brand_id=brand_id, state__in=before)
        .order_by("-sent_at", "-id")
        .values_list(
            "id", "post__network", "post__author", "post__text", "post__title", "post__url", "post__facts"
        )[:NEWEST]
    )
    moved = []
    for mention_id, network, author, text, title, url, facts in rows:
        links = facts.get("links") if isinstance(facts, dict) else None
        addresses = [url, *map(str, links if isinstance(links, list) else [])]
        asked = {"network": network, "author": author, "text": text, "title": title}
        if fits.apply(**asked, addresses=addresses) and not (
            unless is not None and unless.apply(**asked, addresses=addresses)
        ):
            moved.append(mention_id)
    if not moved:
        return
    settling.mute(moved, muted=after == MentionState.MUTED)
    notify_mentions(brand_id=brand_id)
