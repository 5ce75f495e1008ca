"""How sources do, for the page of owners and for ``rapport doctor``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from django.db.models import QuerySet, Sum
from django.utils import timezone

from rapport.mentions.models import Denominator, Source
from rapport.mentions.sources.registry import SOURCES, STREAMED
from rapport.mentions.stream_models import SourceState

# Longer without a reader: none runs, or all are full.
UNREAD = timedelta(minutes=2)


class Doing(Enum):
    """What a source does now."""

    LISTENING = "listening"
    WAITING = "waiting"  # nobody reads it yet
    TROUBLE = "trouble"
    PAUSED = "paused"
    READ = "read"  # a file
    MISSING = "missing"  # its kind is not installed


@dataclass(frozen=True, slots=True)
class SourceDoing:
    """A source, what it does, and how much was heard and matched in the last 24 hours."""

    source: Source
    doing: Doing
    label: str
    heard: int
    matched: int


def sources() -> list[SourceDoing]:
    """Every source that is not removed, in two statements."""
    found = list(_there().defer("secrets", "cursor"))
    since = timezone.now() - timedelta(days=1)
    sums = {
        row["source_key"]: (row["heard_sum"], row["matched_sum"])
        for row in Denominator.objects.filter(
            source_key__in=[f"source:{one.pk}" for one in found], at__gte=since
        )
        .values("source_key")
        .annotate(heard_sum=Sum("heard"), matched_sum=Sum("matched"))
    }
    now = timezone.now()
    return [
        SourceDoing(one, doing(one, now), label_of(one), *sums.get(f"source:{one.pk}", (0, 0)))
        for one in found
    ]


def in_trouble() -> list[tuple[Source, Doing]]:
    """Sources that fail, or that nobody reads."""
    now = timezone.now()
    found = [(one, doing(one, now)) for one in _there().filter(kind__in=STREAMED).defer("secrets", "cursor")]
    return [(one, what) for one, what in found if what in {Doing.TROUBLE, Doing.WAITING}]


def doing(source: Source, now: datetime) -> Doing:
    """What a source does at ``now``."""
    if source.kind not in SOURCES:
        return Doing.MISSING
    if source.state == SourceState.PAUSED:
        return Doing.PAUSED
    if source.kind not in STREAMED:
        return Doing.READ
    if source.failures:
        return Doing.TROUBLE
    if source.lease_until is not None and source.lease_until > now:
        return Doing.LISTENING
    since = max(one for one in (source.created_at, source.lease_until, source.retry_at) if one is not None)
    return Doing.WAITING if now - since > UNREAD else Doing.LISTENING


def label_of(source: Source) -> str:
    """The name of its kind."""
    kind = SOURCES.get(source.kind)
    return str(kind.label) if kind is not None else source.kind


def _there() -> QuerySet[Source]:
    return Source.objects.filter(deleted_at=None).order_by("name", "id")
