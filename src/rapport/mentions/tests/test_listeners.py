"""Sources: one reader each, the cursor moves with what it stands for, and whatever breaks is begun again."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from rapport.inbox.tests.making import make_brand
from rapport.ingest import readers
from rapport.mentions import hearing
from rapport.mentions.hearing import Heard
from rapport.mentions.listeners import claim_sources, give_back, store
from rapport.mentions.models import Denominator, Mention, Post, Source
from rapport.mentions.recording import QueriesChangedMeanwhile
from rapport.mentions.sources.base import Chunk, Given, NotShared, SourceKind, Stop
from rapport.mentions.sources.registry import STREAMED
from rapport.mentions.tests.making import heard, make_query
from rapport.mentions.tests.reading import eventually, listening
from rapport.networks.errors import Refused, TryAgain

pytestmark = pytest.mark.django_db(transaction=True)


class Live(SourceKind):
    """A kind whose network is a queue of what happens: a post's number, or a way to end."""

    key = "live"
    label = "Live"
    about = ""
    network = "somewhere"

    def __init__(self) -> None:
        self.happens: queue.Queue[int | Exception | None] = queue.Queue()
        self.begun: list[dict[str, Any]] = []

    def run(self, given: Given, cursor: Mapping[str, Any], stop: Stop) -> Iterator[Chunk]:
        self.begun.append(dict(cursor))
        at = int(cursor.get("at", 0))
        while not stop():
            try:
                what = self.happens.get(timeout=0.05)
            except queue.Empty:
                yield Chunk([], {"at": at})
                continue
            if what is None:
                return
            if isinstance(what, Exception):
                raise what
            at = what
            yield Chunk([heard(str(at), f"aero number {at}", lang="en")], {"at": at})


class Away:
    """A stream between processes that takes nothing."""

    def publish(self, source_id: int, heard: list[Heard]) -> None:
        raise NotShared("NoServersError: none is there")


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Live:
    found = Live()
    for key in list(STREAMED):
        monkeypatch.delitem(STREAMED, key)
    monkeypatch.setitem(STREAMED, "live", found)
    monkeypatch.setattr(readers, "LOOK_S", 0.05)
    monkeypatch.setattr(readers, "RETRY_S", 0.1)
    monkeypatch.setattr(readers, "FIRST_RETRY", timedelta(seconds=0.1))
    return found


def make_source(**fields: Any) -> Source:
    return Source.objects.create(kind="live", name="live", **fields)


def stored() -> list[str]:
    return list(Post.objects.order_by("id").values_list("external_id", flat=True))


def test_what_matches_is_stored_with_the_cursor_and_the_rest_is_counted(live: Live) -> None:
    make_query(make_brand(), "2")
    source = make_source(failures=2, last_error="It was away.")
    for number in (1, 2, 3):
        live.happens.put(number)
    with listening():
        eventually(lambda: Source.objects.get().cursor == {"at": 3}, "the cursor moves")
    source.refresh_from_db()
    assert stored() == ["2"]
    assert Mention.objects.get().post.source_id == source.id
    assert sum(Denominator.objects.values_list("heard", flat=True)) == 3
    assert (source.failures, source.last_error) == (0, "It was away.")  # of which the page says when it was
    assert source.last_heard_at is not None
    assert source.lease_until is None  # given back at the end
    with listening():
        eventually(lambda: len(live.begun) == 2, "begun again")
    assert live.begun[-1] == {"at": 3}


def test_one_reader_at_a_time_and_the_next_when_it_dies(live: Live) -> None:
    source = make_source()
    (lease,) = claim_sources(limit=5)
    assert claim_sources(limit=5) == []
    # Its process is gone, and the time is over.
    Source.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    (second,) = claim_sources(limit=5)
    assert not store(lease, Chunk([heard("1", "x")], {"at": 1}), well=True)
    give_back(lease, reason="late")
    source.refresh_from_db()
    assert (source.cursor, source.failures, source.lease_until) == ({}, 0, second.until)
    assert store(second, Chunk([], {"at": 2}), well=True)


def test_what_goes_wrong_is_kept_and_tried_again(live: Live) -> None:
    make_query(make_brand(), "aero")
    source = make_source()
    live.happens.put(TryAgain("The server is asleep."))
    with listening():
        eventually(lambda: Source.objects.get().failures == 1, "the failure is kept")
        assert Source.objects.get().last_error == "The server is asleep."
        live.happens.put(1)
        eventually(lambda: stored() == ["1"], "it goes on by itself")
        eventually(lambda: Source.objects.get().failures == 0, "it works again")
        live.happens.put(Refused("There is no such stream."))
        eventually(lambda: Source.objects.get().failures == 1, "refused")
        source.refresh_from_db()
        assert source.retry_at is not None
        assert source.retry_at > timezone.now() + timedelta(minutes=20)


def test_a_source_that_breaks_in_an_odd_way_is_kept_and_tried_again(live: Live) -> None:
    make_query(make_brand(), "aero")
    make_source()
    live.happens.put(RuntimeError("generator raised StopIteration"))
    with listening():
        eventually(lambda: Source.objects.get().failures == 1, "the failure is kept")
        assert Source.objects.get().last_error == "Unexpected error (RuntimeError)."
        live.happens.put(1)
        eventually(lambda: stored() == ["1"], "it goes on by itself")


def test_what_cannot_be_handed_on_is_told_and_comes_again(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "HELD_S", 0.2)
    make_source()
    live.happens.put(1)
    with listening(Away()):
        eventually(lambda: Source.objects.get().failures > 0, "the failure is kept")
        assert Source.objects.get().last_error == "NoServersError: none is there"
        assert Source.objects.get().cursor == {}


def test_posts_are_kept_while_queries_change_all_the_time(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_query(make_brand(), "aero")
    make_source()
    (lease,) = claim_sources(limit=1)

    def busy(*args: Any, **more: Any) -> Any:
        raise QueriesChangedMeanwhile

    with monkeypatch.context() as changing:
        changing.setattr(hearing, "record", busy)
        with pytest.raises(QueriesChangedMeanwhile):
            store(lease, Chunk([heard("1", "aero")], {"at": 1}), well=True)
    assert Source.objects.get().cursor == {}
    assert store(lease, Chunk([heard("1", "aero")], {"at": 1}), well=True)
    assert stored() == ["1"]


def test_an_end_without_a_word_is_begun_again(live: Live) -> None:
    make_source()
    with listening():
        eventually(lambda: len(live.begun) == 1, "begun")
        live.happens.put(None)
        eventually(lambda: len(live.begun) == 2, "begun again")
    assert Source.objects.get().failures == 0


@pytest.mark.parametrize("change", [{"state": "paused"}, {"deleted_at": timezone.now()}])
def test_a_source_that_is_paused_or_removed_is_left(live: Live, change: dict[str, Any]) -> None:
    make_query(make_brand(), "aero")
    make_source()
    with listening():
        # The lease is stored with the first look; what is changed before it would be found by the claim.
        eventually(lambda: Source.objects.get().cursor == {"at": 0}, "begun")
        Source.objects.update(**change)
        live.happens.put(1)
        eventually(live.happens.empty, "taken")
    assert stored() == []
    assert Source.objects.get().cursor in ({}, {"at": 0})


def test_a_post_that_cannot_be_heard_costs_only_itself(live: Live) -> None:
    make_query(make_brand(), "aero")
    source = make_source()
    (lease,) = claim_sources(limit=1)
    some = [heard(str(number), "aero") for number in range(1, 6)]
    some[2] = heard("", "aero")  # has no id, which nothing can be done with
    assert store(lease, Chunk(some, {"at": 5}), well=True)
    assert sorted(stored()) == ["1", "2", "4", "5"]
    source.refresh_from_db()
    assert source.cursor == {"at": 5}
