"""Looks at every query once a minute: opens an alert when a spike begins, follows it, ends it when it is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from rapport.mentions.models import Alert, AlertSetting, Query, QueryState
from rapport.mentions.spikes import counting, telling
from rapport.mentions.spikes.about import about
from rapport.mentions.spikes.baseline import BUCKET, PER_DAY, PER_HOUR, Series
from rapport.mentions.spikes.counting import Watched
from rapport.mentions.spikes.method import Setting, alarm, began, is_over, replay, so_far

KIND = "volume"
# How often chance alone may alert, per query and week: what the settings page offers.
CHOICES = (0.05, 0.2, 1.0, 3.0)
REPLAYED_WEEKS = 8
# A replay looks every quarter of an hour; of a brand's queries those that found the most.
_REPLAY_STEP, _REPLAY_QUERIES = 3, 20
# One watcher at a time, so that two of them see one event once.
_LOCK = (0x53_50, 1)
# What an alert is about is read anew when it has grown by so much.
_GROWN = 1.1


def watch(*, now: datetime | None = None) -> int:
    """Look at what came up to ``now``; returns how many alerts began. Nothing while another looks."""
    now = now or timezone.now()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", _LOCK)
        if not cursor.fetchone()[0]:
            return 0
        _end_unwatched(now)
        queries = counting.watched(now=now)
        ids = [one.query_id for one in queries]
        open_alerts = {
            one.query_id: one for one in Alert.objects.filter(query__in=ids, kind=KIND, ended_at=None)
        }
        former = {
            one.query_id: one
            for one in Alert.objects.filter(query__in=ids, kind=KIND, ended_at__isnull=False)
            .order_by("query_id", "-ended_at")
            .distinct("query_id")
        }
        started = 0
        for query, series in counting.series_of(queries, now=now):
            alert = open_alerts.get(query.query_id)
            if alert is not None:
                _follow(alert, series, now)
            else:
                started += _look(query, series, former.get(query.query_id), now)
    return started


def _end_unwatched(now: datetime) -> None:
    """Nobody looks at a query that is paused or deleted, or whose brand wants no alerts: its event is over for us."""
    Alert.objects.filter(ended_at=None, kind=KIND).filter(
        ~Q(query__state=QueryState.ACTIVE)
        | Q(query__deleted_at__isnull=False)
        | Q(brand__alert_setting__on=False)
    ).update(ended_at=now)


def _look(query: Watched, series: Series, former: Alert | None, now: datetime) -> int:
    clear = 0
    if former is not None and former.ended_at is not None:
        # Its last hour was found normal.
        clear = (former.ended_at - series.began) // BUCKET - PER_HOUR
    found = alarm(series, len(series), query.setting, clear=max(0, clear))
    if found is None:
        return 0
    start = began(series, found)
    seen, expected = so_far(series, start, len(series))
    since = series.at(start)
    muted = max(filter(None, [query.muted_until, former.muted_until if former else None]), default=None)
    quiet = muted is not None and muted > now
    alert = Alert.objects.create(
        brand_id=query.brand_id,
        query_id=query.query_id,
        kind=KIND,
        began_at=since,
        seen=seen,
        expected=expected,
        about=_about(query.query_id, series, start, since, now),
        muted_until=muted if quiet else None,
        told={"muted": now.isoformat()} if quiet else {},
    )
    if not quiet:
        telling.defer_tell(alert.pk)
    return 1


def _follow(alert: Alert, series: Series, now: datetime) -> None:
    start = max(0, (alert.began_at - series.began) // BUCKET)
    seen, expected = so_far(series, start, len(series))
    changes: dict[str, Any] = {"seen": seen, "expected": expected}
    over = is_over(series, start, len(series))
    if over:
        changes["ended_at"] = now
    if over or seen > alert.about.get("read_at", 0) * _GROWN:
        changes["about"] = _about(alert.query_id or 0, series, start, alert.began_at, now)
    Alert.objects.filter(pk=alert.pk, ended_at=None).update(**changes)


def _about(query_id: int, series: Series, start: int, since: datetime, now: datetime) -> dict[str, Any]:
    return about(query_id=query_id, since=since, until=now + timedelta(seconds=1)) | {
        "hours": counting.hours_of(series, start),
        "read_at": series.total(start, len(series)),
    }


def count_noise(*, brand_id: int, now: datetime | None = None) -> dict[str, int]:
    """How many alerts each choice would have made of a brand in the last eight weeks, and keep that."""
    now = now or timezone.now()
    setting, _new = AlertSetting.objects.get_or_create(brand_id=brand_id)
    counts = {str(choice): 0 for choice in CHOICES}
    settings = [Setting(choice, setting.least) for choice in CHOICES]
    queries = counting.watched(now=now, brand_id=brand_id)
    most = sorted(counting.series_of(queries, now=now), key=lambda one: -one[1].total(0, len(one[1])))
    for _query, series in most[:_REPLAY_QUERIES]:
        start = max(0, len(series) - 7 * PER_DAY * REPLAYED_WEEKS)
        for choice, events in zip(
            CHOICES, replay(series, settings, start=start, step=_REPLAY_STEP), strict=True
        ):
            counts[str(choice)] += len(events)
    AlertSetting.objects.filter(brand_id=brand_id).update(
        replayed={"at": now.isoformat(), "least": setting.least, "alerts": counts}
    )
    return counts


def count_all_noise() -> int:
    """The same of every brand that has a query; returns how many."""
    brands = set(
        Query.objects.filter(deleted_at=None, state=QueryState.ACTIVE).values_list("brand_id", flat=True)
    )
    for brand_id in sorted(brands):
        count_noise(brand_id=brand_id)
    return len(brands)
