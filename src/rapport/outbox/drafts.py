"""Drafts: what somebody writes is kept for them on the server until it is sent, and no device overwrites another.

All of these raise :class:`~rapport.lib.errors.NotFound` or :class:`~rapport.lib.errors.NotAllowed` by who asks.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from rapport.inbox.access import access_case
from rapport.inbox.models import Case
from rapport.lib.errors import Invalid, NotFound
from rapport.lib.text import storable
from rapport.outbox.models import Draft, DraftAside, DraftField
from rapport.staff.access import require
from rapport.staff.models import User
from rapport.staff.permissions import Permission

DRAFT_LENGTH = 100_000
# Of each field; the oldest go first.
MOST_ASIDE = 20
# How old words may be said to be: a device that was offline for longer counts as this old.
LONGEST_AGE_S = 365 * 24 * 3600
# A save that was on its way while its words were sent arrives within this.
_ON_ITS_WAY = timedelta(seconds=10)
_KEPT_AFTER = timedelta(days=1)
_NEEDS = {DraftField.REPLY: Permission.REPLY, DraftField.NOTE: Permission.NOTE}


@dataclass(frozen=True, kw_only=True)
class DraftState:
    """A field as its writer left it. ``revision``: 0 before anything was written. ``asides``: what else they
    wrote, the newest first, as (id, words)."""

    text: str = ""
    revision: int = 0
    asides: tuple[tuple[int, str], ...] = ()


def drafts_of(*, user: User, case_id: int) -> dict[str, DraftState]:
    """What ``user`` wrote in each field of a case they may see, in two queries."""
    asides: dict[str, list[tuple[int, str]]] = {field: [] for field in DraftField.values}
    kept = DraftAside.objects.filter(user=user, case_id=case_id, dropped_at=None).order_by("-id")
    for pk, field, text in kept.values_list("id", "field", "text"):
        asides[field].append((pk, text))
    found = {field: DraftState(asides=tuple(asides[field])) for field in DraftField.values}
    for row in Draft.objects.filter(user=user, case_id=case_id):
        found[row.field] = DraftState(text=row.text, revision=row.revision, asides=found[row.field].asides)
    return found


def cases_with_drafts(*, user: User, case_ids: Collection[int]) -> set[int]:
    """Those of the cases in which ``user`` wrote something and did not send it."""
    found = Draft.objects.filter(user=user, case_id__in=case_ids).exclude(text="")
    return set(found.values_list("case_id", flat=True))


@transaction.atomic
def save_draft(*, user: User, case_id: int, field: str, text: str, base: int, age_s: int) -> DraftState:
    """Keep ``text``, typed ``age_s`` seconds ago on a device that went on from revision ``base``.

    Words of another device that came in between are not overwritten: what was typed last stands, and the
    other is set aside and offered. What was sent meanwhile does not come back. Returns the field as it is
    then. In a merged case it is the case that took it in. Raises Invalid for a text that is too long.
    """
    case = _case(user, case_id, field)
    text = storable(text.replace("\r\n", "\n"))
    if len(text) > DRAFT_LENGTH:
        raise Invalid(_("A draft can have %(limit)s characters.") % {"limit": DRAFT_LENGTH})
    typed_at = timezone.now() - timedelta(seconds=min(age_s, LONGEST_AGE_S))
    draft = _locked(user=user, case_id=case.id, field=field)
    if draft.revision in (0, base):
        _write(draft, text, typed_at=typed_at)
    elif text != draft.text and not _just_sent(draft, text):
        if typed_at >= draft.typed_at:
            _aside(draft, draft.text, instead=text)
            _write(draft, text, typed_at=typed_at)
        else:
            _aside(draft, text, instead=draft.text)
    return drafts_of(user=user, case_id=case.id)[field]


@transaction.atomic
def draft_sent(*, user: User, case_id: int, field: str, text: str, revision: int | None = None) -> None:
    """``text`` left the field, which is empty now; in the transaction in which it is sent.

    ``revision``: what the device that sent it knew of; anything else that was written since is set aside.
    """
    now = timezone.now()
    text = storable(text.replace("\r\n", "\n"))
    draft = _locked(user=user, case_id=case_id, field=field)
    if draft.revision != revision:
        _aside(draft, draft.text, instead=text)
    draft.sent, draft.sent_at = text.strip(), now
    _write(draft, "", typed_at=now)
    # What was sent long ago cannot come back any more, so its traces go.
    Draft.objects.filter(user=user, text="", sent_at__lt=now - _KEPT_AFTER).delete()


@transaction.atomic
def draft_back(*, user: User, case_id: int, field: str, text: str) -> str:
    """Words that were taken back go before what was written since; returns the whole. Twice is once."""
    draft = _locked(user=user, case_id=case_id, field=field)
    draft.sent, draft.sent_at = "", None
    if text not in draft.text:
        text = f"{text}\n\n{draft.text}" if draft.text.strip() else text
        _write(draft, text, typed_at=timezone.now())
    return draft.text


@transaction.atomic
def use_aside(*, user: User, case_id: int, aside_id: int) -> DraftAside:
    """Put words that were set aside before what the field holds. Returns them; they are offered no more."""
    aside = _access_aside(user=user, case_id=case_id, aside_id=aside_id)
    draft_back(user=user, case_id=aside.case_id, field=aside.field, text=aside.text)
    DraftAside.objects.filter(id=aside_id).delete()
    return aside


@transaction.atomic
def drop_aside(*, user: User, case_id: int, aside_id: int, dropped: bool = True) -> DraftAside:
    """Throw away words that were set aside; or, with ``dropped`` false, have them back within a day."""
    aside = _access_aside(user=user, case_id=case_id, aside_id=aside_id)
    now = timezone.now()
    aside.dropped_at = now if dropped else None
    aside.save(update_fields=["dropped_at"])
    DraftAside.objects.filter(user=user, dropped_at__lt=now - _KEPT_AFTER).delete()
    return aside


def _case(user: User, case_id: int, field: str) -> Case:
    if field not in DraftField.values:
        raise Invalid(_("That choice does not exist any more. Load the page again."))
    case = access_case(user=user, case_id=case_id, permission=_NEEDS[DraftField(field)])
    while case.merged_into_id is not None:
        case = Case.objects.get(id=case.merged_into_id)
    return case


def _access_aside(*, user: User, case_id: int, aside_id: int) -> DraftAside:
    case = access_case(user=user, case_id=case_id, permission=Permission.NOTE)
    aside = DraftAside.objects.select_for_update().filter(id=aside_id, user=user, case=case).first()
    if aside is None:
        raise NotFound(_("Those words are not there any more."))
    require(user, case.brand_id, _NEEDS[DraftField(aside.field)])
    return aside


def _locked(*, user: User, case_id: int, field: str) -> Draft:
    """The row of a field, made if need be, that nobody else writes until the transaction ends."""
    Draft.objects.get_or_create(
        user=user, case_id=case_id, field=field, defaults={"typed_at": timezone.now()}
    )
    return Draft.objects.select_for_update().get(user=user, case_id=case_id, field=field)


def _write(draft: Draft, text: str, *, typed_at: datetime) -> None:
    draft.text, draft.typed_at = text, typed_at
    draft.revision = max(time.time_ns() // 1000, draft.revision + 1)
    draft.save()


def _just_sent(draft: Draft, text: str) -> bool:
    """Whether ``text`` is an earlier state of what was sent a moment ago, and late."""
    sent_now = draft.sent_at is not None and timezone.now() - draft.sent_at < _ON_ITS_WAY
    return sent_now and draft.sent.startswith(text.strip())


def _aside(draft: Draft, text: str, *, instead: str) -> None:
    """Keep ``text``, unless every word of it stands in what is there ``instead``."""
    mine = DraftAside.objects.filter(user=draft.user, case=draft.case, field=draft.field, dropped_at=None)
    kept: Sequence[tuple[int, str]] = list(mine.order_by("-id").values_list("id", "text"))
    words = text.strip()
    new = words and words not in instead and all(words != old.strip() for _pk, old in kept)
    within = [pk for pk, old in kept if old.strip() in instead or (new and old.strip() in words)]
    left = [pk for pk, _old in kept if pk not in within]
    DraftAside.objects.filter(id__in=[*within, *left[MOST_ASIDE - 1 :]]).delete()
    if new:
        DraftAside.objects.create(user=draft.user, case=draft.case, field=draft.field, text=text)
