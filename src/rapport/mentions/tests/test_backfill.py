"""The past is looked through once, in parts; what an older version found and holds no more goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from rapport.brands.models import Brand
from rapport.inbox.models import Message
from rapport.inbox.tests.making import make_brand, make_channel, make_contact, make_user, say
from rapport.mentions import backfill, folding
from rapport.mentions.hearing import hear
from rapport.mentions.models import Denominator, Match, Mention, Post, Query, Unheard
from rapport.mentions.saving import save_query
from rapport.mentions.tests.making import change_query, heard, make_query
from rapport.staff.models import Role

LONG_AGO = 3000  # days: whatever the clock says, what tests make is newer


@pytest.fixture
def brand(db: None) -> Brand:
    return make_brand()


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "PART", 3)


def run(query: Query) -> int:
    parts = 1
    while backfill.take_part(query_id=query.pk):
        parts += 1
    query.refresh_from_db()
    return parts


def found() -> set[tuple[str, str, int]]:
    return set(Match.objects.values_list("mention__post__text", "query__name", "version__number"))


def test_messages_and_kept_posts_are_looked_through(brand: Brand) -> None:
    channel = make_channel(brand)
    ana = make_contact(channel)
    for number in range(7):
        say(channel, ana, f"aero {number}" if number % 2 else f"zeta {number}")
    say(channel, ana, "aero in private", visibility="private")
    say(channel, None, "aero by ourselves")
    assert not Unheard.objects.exists()
    make_query(brand, "kept", name="first")
    hear([heard(str(n), f"kept aero {n}") for n in range(4)], source_key="source:1")
    query = make_query(brand, "aero", name="second")
    backfill.begin(query, days=LONG_AGO)
    run(query)
    texts = {text for text, name, _ in found() if name == "second"}
    assert texts == {"aero 1", "aero 3", "aero 5", *(f"kept aero {n}" for n in range(4))}
    assert query.backfill["state"] == "done"
    assert query.backfill["found"] == 7
    assert not Denominator.objects.filter(source_key="channels").exists()
    before = found()
    backfill.begin(query, days=LONG_AGO)
    run(query)
    assert found() == before


def test_what_an_older_version_found_goes_when_it_holds_no_more(brand: Brand) -> None:
    query = make_query(brand, "aero", name="q")
    make_query(brand, "late", name="other")
    hear([heard(str(n), f"aero {'late' if n % 2 else 'lost'} {n}") for n in range(8)], source_key="source:1")
    Mention.objects.filter(post__text="aero lost 0").update(state="seen")
    change_query(query, "aero late")
    backfill.begin(query, days=LONG_AGO)
    run(query)
    # Each match keeps the version that found it; what somebody dealt with stays.
    assert {(text, version) for text, name, version in found() if name == "q"} == {
        ("aero lost 0", 1), *((f"aero late {n}", 1) for n in (1, 3, 5, 7)),
    }  # fmt: skip
    change_query(query, "lost")
    backfill.begin(query, days=LONG_AGO)
    run(query)
    assert {(text, version) for text, name, version in found() if name == "q"} == {("aero lost 0", 1)}
    assert {text for text, name, _ in found() if name == "other"} == {f"aero late {n}" for n in (1, 3, 5, 7)}


def test_a_killed_worker_repeats_one_part_and_a_newer_version_takes_over(brand: Brand) -> None:
    channel = make_channel(brand)
    ana = make_contact(channel)
    for number in range(10):
        say(channel, ana, f"aero {number}")
    query = make_query(brand, "aero", name="q")
    backfill.begin(query, days=LONG_AGO)
    for _part in range(4):
        assert backfill.take_part(query_id=query.pk)
    query.refresh_from_db()
    assert query.backfill["state"] == "running"
    assert 0 < len(found()) < 10
    # The worker is gone; a minute later its job is asked for again.
    ProcrastinateJob.objects.all().delete()
    Query.objects.update(backfill={**query.backfill, "at": "2026-01-01T00:00:00+00:00"})
    assert backfill.sweep() == 1
    assert backfill.sweep() == 0
    change_query(query, '"aero 1"')
    query.refresh_from_db()
    backfill.begin(query, days=LONG_AGO)
    run(query)
    assert {text for text, _, _ in found()} == {"aero 1"}


def test_a_part_that_cannot_be_looked_through_is_tried_some_times(
    brand: Brand, caplog: pytest.LogCaptureFixture
) -> None:
    channel = make_channel(brand)
    message = say(channel, make_contact(channel), "aero")
    rows = Message.objects.filter(id=message.id)
    rows.update(facts={"title": ["no", "text"]})
    query = make_query(brand, "aero")
    backfill.begin(query, days=LONG_AGO)
    for _try in range(backfill.MOST_TRIES - 1):
        backfill.look_back(query_id=query.pk)
    query.refresh_from_db()
    assert (query.backfill["state"], query.backfill["tries"]) == ("running", backfill.MOST_TRIES - 1)
    rows.update(facts={})
    backfill.look_back(query_id=query.pk)
    query.refresh_from_db()
    assert (query.backfill["state"], query.backfill["tries"]) == ("done", 0)
    assert Mention.objects.count() == 1
    Mention.objects.all().delete()
    rows.update(facts={"title": ["no", "text"]})
    backfill.begin(query, days=LONG_AGO)
    for _try in range(backfill.MOST_TRIES):
        backfill.look_back(query_id=query.pk)
    query.refresh_from_db()
    assert query.backfill["state"] == "failed"
    assert "could not be looked through" in caplog.text


@pytest.mark.parametrize("paused", [False, True])
def test_the_kind_of_a_query_is_that_of_what_it_found(brand: Brand, paused: bool) -> None:
    lead = make_user(brand=brand, role=Role.LEAD)
    query = make_query(brand, "aero", name="q")
    make_query(brand, "late", name="other", kind="competitor")
    hear(
        [heard(str(n), f"aero {'late' if n == 4 else 'lost'} {n}", minutes=n) for n in range(5)],
        source_key="source:1",
    )
    Mention.objects.filter(post__external_id="0").update(state="seen", handled_at=timezone.now())
    before = Mention.objects.get(post__external_id="1").relevance
    save_query(
        user=lead, brand_id=brand.pk, name="q", text="aero", kind="topic", query_id=query.pk,
        state="paused" if paused else "active",
    )  # fmt: skip
    query.refresh_from_db()
    assert backfill.take_part(query_id=query.pk)
    query.refresh_from_db()
    # A restart before it is through begins with it again.
    backfill.begin(query)
    run(query)
    assert query.backfill["state"] == ("stopped" if paused else "done")
    kinds = dict(Mention.objects.values_list("post__external_id", "kinds"))
    assert kinds == {**{str(n): ["topic"] for n in range(4)}, "4": ["competitor", "topic"]}
    assert Mention.objects.get(post__external_id="1").relevance < before


def test_one_that_was_paused_stops(brand: Brand) -> None:
    query = make_query(brand, "aero")
    backfill.begin(query)
    Query.objects.update(state="paused")
    assert not backfill.take_part(query_id=query.pk)
    query.refresh_from_db()
    assert query.backfill["state"] == "stopped"


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        ("SELECT id FROM mentions_mention WHERE brand_id = 1 AND fold_key = 'x' AND fold_key <> ''", "mention_"),
        ("SELECT id FROM mentions_match WHERE query_id = 1 AND version_id <> 2 AND sent_at <= now() "
         "ORDER BY sent_at DESC, mention_id LIMIT 500", "match_of_query"),
        ("SELECT id FROM mentions_post WHERE network = 'a' AND external_id = 'b'", "post_once_per_network"),
        ("SELECT id FROM mentions_gone WHERE network = 'a' AND external_id = 'b'", "gone_once"),
    ],
)  # fmt: skip
def test_what_is_asked_for_each_batch_has_an_index(db: None, statement: str, index: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO mentions_post (network, external_id, url, title, text, lang, author_id_there, author, "
            "author_name, parent_external_id, original_external_id, facts, sent_at, likeness) "
            "SELECT 'a', n::text, '', '', '', '', '', '', '', '', '', '{}', now(), '' "
            "FROM generate_series(1, 500) n"
        )
        cursor.execute("ANALYZE mentions_post")
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN {statement}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert index in plan


@contextmanager
def while_it_waits(happens: Callable[[], object]) -> Iterator[None]:
    """Something happens once, while somebody waits for the lock of those who store."""
    left = [happens]

    def waits(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "pg_advisory_xact_lock" in sql and tuple(params) == folding._LOCK and left:
            left.pop()()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(waits):
        yield
    assert not left


def begun(brand: Brand, text: str) -> Query:
    """A query whose run has come to the posts that are kept."""
    query = make_query(brand, text)
    backfill.begin(query, days=LONG_AGO)
    assert backfill.take_part(query_id=query.pk)
    query.refresh_from_db()
    assert query.backfill["next"] == {"phase": "posts"}
    return query


def test_a_query_that_changes_after_it_was_matched_stores_nothing_of_its_old_words(brand: Brand) -> None:
    make_query(brand, "post")
    hear([heard("1", "aero post"), heard("2", "zeppelin post")], source_key="source:1")
    query = begun(brand, "aero")

    def changes() -> None:
        change_query(query, "zeppelin")
        backfill.begin(query, days=LONG_AGO)

    with while_it_waits(changes):
        assert backfill.take_part(query_id=query.pk)
    assert not Match.objects.filter(query=query).exists()
    run(query)
    assert [one.mention.post.text for one in Match.objects.filter(query=query)] == ["zeppelin post"]


def test_a_post_that_is_edited_after_it_was_matched_is_left_to_whoever_heard_the_edit(brand: Brand) -> None:
    make_query(brand, "post")
    hear([heard("1", "aero post"), heard("2", "aero post too")], source_key="source:1")
    query = begun(brand, "aero")
    edited = Post.objects.filter(external_id="1")
    with while_it_waits(lambda: edited.update(text="a post", edited_at=timezone.now())):
        backfill.take_part(query_id=query.pk)
    assert [one.mention.post.text for one in Match.objects.filter(query=query)] == ["aero post too"]


def test_nobody_waits_while_texts_are_read(brand: Brand) -> None:
    channel = make_channel(brand)
    say(channel, make_contact(channel), "aero said")
    query = begun(brand, "aero")
    assert backfill.take_part(query_id=query.pk)
    with CaptureQueriesContext(connection) as asked:
        backfill.take_part(query_id=query.pk)
    said = [one["sql"] for one in asked.captured_queries]
    lock = next(n for n, sql in enumerate(said) if f"lock({', '.join(map(str, folding._LOCK))})" in sql)
    read = [n for n, sql in enumerate(said) if '"inbox_message"."text"' in sql]
    assert read
    assert max(read) < lock
    assert Match.objects.filter(query=query).count() == 1
