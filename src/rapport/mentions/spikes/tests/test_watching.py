"""The look each minute, on real tables: once per event, whatever comes late or at once."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections
from procrastinate.contrib.django.models import ProcrastinateJob
from pytest_django import DjangoAssertNumQueries

from rapport.brands.models import Brand
from rapport.contacts.models import Contact
from rapport.inbox.tests.making import make_brand, make_channel, make_contact, say
from rapport.lib.pg import array
from rapport.mentions.models import (
    Alert,
    AlertSetting,
    KeptCounts,
    Match,
    Mention,
    Post,
    Query,
    QueryState,
)
from rapport.mentions.spikes import counting
from rapport.mentions.spikes.baseline import BUCKET
from rapport.mentions.spikes.queries import contacts_of
from rapport.mentions.spikes.tests.making import NOW, burst, found, quiet_weeks
from rapport.mentions.spikes.watching import CHOICES, count_noise, watch


def _later(minutes: float) -> int:
    return watch(now=NOW + timedelta(minutes=minutes))


def _known(author_id: str, brand: Brand) -> Contact:
    """An author who has a case with a brand."""
    channel = make_channel(brand)
    identity = make_contact(channel)
    identity.external_id = author_id
    identity.save()
    say(channel, identity)
    return identity.contact


@pytest.mark.django_db
def test_a_spike_is_one_alert_told_once_and_ends() -> None:
    query = quiet_weeks(make_brand("aero"))
    assert watch(now=NOW) == 0
    burst(query, 25)
    assert watch(now=NOW) == 1
    assert [_later(n) for n in (1, 2, 3)] == [0, 0, 0]
    alert = Alert.objects.get()
    assert alert.brand_id == query.brand_id
    assert NOW - timedelta(minutes=20) <= alert.began_at <= NOW
    assert alert.seen >= 25 > 5 > alert.expected
    assert ProcrastinateJob.objects.filter(task_name="rapport.alerts.tell").count() == 1
    # Over, when nothing more came for some hours; and what is over opens no second alert.
    for hours in range(1, 9):
        _later(60 * hours)
    alert.refresh_from_db()
    assert alert.ended_at is not None
    assert Alert.objects.count() == 1


@pytest.mark.django_db
def test_an_alert_grows_with_its_event() -> None:
    query = quiet_weeks(make_brand("aero"))
    burst(query, 20)
    watch(now=NOW)
    first = Alert.objects.get()
    found(query, [NOW + timedelta(minutes=n / 10) for n in range(60)], text="aero refund please")
    assert _later(7) == 0
    second = Alert.objects.get()
    assert second.seen >= first.seen + 60
    assert "refund" in [term for term, *_ in second.about["terms"]]


@pytest.mark.django_db
def test_what_it_is_about() -> None:
    query = quiet_weeks(make_brand("aero"))
    known = _known("id3", query.brand)
    found(
        query, [NOW - timedelta(minutes=n / 2) for n in range(20)],
        text="aero lost my bag #lostbags https://news.example/aero", lang="de",
    )  # fmt: skip
    watch(now=NOW)
    about = Alert.objects.get().about
    assert about["languages"][0] == ["de", 20]
    assert about["contacts"] == [known.pk]
    assert "#lostbags" in [term for term, *_ in about["terms"]]
    assert "aero" not in [term for term, *_ in about["terms"]]  # it was said before as well
    assert about["links"][0][1] == 20
    assert Mention.objects.filter(pk__in=[row[0] for row in about["posts"]]).count() == 5
    assert about["hours"]


@pytest.mark.django_db
def test_it_is_about_nothing_that_was_set_aside_or_deleted() -> None:
    query = quiet_weeks(make_brand("aero"))
    burst(query, 30)
    burst(query, 12, text="aero #junk https://junk.example/x")
    burst(query, 12, text="aero #gone https://gone.example/x")
    Mention.objects.filter(post__text__contains="#junk").update(state="spam")
    Post.objects.filter(text__contains="#gone").update(deleted_at=NOW)
    watch(now=NOW)
    about = Alert.objects.get().about
    assert "#storm" in (terms := [term for term, *_ in about["terms"]])
    assert not {"#junk", "#gone"} & set(terms)
    assert about["links"] == []


@pytest.mark.django_db
def test_whom_only_another_brand_knows_is_not_told() -> None:
    query = quiet_weeks(make_brand("aero"))
    other = _known("id3", make_brand("rail"))
    burst(query, 30)
    watch(now=NOW)
    alert = Alert.objects.get()
    assert alert.about["contacts"] == []
    # Nor of an alert that names them: the page asks again.
    alert.about["contacts"] = [other.pk]
    assert contacts_of(alert) == (0, [])
    ours = _known("id4", query.brand)
    alert.about["contacts"] = [other.pk, ours.pk]
    assert contacts_of(alert) == (1, [ours])


@pytest.mark.django_db
def test_posts_that_come_late_count_by_the_time_they_were_written() -> None:
    query = quiet_weeks(make_brand("aero"))
    # Written in ten minutes forty minutes ago; a short window that ended then sees them.
    late = [NOW - timedelta(minutes=40 + n / 2) for n in range(14)]
    found(query, late)
    assert watch(now=NOW) == 1
    assert Alert.objects.get().began_at < NOW - timedelta(minutes=38)


@pytest.mark.django_db
def test_what_is_set_aside_makes_no_alert() -> None:
    query = quiet_weeks(make_brand("aero"))
    burst(query, 40)
    Mention.objects.filter(sent_at__gt=NOW - timedelta(minutes=11), post__text__contains="#storm").update(
        state="spam"
    )
    assert watch(now=NOW) == 0


@pytest.mark.django_db
def test_reposts_and_copies_count() -> None:
    query = quiet_weeks(make_brand("aero"))
    found(query, [NOW - timedelta(minutes=2)], text="aero is on fire")
    original = Mention.objects.get(post__text="aero is on fire")
    burst(query, 30)
    Mention.objects.filter(post__text__contains="#storm").update(folded_into=original)
    assert watch(now=NOW) == 1
    [first, *_rest] = Alert.objects.get().about["posts"]
    assert first == [original.pk, 31]


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["paused", "deleted", "off"])
def test_what_nobody_listens_to_makes_none_and_ends_what_is_open(change: str) -> None:
    query = quiet_weeks(make_brand("aero"))
    burst(query, 30)
    watch(now=NOW)
    if change == "paused":
        Query.objects.update(state=QueryState.PAUSED)
    elif change == "deleted":
        Query.objects.update(deleted_at=NOW)
    else:
        AlertSetting.objects.create(brand=query.brand, on=False)
    burst(query, 60)
    assert _later(1) == 0
    assert Alert.objects.get().ended_at is not None


@pytest.mark.django_db
def test_muted_alerts_are_recorded_and_not_told() -> None:
    query = quiet_weeks(make_brand("aero"))
    AlertSetting.objects.create(brand=query.brand, muted_until=NOW + timedelta(hours=1))
    burst(query, 30)
    assert watch(now=NOW) == 1
    assert "muted" in Alert.objects.get().told
    assert not ProcrastinateJob.objects.filter(task_name="rapport.alerts.tell").exists()


@pytest.mark.django_db
def test_fewer_than_at_least_never_alert() -> None:
    query = quiet_weeks(make_brand("aero"))
    AlertSetting.objects.create(brand=query.brand, least=60)
    burst(query, 30)
    assert watch(now=NOW) == 0


@pytest.mark.django_db
def test_queries_cost_the_same_for_many_as_for_few(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    brand = make_brand("aero")
    for n in range(4):
        quiet_weeks(brand, name=f"aero {n}", every=240)
    with django_assert_max_num_queries(10):
        watch(now=NOW)


@pytest.mark.django_db
def test_the_past_says_how_much_noise_a_setting_makes() -> None:
    query = quiet_weeks(make_brand("aero"))
    for days in (3, 9):
        found(query, [NOW - timedelta(days=days, minutes=n / 3) for n in range(30)])
    counts = count_noise(brand_id=query.brand_id, now=NOW)
    assert list(counts) == [str(one) for one in CHOICES]
    assert 2 <= counts["0.2"] <= 3
    assert counts["0.05"] <= counts["0.2"] <= counts["3.0"]
    assert AlertSetting.objects.get().replayed["alerts"] == counts


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_make_one_alert() -> None:
    query = quiet_weeks(make_brand("aero"))
    burst(query, 30)
    ready = threading.Barrier(4)
    began: list[int] = []

    def work() -> None:
        try:
            ready.wait()
            began.append(watch(now=NOW))
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert sum(began) == 1
    assert Alert.objects.count() == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'rapport.alerts.tell'")
        assert cursor.fetchone()[0] == 1


def _rows_read(now: datetime) -> int:
    """How many mentions' matches a look reads for counting."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM mentions_query")
        ids = array(row[0] for row in cursor.fetchall())
        cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + counting._COUNTS, {"queries": ids, "now": now})
        (plan,) = cursor.fetchone()[0]

    def of(node: dict[str, Any]) -> int:
        here = (
            int(node["Actual Rows"] * node["Actual Loops"])
            if node.get("Relation Name") == "mentions_match"
            else 0
        )
        return here + sum(of(one) for one in node.get("Plans", ()))

    return of(plan["Plan"])


@pytest.mark.django_db
def test_a_look_reads_the_newest_hours_and_counts_the_rest_now_and_then() -> None:
    query = quiet_weeks(make_brand("aero"))
    burst(query, 25)
    assert watch(now=NOW) == 1
    kept = KeptCounts.objects.get()
    assert sum(kept.counts) == Mention.objects.filter(sent_at__lt=kept.until).count() > 1000
    assert _rows_read(NOW) == 24 + 25 < 50
    # Somebody sets old ones aside: that is no matter until they are counted anew.
    Mention.objects.filter(sent_at__lt=NOW - timedelta(days=7)).update(state="spam")
    _later(5)
    assert KeptCounts.objects.get().kept_at == NOW
    _later(8 * 60)
    assert sum(KeptCounts.objects.get().counts) < sum(kept.counts) / 2


@pytest.mark.django_db
def test_what_was_kept_and_what_is_read_are_what_there_is() -> None:
    query = quiet_weeks(make_brand("aero"))
    for minutes in (0, 1, 4, 62, 300):
        now = NOW + timedelta(minutes=minutes)
        [watched] = counting.watched(now=now, brand_id=query.brand_id)
        [(_query, series)] = counting.series_of([watched], now=now)
        sent = Match.objects.filter(query=query, sent_at__lte=now).values_list("sent_at", flat=True)
        wanted = Counter((one - series.began) // BUCKET for one in sent)
        assert {n: count for n, count in enumerate(series.counts) if count} == dict(wanted)


@pytest.mark.django_db
def test_a_past_that_was_looked_through_is_counted_at_once() -> None:
    query = quiet_weeks(make_brand("aero"))
    watch(now=NOW)
    found(query, [NOW - timedelta(weeks=5, minutes=n) for n in range(30)])
    watch(now=NOW + timedelta(minutes=1))
    before = sum(KeptCounts.objects.get().counts)
    Query.objects.filter(pk=query.pk).update(backfill={"at": (NOW + timedelta(minutes=2)).isoformat()})
    burst(query, 25)
    _later(3)
    # And at most one more that has meanwhile become old.
    assert before + 30 <= sum(KeptCounts.objects.get().counts) <= before + 31
