"""Mutes asked of all mentions of a brand, behind whoever muted or took a mute away, in parts that commit with their progress.

A part reads and compares without any lock, and takes the one of those who store mentions only for what it moves: few.
What it does follows from the mutes as they are at that moment, so a mute that comes, goes and comes again while it
runs ends as it should, and a part that is done twice changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from rapport.lib.live import notify_mentions
from rapport.mentions import folding, settling
from rapport.mentions.models import Mention, MentionState, MutePass
from rapport.mentions.mutes import SAID, Mutes, is_muted, mutes_of
from rapport.staff.access import brands_for
from rapport.staff.models import User
from rapport.staff.permissions import Permission

log = logging.getLogger(__name__)

QUEUE = "mentions"
TASK = "rapport.mentions.pass_mutes"
PART = 2000  # ids, of all brands
PARTS_PER_JOB = 50
# A pass without a sign of life for so long has no job any more.
LOST = timedelta(minutes=2)


def begin(brand_id: int, mutes: Iterable[tuple[str, str, str]]) -> None:
    """Ask for passes of these mutes (kind, network, value) that came or went; in the transaction that changes them.

    One that is under way for the same begins anew.
    """
    top = Mention.objects.aggregate(top=Max("id"))["top"] or 0
    for kind, network, value in mutes:
        one, _made = MutePass.objects.update_or_create(
            brand_id=brand_id,
            kind=kind,
            network=network,
            value=value,
            defaults={"top": top, "below": top + 1, "at": timezone.now()},
        )
        defer(one.pk)


def defer(pass_id: int) -> int:
    """Ask for the next parts in the caller's transaction; at most one job waits. Returns 1 if it was asked for."""
    name = f"mute-pass-{pass_id}"
    try:
        with transaction.atomic():
            app.configure_task(TASK, queue=QUEUE, lock=name, queueing_lock=name).defer(pass_id=pass_id)
    except AlreadyEnqueued:
        return 0
    return 1


def go_through(*, pass_id: int) -> None:
    """Go through some parts, and ask for the next ones. What fails is tried again by the next sweep."""
    for _part in range(PARTS_PER_JOB):
        try:
            more = take_part(pass_id=pass_id)
        except Exception:
            log.exception("mute pass %s cannot go on; it is tried again", pass_id)
            return
        if not more:
            return
    defer(pass_id)


def take_part(*, pass_id: int) -> bool:
    """Go through one part in a transaction of its own; whether there is more."""
    one = MutePass.objects.filter(id=pass_id).first()
    if one is None:
        return False
    only = Mutes([(one.kind, one.network, one.value)])
    rows = Mention.objects.filter(
        id__lt=one.below,
        id__gte=one.below - PART,
        brand_id=one.brand_id,
        state__in=[MentionState.NEW, MentionState.MUTED],
    ).values_list("id", "state", *SAID)
    concerned = [row for row in rows if is_muted(only, row[2:])]
    with transaction.atomic():
        if concerned:
            folding.lock()  # mutes change under it
            mutes = mutes_of([one.brand_id]).get(one.brand_id, Mutes([]))
            for muted in (True, False):
                before = MentionState.NEW if muted else MentionState.MUTED
                moved = [
                    row[0] for row in concerned if row[1] == before and is_muted(mutes, row[2:]) is muted
                ]
                if moved:
                    settling.mute(moved, muted=muted)
            notify_mentions(brand_id=one.brand_id)
        # Whoever began it anew meanwhile put it back to the top, and this part is one of that again.
        here = MutePass.objects.filter(id=one.pk, top=one.top, below=one.below)
        if one.below - PART <= 0:
            here.delete()
            return MutePass.objects.filter(id=one.pk).exists()
        here.update(below=one.below - PART, at=timezone.now())
    return True


def sweep() -> int:
    """Ask again for passes whose job was lost with its worker, or failed; returns how many."""
    lost = MutePass.objects.filter(at__lt=timezone.now() - LOST).order_by("id")
    return sum(defer(pass_id) for pass_id in lost.values_list("id", flat=True))


def passes_for(*, user: User) -> QuerySet[MutePass]:
    """What is under way for this person's brands."""
    return MutePass.objects.select_related("brand").filter(brand__in=brands_for(user, Permission.VIEW_CASES))
