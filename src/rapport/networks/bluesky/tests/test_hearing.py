"""What reaches us from Bluesky's own servers."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from rapport.networks.base import Event, Liked, MessageDeleted, OutgoingMessage, Reposted
from rapport.networks.bluesky import past, polling, watching
from rapport.networks.bluesky.connector import BlueskyConnector
from rapport.networks.bluesky.tests.connecting import connected, renewed
from rapport.networks.bluesky.tests.hearing import Ear, messages
from rapport.networks.bluesky.tests.place import BlueskyPlace
from rapport.networks.errors import CredentialsGone, TryAgain

pytestmark = pytest.mark.xdist_group("bluesky")

Make = Callable[..., OutgoingMessage]


_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def fresh(place: BlueskyPlace) -> Iterator[None]:
    """An account without a past, so that a test hears only what happens in it."""
    before = place.ours, place.app_password
    place.take(f"brand{next(_numbers)}", "A Brand")
    place.settle()
    yield
    place.ours, place.app_password = before


@pytest.fixture
def ear(fresh: None, connector: BlueskyConnector) -> Ear:
    """An ear that has begun to listen."""
    found = Ear(connector)
    assert found.hear() == []
    return found


def test_mentions_replies_and_quotes_are_messages_and_likes_and_reposts_are_signals(
    place: BlueskyPlace, connector: BlueskyConnector, outgoing: Make, ear: Ear
) -> None:
    ours = connector.send(outgoing(text="Fares are down until Friday")).external_id
    place.settle()
    mention = place.customer_says("is that so?")
    reply = place.customer_says("lovely", to=ours)
    reference = place.customer.reference(ours)
    embed = {"$type": "app.bsky.embed.record", "record": reference}
    quote = place.customer.post("Have you seen this?", embed=embed)
    like = place.customer.react("app.bsky.feed.like", ours)
    repost = place.customer.react("app.bsky.feed.repost", ours)
    place.customer.create(
        "app.bsky.graph.follow", {"subject": place.ours.did, "createdAt": "2026-01-01T00:00:00Z"}
    )
    place.settle()
    events = ear.hear()
    heard = messages(events)
    assert heard.keys() == {ours, mention, reply, quote}
    assert (heard[reply].parent_id, heard[reply].facts) == (ours, {"kind": "comment"})
    assert heard[quote].facts == {"quotes": ours, "kind": "mention"}
    assert heard[mention].facts == {"kind": "mention"}
    assert not any(one.context for one in heard.values())
    assert [(one.external_id, one.original_id) for one in events if isinstance(one, Liked)] == [(like, ours)]
    assert [(one.external_id, one.original_id) for one in events if isinstance(one, Reposted)] == [
        (repost, ours)
    ]
    assert ear.hear() == []


def test_a_reply_whose_notification_was_lost_is_found_in_the_thread(
    place: BlueskyPlace, connector: BlueskyConnector, outgoing: Make, ear: Ear
) -> None:
    asked = place.customer_says("my line is dead")
    ear.hear()
    ours = connector.send(outgoing(parent_id=asked)).external_id
    place.settle()
    # To our answer, below our answer, and the customer going on below their own question.
    below = place.customer_says("since Monday", to=ours)
    deeper = place.customer_says("and nobody answers the phone", to=below)
    beside = place.customer_says("at home, I mean", to=asked)
    for uri in (below, deeper, beside):
        place.lose_notification(uri)
    heard = messages(ear.hear())
    assert {below, deeper, beside} <= heard.keys()
    assert not any(heard[uri].context for uri in (below, deeper, beside))
    assert ear.hear() == []


def test_what_a_mention_answers_is_kept_as_context(place: BlueskyPlace, ear: Ear) -> None:
    stranger = place.person("ivo", "Ivo Brand")
    first = stranger.post("My flight was cancelled")
    second = stranger.post("and the next one too", to=first)
    place.settle()
    mention = place.customer_says(f"@{place.ours.handle} can help", to=second)
    heard = messages(ear.hear())
    assert {uri: one.context for uri, one in heard.items()} == {first: True, second: True, mention: False}
    # Somebody else answers the mention: that is not to us.
    aside = stranger.post("they never do", to=mention)
    place.settle()
    assert {uri: one.context for uri, one in messages(ear.hear()).items()} == {aside: True}


def test_context_becomes_a_message_when_it_is_said_to_us(place: BlueskyPlace, ear: Ear) -> None:
    mention = place.customer_says("hello?")
    ear.hear()
    aside = place.person("ana", "Ana Weiss").post("same here", to=mention)
    place.settle()
    (item,) = [one for one in ear.connector.poll(ear.cursor).items if one.key == f"context:{aside}"]
    (event,) = ear.connector.parse(item.kind, item.payload)
    assert messages([event])[aside].context
    assert item.dedupe_key() != polling.post_item(item.payload["post"]).dedupe_key()


def test_a_deleted_message_is_told(place: BlueskyPlace, ear: Ear) -> None:
    asked = place.customer_says("forget what I say here")
    ear.hear()
    before = datetime.now(UTC)
    place.customer_deletes(asked)
    (event,) = ear.hear()
    assert isinstance(event, MessageDeleted)
    assert event.external_id == asked
    assert event.deleted_at >= before
    assert ear.hear() == []


def test_who_blocks_us_has_deleted_nothing(place: BlueskyPlace, ear: Ear) -> None:
    angry = place.person("otto", "Otto Kern")
    uri = angry.post(f"@{place.ours.handle} never again", names={place.ours.handle: place.ours.did})
    place.settle()
    assert messages(ear.hear()).keys() == {uri}
    angry.create("app.bsky.graph.block", {"subject": place.ours.did, "createdAt": "2026-01-01T00:00:00Z"})
    place.settle()
    assert ear.hear() == []


def test_posts_of_ours_that_were_written_elsewhere_are_heard(place: BlueskyPlace, ear: Ear) -> None:
    uri = place.ours.post("Written on a phone")
    place.settle()
    own = messages(ear.hear())[uri]
    assert (own.author.external_id, own.text) == (ear.connector.account.external_id, "Written on a phone")


def test_a_first_poll_brings_the_last_minutes_and_not_the_past(
    place: BlueskyPlace, connector: BlueskyConnector
) -> None:
    names = {place.ours.handle: place.ours.did}
    past = (datetime.now(UTC) - timedelta(hours=2)).isoformat().replace("+00:00", "Z")
    old = place.customer.post(f"@{place.ours.handle} long ago", names=names, created_at=past)
    recent = place.customer_says("just now")
    heard = messages(Ear(connector).hear())
    assert recent in heard
    assert old not in heard


def test_a_client_with_a_wrong_clock_does_not_speak_from_the_future(place: BlueskyPlace, ear: Ear) -> None:
    names = {place.ours.handle: place.ours.did}
    ahead = (datetime.now(UTC) + timedelta(days=400)).isoformat().replace("+00:00", "Z")
    uri = place.customer.post(f"@{place.ours.handle} from the future", names=names, created_at=ahead)
    place.settle()
    heard = messages(ear.hear())[uri]
    assert heard.sent_at <= datetime.now(UTC) + timedelta(seconds=5)
    later = place.customer_says("and now")
    assert later in messages(ear.hear())


def test_long_lists_are_read_in_pages_and_nothing_is_missing(
    place: BlueskyPlace, monkeypatch: pytest.MonkeyPatch, ear: Ear
) -> None:
    monkeypatch.setattr(polling, "PAGE", 3)
    monkeypatch.setattr(polling, "PAGES", 2)
    monkeypatch.setattr(watching, "THREADS", 1)
    names = {place.ours.handle: place.ours.did}
    posted = {place.customer.post(f"@{place.ours.handle} number {n}", names=names) for n in range(15)}
    place.settle()
    assert ear.connector.poll(ear.cursor).more
    heard = messages(ear.hear())
    assert heard.keys() == posted
    assert ear.hear() == []


def test_direct_messages_both_ways_with_names_and_reactions(
    place: BlueskyPlace, connector: BlueskyConnector, outgoing: Make, ear: Ear
) -> None:
    said = [place.customer_says(f"private {n}", private=True) for n in range(12)]
    heard = messages(ear.hear())
    assert list(heard) == said
    first = heard[said[0]]
    assert (first.visibility, first.text) == ("private", "private 0")
    assert (first.author.external_id, first.author.name) == (place.customer.did, "Mira Holt")
    answer = outgoing(
        visibility="private",
        parent_id=said[-1],
        thread_key=first.thread_key,
        text="https://example.com/a helps",
    )
    sent = connector.send(answer)
    assert place.customer_reads(said[-1], private=True)[-1] == "https://example.com/a helps"
    convo, _, message = sent.external_id.partition("/")
    place.customer.call(
        "chat.bsky.convo.addReaction",
        {"convoId": convo, "messageId": message, "value": "👍"},
        headers={"atproto-proxy": "did:web:api.bsky.chat#bsky_chat"},
    )
    own, liked = ear.hear()
    assert messages([own])[sent.external_id].author.external_id == connector.account.external_id
    assert isinstance(liked, Liked)
    assert (liked.original_id, liked.reaction, liked.author.name) == (sent.external_id, "👍", "Mira Holt")
    # Who connects now hears the last minutes, and nothing twice.
    assert {first.external_id, sent.external_id} <= messages(Ear(connector).hear()).keys()


def test_direct_messages_that_are_away_do_not_hold_up_public_ones(place: BlueskyPlace, ear: Ear) -> None:
    private = place.customer_says("in private", private=True)
    place.chat.down = True
    try:
        public = place.customer_says("in public")
        assert messages(ear.hear()).keys() == {public}
    finally:
        place.chat.down = False
    assert messages(ear.hear()).keys() == {private}


def test_without_the_right_to_direct_messages_only_public_ones_are_read(place: BlueskyPlace) -> None:
    values = {**place.values(), "app_password": place.new_app_password(direct=False)}
    place.renew()
    account = connected(values)
    assert account.settings["direct_messages"] is False
    connector = BlueskyConnector(account)
    assert not connector.rules.private_reply
    place.customer_says("not for everybody", private=True)
    public = place.customer_says("for everybody")
    heard = messages(Ear(connector).hear())
    assert public in heard
    assert all(one.visibility == "public" for one in heard.values())


def test_an_outage_loses_nothing_and_repeats_nothing(place: BlueskyPlace, ear: Ear) -> None:
    before = place.customer_says("before")
    with place.outage():
        with pytest.raises(TryAgain) as caught:
            ear.hear()
        assert not caught.value.doubt
    after = place.customer_says("after")
    assert messages(ear.hear()).keys() == {before, after}
    assert ear.hear() == []


def test_the_past_is_read_a_page_at_a_time(place: BlueskyPlace, outgoing: Make) -> None:
    asked = place.customer_says("in the past")
    direct = place.customer_says("privately, too", private=True)
    connector = BlueskyConnector(connected(place.values()))
    answer = connector.send(outgoing(parent_id=asked)).external_id
    place.settle()

    def read(since: datetime) -> tuple[list[Event], int]:
        cursor, events, pages = {}, [], 0
        while True:
            polled = connector.history(cursor, since=since)
            cursor, pages = polled.cursor, pages + 1
            for item in polled.items:
                events += connector.parse(item.kind, item.payload)
            assert pages < 300
            if not polled.more:
                return events, pages

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(past, "_PAGE", 5)
        events, pages = read(datetime.now(UTC) - timedelta(hours=1))
    assert {asked, answer, direct} <= messages(events).keys()
    assert pages > 3
    assert messages(read(datetime.now(UTC) + timedelta(minutes=1))[0]) == {}


def test_limits_are_told(connector: BlueskyConnector) -> None:
    connector.poll({})
    seen = connector.seen_limits[-1]
    assert seen.budget == "read"
    assert 0 < seen.remaining < 3000
    assert seen.reset_at > datetime.now(UTC)


def test_a_session_that_ended_is_told_and_renewed(place: BlueskyPlace, connector: BlueskyConnector) -> None:
    place.server.do("end_sessions")
    with pytest.raises(CredentialsGone):
        connector.poll({})
    again = renewed(connector.account)
    BlueskyConnector(again).poll({})
    with pytest.raises(CredentialsGone):
        BlueskyConnector(dataclasses.replace(again, credentials={})).poll({})
