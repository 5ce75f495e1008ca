"""X's filtered stream as a source: its rules, its one connection, and what comes over it."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import OperationalError

from rapport.inbox.tests.making import make_brand
from rapport.mentions.matching import note_change
from rapport.mentions.models import Mention, Post, Query, QueryState, Source
from rapport.mentions.sources import x as kind_module
from rapport.mentions.sources.base import Chunk, Given
from rapport.mentions.sources.registry import STREAMED
from rapport.mentions.tests.making import change_query, make_query
from rapport.mentions.tests.reading import eventually, listening
from rapport.networks.errors import Refused, TryAgain
from rapport.networks.x.tests import streaming
from rapport.networks.x.tests.doorman import BEARER
from rapport.networks.x.tests.place import XPlace

KIND = STREAMED["x"]
TAG = "rapport:listening"


@pytest.fixture
def place() -> Iterator[XPlace]:
    with XPlace() as found:
        yield found


def given(place: XPlace, *rules: str, token: str = BEARER, **more: Any) -> Given:
    options = {"rules": list(rules), "queries": False, "backfill": False, "api_url": place.x.url, **more}
    return Given(options, {"bearer_token": token})


def begun(place: XPlace, asked: Given, cursor: dict[str, Any] | None = None) -> Iterator[Chunk]:
    """A running source whose connection is there."""
    running = KIND.run(asked, cursor or {}, lambda: False)
    until = time.monotonic() + 10
    while place.x.listener is None:
        next(running)
        assert time.monotonic() < until
    return running


def until(running: Iterator[Chunk], posts: int) -> list[Any]:
    found: list[Any] = []
    give_up = time.monotonic() + 15
    for chunk in running:
        json.dumps(chunk.cursor)
        found += chunk.heard
        if len(found) >= posts:
            return found
        if time.monotonic() > give_up:
            break
    raise AssertionError(f"it ended after {len(found)} posts")


def closed(place: XPlace, running: Iterator[Chunk]) -> None:
    running.close()  # type: ignore[attr-defined]
    eventually(lambda: place.x.listener is None, "the connection is let go of")


def test_posts_of_our_rules_come_with_edits_and_without_reposts(place: XPlace) -> None:
    asked = KIND.checked(given(place, "  alvara   late "))
    assert asked.options["rules"] == ["alvara late"]
    assert KIND.named(asked) == "X: alvara late"
    assert not place.x.rules  # asked with a dry run
    place.x.rules["9"] = {"id": "9", "value": "oslo", "tag": "of another program"}
    running = begun(place, asked)
    first = place.x.post(place.customer, "Alvara is late &amp; I am not <3")
    place.x.happen(first)
    place.x.happen(place.x.post(place.customer, "oslo is nice"))
    place.x.happen(place.x.post(place.customer, "", reposts=first.id))
    edited = place.x.edit(first.id, "alvara is VERY late")
    place.x.happen(edited)
    one, two = until(running, 2)
    assert (one.post.id, one.post.author, one.post.network, one.post.followers) == (
        first.id, "ivana_k", "x", 20400,
    )  # fmt: skip
    assert (two.post.id, two.post.text, two.edited_at is not None) == (first.id, "alvara is VERY late", True)
    closed(place, running)


def test_what_is_answered_is_not_heard_and_what_is_gone_is(place: XPlace) -> None:
    stranger = place.x.person("luka_m", "Luka M")
    parent = place.x.post(stranger, "where is my bag")
    lost = place.x.post(stranger, "alvara, hello")
    running = begun(place, given(place, "alvara"))
    place.x.happen(place.x.post(place.customer, "alvara, look", parent=parent.id))
    place.x.delete(lost.id)
    place.x.happen(place.x.post(place.customer, "alvara, and this?", parent=lost.id))
    found = until(running, 3)
    assert [(one.post.id == lost.id, one.deleted) for one in found] == [
        (False, False), (False, False), (True, True),
    ]  # fmt: skip
    closed(place, running)


def test_lines_that_cannot_be_read_cost_only_themselves_and_a_huge_one_the_connection(place: XPlace) -> None:
    running = begun(place, given(place, "alvara"))
    for line in ("{", "null", '{"data": {"id": "x"}, "matching_rules": [{"tag": "rapport:listening"}]}'):
        place.x.send(line)
    good = place.x.post(place.customer, "alvara")
    place.x.happen(good)
    assert [one.post.id for one in until(running, 1)] == [good.id]
    place.x.send("x" * 1_200_000)
    with pytest.raises(TryAgain, match="more than an event can be"):
        until(running, 1)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ('"open', "token recognition error"),
        ("has:media", "stand-alone operator"),
        ("x" * 1100, "Rule length is 1100"),
        ("x" * 2100, "at most 2048"),
    ],
)
def test_a_rule_that_x_refuses_is_told_on_the_form(place: XPlace, rule: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        KIND.checked(given(place, "alvara", rule))
    assert not place.x.rules


def test_without_anything_to_ask_for_it_is_told(place: XPlace) -> None:
    with pytest.raises(Refused, match="Give a rule"):
        KIND.checked(given(place))


def test_a_wrong_token_is_told_and_shown_nowhere(place: XPlace, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = given(place, "alvara", token="not-the-token")
    for ask in (lambda: KIND.checked(wrong), lambda: list(KIND.run(wrong, {}, lambda: False))):
        with pytest.raises(Refused, match="does not accept the Bearer token") as told:
            ask()
        assert "not-the-token" not in f"{told.value}{wrong}{caplog.text}"


def test_a_token_that_cannot_be_a_header_is_told(place: XPlace) -> None:
    with pytest.raises(Refused, match="cannot be used"):
        KIND.checked(given(place, "alvara", token="ž\nx"))


def test_the_one_connection_is_taken(place: XPlace) -> None:
    running = begun(place, given(place, "alvara"))
    with pytest.raises(TryAgain, match="no further connection") as told:
        list(KIND.run(given(place, "alvara"), {}, lambda: False))
    assert told.value.after is not None
    assert told.value.after.total_seconds() == 300
    closed(place, running)


def test_an_end_that_x_announces_is_told(place: XPlace) -> None:
    running = begun(place, given(place, "alvara"))
    place.x.disconnect()
    with pytest.raises(TryAgain, match="operational reasons"):
        until(running, 1)


def test_what_came_before_an_end_that_x_announces_is_heard(place: XPlace) -> None:
    running = begun(place, given(place, "alvara"))
    post = place.x.post(place.customer, "alvara")
    with place.x.lock:
        place.x.happen(post)
        place.x.disconnect()
    eventually(lambda: place.x.listener is None, "all of it is on its way")
    came: list[Chunk] = []
    with pytest.raises(TryAgain, match="operational reasons"):
        came.extend(running)
    assert [one.post.id for chunk in came for one in chunk.heard] == [post.id]


def test_a_break_is_filled_where_the_contract_has_it(place: XPlace) -> None:
    place.x.enterprise = True
    asked = given(place, "alvara", backfill=True)
    running = begun(place, asked)
    cursor: dict[str, Any] = {}
    while "at" not in cursor:
        cursor = next(running).cursor
    closed(place, running)
    assert abs(cursor["at"] - time.time()) < 20
    missed = place.x.post(place.customer, "alvara")
    place.x.happen(missed)
    running = KIND.run(asked, cursor, lambda: False)
    assert [one.post.id for one in until(running, 1)] == [missed.id]
    closed(place, running)
    long_ago = begun(place, asked, {"at": int(time.time()) - 86_400})
    assert place.x.requests[-1].query["backfill_minutes"] == "5"
    closed(place, long_ago)
    plain = begun(place, given(place, "alvara"), cursor)
    assert "backfill_minutes" not in place.x.requests[-1].query
    closed(place, plain)
    place.x.enterprise = False
    with pytest.raises(Refused, match="backfill_minutes is for Enterprise"):
        list(KIND.run(asked, cursor, lambda: False))


def test_a_private_address_is_not_called(place: XPlace, settings: Any) -> None:
    settings.RAPPORT_PRIVATE_ADDRESSES = False
    with pytest.raises(Refused, match="private network"):
        KIND.checked(given(place, "alvara"))
    assert not place.x.requests


def test_it_stops_within_seconds(place: XPlace) -> None:
    began = time.monotonic()
    for _chunk in KIND.run(given(place, "alvara"), {}, lambda: time.monotonic() - began > 1.5):
        pass
    assert time.monotonic() - began < 4
    eventually(lambda: place.x.listener is None, "the connection is let go of")


def test_a_silent_connection_is_given_up(place: XPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rapport.networks.x.filtered.SILENT_S", 0.5)
    monkeypatch.setattr(type(place.x), "_lines", lambda self, listener: _silent())
    with pytest.raises(TryAgain):
        list(KIND.run(given(place, "alvara"), {}, lambda: False))


def _silent() -> Iterator[str]:
    yield ""
    time.sleep(3)


def rules_at(place: XPlace) -> set[str]:
    with place.x.lock:
        return {one["value"] for one in place.x.rules.values() if one["tag"] == TAG}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kind_module, "QUERIES_S", 0.2)


def store(asked: Given) -> Source:
    return Source.objects.create(kind="x", name="X", options=dict(asked.options), secrets=dict(asked.secrets))


def told(check: Callable[[str], bool]) -> Callable[[], bool]:
    return lambda: check(Source.objects.get().last_error)


@pytest.mark.django_db(transaction=True)
def test_a_listener_follows_the_queries_until_a_mention_is_there(place: XPlace, quick: None) -> None:
    brand = make_brand()
    make_query(brand, '"alvara air" -job')
    store(KIND.checked(given(place, queries=True)))
    with listening():
        eventually(lambda: place.x.listener is not None, "the stream is open")
        assert rules_at(place) == {'"alvara" "air" -is:retweet'}
        place.x.happen(place.x.post(place.customer, "the air on Alvara"))  # the rule's, not the query's
        found = place.x.post(place.customer, "Alvara Air is late")
        place.x.happen(found)
        eventually(Mention.objects.exists, "the mention is stored")
        # Another query, while the stream stays open.
        second = make_query(brand, "bravo")
        eventually(lambda: '"bravo" -is:retweet' in rules_at(place), "the new query has a rule")
        place.x.happen(place.x.post(place.customer, "bravo"))
        eventually(lambda: Mention.objects.count() == 2, "and a mention")
        change_query(second, "charlie")
        eventually(lambda: '"charlie" -is:retweet' in rules_at(place), "the changed query has a rule")
        eventually(lambda: '"bravo" -is:retweet' not in rules_at(place), "then the old one goes")
        Query.objects.filter(id=second.id).update(state=QueryState.PAUSED)
        note_change()
        eventually(lambda: rules_at(place) == {'"alvara" "air" -is:retweet'}, "the rule is taken away")
    assert set(Post.objects.values_list("text", flat=True)) == {"Alvara Air is late", "bravo"}
    assert Mention.objects.order_by("id")[0].post.external_id == found.id
    source = Source.objects.get()
    assert (source.failures, source.last_error, source.lease_until) == (0, "", None)


@pytest.mark.django_db(transaction=True)
def test_what_of_the_queries_is_not_listened_to_is_told_with_the_source(
    place: XPlace, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    brand = make_brand()
    make_query(brand, "alvara")
    wide = make_query(brand, "lugg*", name="Luggage")
    make_query(brand, "bravo")
    monkeypatch.setattr(
        streaming, "problem_of", lambda rule: "Reference to stop words" if "bravo" in rule else ""
    )
    store(given(place, queries=True))

    def left_out() -> list[str]:
        found: list[str] = Source.objects.get().left_out
        return found

    with listening():
        eventually(lambda: len(left_out()) == 2, "both are told")
        assert left_out()[0].startswith("“Luggage” gets no rule: some of what it finds")
        assert left_out()[1].startswith('X refuses the rule “"bravo" -is:retweet”: ')
        assert rules_at(place) == {'"alvara" -is:retweet'}
        Query.objects.filter(id=wide.id).update(state=QueryState.PAUSED)
        note_change()
        eventually(lambda: len(left_out()) == 1, "what is over is told no more")


@pytest.mark.django_db(transaction=True)
def test_queries_that_x_has_no_room_for_leave_the_others_listened_to(place: XPlace, quick: None) -> None:
    place.x.most_rules = 1
    brand = make_brand()
    make_query(brand, "alvara")
    source = store(given(place, queries=True))
    with listening():
        eventually(lambda: place.x.listener is not None, "the stream is open")
        make_query(brand, "bravo")
        eventually(lambda: bool(Source.objects.get().left_out), "it is told")
        assert "You may have 1 rules" in Source.objects.get().left_out[0]
        place.x.happen(place.x.post(place.customer, "alvara"))
        eventually(Mention.objects.exists, "the first is listened to all the same")
    source.refresh_from_db()
    assert source.last_error == ""


@pytest.mark.django_db(transaction=True)
def test_a_query_is_listened_to_soon_after_x_refused_all_there_were(
    place: XPlace, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        streaming, "problem_of", lambda rule: "Reference to stop words" if "bravo" in rule else ""
    )
    brand = make_brand()
    make_query(brand, "bravo")
    store(given(place, queries=True))
    with listening():
        eventually(lambda: bool(Source.objects.get().left_out), "it is told")
        make_query(brand, "alvara")
        eventually(lambda: place.x.listener is not None, "the stream is open")


@pytest.mark.django_db(transaction=True)
def test_the_stream_stays_open_while_the_database_cannot_be_asked(
    place: XPlace, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_query(make_brand(), "alvara")
    store(given(place, queries=True))
    asked: list[int] = []

    def away() -> None:
        asked.append(1)
        raise OperationalError("the server is starting up")

    with listening():
        eventually(lambda: place.x.listener is not None, "the stream is open")
        open_now = place.x.listener
        with monkeypatch.context() as broken:
            broken.setattr(kind_module, "known_trees", away)
            eventually(lambda: len(asked) > 1, "it is asked again")
        place.x.happen(place.x.post(place.customer, "alvara"))
        eventually(Mention.objects.exists, "the mention is stored")
        assert place.x.listener is open_now
    assert Source.objects.get().last_error == ""


@pytest.mark.django_db(transaction=True)
def test_the_stream_waits_for_the_first_query_and_rests_after_the_last(place: XPlace, quick: None) -> None:
    source = store(given(place, queries=True))
    with listening():
        eventually(lambda: any(one.method == "GET" for one in place.x.requests), "it looked")
        assert place.x.listener is None
        query = make_query(make_brand(), "alvara")
        eventually(lambda: place.x.listener is not None, "the stream is open")
        Query.objects.filter(id=query.id).update(state=QueryState.PAUSED)
        note_change()
        eventually(lambda: place.x.listener is None, "the connection is let go of")
        assert rules_at(place) == set()
    source.refresh_from_db()
    assert source.last_error == ""


@pytest.mark.django_db(transaction=True)
def test_a_listener_goes_on_after_an_outage_and_tells_why_it_stopped(place: XPlace) -> None:
    make_query(make_brand(), "alvara")
    store(given(place, "alvara"))
    with listening():
        eventually(lambda: place.x.listener is not None, "the stream is open")
        with place.outage():
            eventually(told(bool), "it is told")
        place.x.listener = None  # as after a restart
        eventually(lambda: place.x.listener is not None, "it is open again")
        place.x.happen(place.x.post(place.customer, "alvara"))
        eventually(Mention.objects.exists, "the mention is stored")
