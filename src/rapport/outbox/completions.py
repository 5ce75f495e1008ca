"""Whom and what a reply could name next: people and hashtags, those of the thread and those of the brand."""

from __future__ import annotations

from collections import Counter
from typing import Any

import regex
from django.db.models import Exists, Max, OuterRef, QuerySet
from django.db.models.functions import Collate, Upper

from rapport.contacts.models import Identity
from rapport.inbox.models import Case, Message
from rapport.lib.normalise import normalise
from rapport.networks.capabilities import Hears
from rapport.networks.registry import connectors
from rapport.outbox.models import Outgoing

MOST = 8
SHORTEST = 2  # letters, before people beyond the thread are looked for
_LONGEST = 60
_THREADS, _IN_THREAD = 5, 300  # the newest of each are looked at
_CANDIDATES = 200
_NEWEST_MESSAGES = 20_000
_NEWEST_POSTS = 300
_HASHTAG = regex.compile(r"(?<![\p{L}\p{M}\p{N}_&/#])[#＃]([\p{M}\p{N}_]*\p{L}[\p{L}\p{M}\p{N}_]*)")


def names_people(network: str) -> bool:
    """Whether ``@`` and a handle mean somebody on this network."""
    connector = connectors().get(network)
    return connector is not None and Hears.MENTIONS in connector.capabilities.hears


def people_to_name(*, case: Case, network: str, typed: str) -> list[Identity]:
    """At most eight people whose handle or name begins with ``typed``: those of the case's threads, the
    newest first; then whoever wrote to the brand on that network, by handle."""
    typed = typed.lstrip("@")[:_LONGEST]
    if not names_people(network):
        return []
    wanted = normalise(typed)
    found = [one for one in _of_threads(case, network) if _fits(one, typed, wanted)][:MOST]
    if len(typed) >= SHORTEST and len(found) < MOST:
        known = {one.pk for one in found}
        found += [one for one in _of_brand(case, network, typed) if one.pk not in known]
    return found[:MOST]


def _fits(identity: Identity, typed: str, wanted: str) -> bool:
    if identity.handle.lstrip("@").casefold().startswith(typed.casefold()):
        return True
    return bool(wanted) and f" {wanted}" in f" {normalise(identity.name)}"


def _of_threads(case: Case, network: str) -> list[Identity]:
    """Who wrote in the case's threads, the newest first."""
    newest = sorted(_newest(case, "sent_at", "identity_id"), reverse=True)
    ids = list(dict.fromkeys(identity_id for _at, identity_id in newest))
    people = _nameable(network).in_bulk(ids)
    return [people[one] for one in ids if one in people]


def _newest(case: Case, *fields: str) -> list[tuple[Any, ...]]:
    """Of the newest messages of the case's newest threads, these fields."""
    threads = list(
        case.case_threads.order_by("-thread_id").values_list("thread_id", flat=True).distinct()[:_THREADS]
    )
    if not threads:
        return []
    parts = [
        Message.objects.filter(thread_id=one).order_by("-sent_at", "-id").values_list(*fields)[:_IN_THREAD]
        for one in threads
    ]
    return list(parts[0].union(*parts[1:], all=True))


def _nameable(network: str) -> QuerySet[Identity]:
    return Identity.objects.filter(network=network, is_brand=False, unproven=False).exclude(handle="")


def _of_brand(case: Case, network: str, typed: str) -> list[Identity]:
    """Whoever wrote to the brand, by the beginning of the handle, from an index; as networks write handles,
    with or without the sign."""
    wrote = Case.objects.filter(contact_id=OuterRef("contact_id"), brand_id=case.brand_id)
    first, second = (
        _nameable(network)
        .alias(begins=Collate(Upper("handle"), "C"))
        .filter(begins__startswith=start.upper())
        .order_by("begins")[:_CANDIDATES]
        for start in (typed, f"@{typed}")
    )
    candidates = first.values("id").union(second.values("id"), all=True)
    found = Identity.objects.filter(Exists(wrote), id__in=candidates).order_by("handle", "id")
    return list(found[:MOST])


def hashtags_to_use(*, case: Case, typed: str) -> list[str]:
    """At most eight hashtags that begin with ``typed``, with their sign, the most used first: of the brand's
    own newest posts, and of the case's threads."""
    wanted = normalise(typed.lstrip("#＃")[:_LONGEST]).replace(" ", "")
    counted: Counter[str] = Counter()
    shown: dict[str, str] = {}
    # One text counts once, though it was sent from here and stands in the thread.
    for text in dict.fromkeys((*_own_posts(case), *(text for (text,) in _newest(case, "text")))):
        for tag in dict.fromkeys(_HASHTAG.findall(text)):
            key = normalise(tag).replace(" ", "")
            if key.startswith(wanted) and len(tag) <= _LONGEST:
                counted[key] += 1
                shown.setdefault(key, tag)
    ranked = sorted(counted, key=lambda key: (-counted[key], key))
    return [f"#{shown[key]}" for key in ranked[:MOST]]


def _own_posts(case: Case) -> list[str]:
    """The newest texts of the brand that hold a hashtag; bounded, for this is asked as somebody types."""
    newest = Message.objects.aggregate(id=Max("id"))["id"] or 0
    own = Message.objects.filter(
        brand_id=case.brand_id,
        own=True,
        deleted_at=None,
        id__gt=newest - _NEWEST_MESSAGES,
        text__contains="#",
    )
    sent = Outgoing.objects.filter(channel_id=case.channel_id).order_by("-id")[:_NEWEST_POSTS]
    return [
        *own.order_by("-id").values_list("text", flat=True)[:_NEWEST_POSTS],
        *(text for text in sent.values_list("text", flat=True) if "#" in text),
    ]
