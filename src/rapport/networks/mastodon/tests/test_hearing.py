"""What customers do reaches us, once, whichever server it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rapport.networks.base import (
    Liked,
    MessageDeleted,
    MessageSeen,
    Reposted,
)
from rapport.networks.doubles import Answer
from rapport.networks.mastodon.tests.desk import Listening, connected, outgoing
from rapport.networks.mastodon.tests.place import MastodonPlace


def test_it_hears_what_is_said_to_us(place: MastodonPlace) -> None:
    listening = Listening(connected(place))
    assert listening.hear() == []
    public = place.customer_says("Where is my bag?", image=True)
    private = place.customer_says("My booking is K7Q2", private=True)
    first, second = listening.messages()
    assert (first.external_id, first.visibility, first.text) == (public, "public", "@care Where is my bag?")
    assert [one.alt for one in first.media] == ["A broken box"]
    assert (first.author.external_id, first.author.handle) == (place.customer.id, "ivana.k@fedi.example")
    assert (second.external_id, second.visibility) == (private, "private")
    assert listening.later(seconds=600).hear() == []


def test_a_thread_that_cannot_be_had_does_not_stop_the_notifications(
    place: MastodonPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Servers time out over threads of thousands."""
    listening = Listening(connected(place))
    assert listening.hear() == []
    place.customer_says("The first of thousands")
    listening.messages()
    answer = place.double.answer
    monkeypatch.setattr(
        place.double, "answer", lambda one: Answer(503) if one.path.endswith("/context") else answer(one)
    )
    place.customer_says("Another matter")
    assert [one.text for one in listening.later(seconds=600).messages()] == ["@care Another matter"]


def test_what_was_before_the_first_poll_is_for_history(place: MastodonPlace) -> None:
    with place.world.lock:
        old = place.customer_says("Long ago")
        place.world.older_than(place.world.posts[old], timedelta(days=3))
        place.world.notifications[-1]["at"] -= timedelta(days=3)
    listening = Listening(connected(place))
    assert listening.hear() == []
    place.customer_says("Now")
    assert [one.text for one in listening.messages()] == ["@care Now"]


def test_it_catches_up_page_by_page(place: MastodonPlace) -> None:
    listening = Listening(connected(place))
    place.customer_says("first")
    listening.hear()
    said = [place.customer_says(f"n{number}") for number in range(430)]
    heard = [one.external_id for one in listening.later(seconds=60).messages()]
    assert sorted(heard) == sorted(set(heard))
    assert set(heard) == set(said)


def test_a_burst_before_anything_was_ever_seen_is_heard(place: MastodonPlace) -> None:
    listening = Listening(connected(place))
    listening.hear()
    said = [place.customer_says(f"n{number}") for number in range(90)]
    assert [one.external_id for one in listening.messages()] == said


def test_likes_and_boosts_are_signals(place: MastodonPlace) -> None:
    listening = Listening(connected(place))
    ours = listening.connector.send(outgoing("We are open on Sunday"))
    with place.world.lock:
        post = place.world.posts[ours.external_id]
        for kind in ("favourite", "reblog", "follow_request", "follow", "admin.sign_up", "of.the.future"):
            place.world.notify(
                place.care, kind, place.customer, post if kind in {"favourite", "reblog"} else None
            )
    events = [one for one in listening.hear() if not isinstance(one, MessageSeen)]
    assert [(type(one), one.original_id) for one in events if isinstance(one, Liked | Reposted)] == [
        (Liked, ours.external_id),
        (Reposted, ours.external_id),
    ]
    assert len(events) == 2


def test_our_own_posts_come_back_as_ours(place: MastodonPlace) -> None:
    listening = Listening(connected(place))
    with place.world.lock:
        place.world.publish(place.care, {"status": "Written on the phone"})
    (own,) = listening.messages()
    assert own.author.external_id == listening.connector.account.external_id


def test_a_reply_without_a_notification_is_found_in_the_thread(place: MastodonPlace) -> None:
    listening = Listening(connected(place))
    asked = place.customer_says("Is it open?")
    listening.hear()
    answer = listening.connector.send(outgoing("Yes", parent_id=asked))
    with place.world.lock:
        place.world.silent = True
    missed = place.customer_says("And on Monday?", to=answer.external_id)
    with place.world.lock:
        stranger = place.world.join("nosy", domain="other.example")
        aside = place.world.publish(
            stranger, {"status": "I wonder too, @ivana.k@fedi.example", "in_reply_to_id": missed}
        )
    listening.later(seconds=60).hear()
    found = {one.external_id: one for one in listening.later(seconds=60).messages()}
    heard = found | {one.external_id: one for one in listening.later(seconds=60).messages()}
    assert f"post:{missed}" in listening.keys
    assert f"context:{aside.id}" in listening.keys
    assert all(one.context == (one.external_id == aside.id) for one in heard.values())
    assert listening.later(seconds=600).hear() == []
    assert len(listening.keys) == len(set(listening.keys))


def test_edits_and_deletions_of_customers_are_noticed(place: MastodonPlace) -> None:
    listening = Listening(connected(place))
    first, second = place.customer_says("Flight AL1"), place.customer_says("Another thing")
    listening.hear()
    place.customer_edits(first, "Flight AL2")
    (edited,) = listening.later(seconds=60).messages()
    assert (edited.external_id, edited.text) == (first, "@care Flight AL2")
    assert edited.edited_at is not None
    place.customer_deletes(second)
    (gone,) = listening.later(seconds=60).hear()
    assert isinstance(gone, MessageDeleted)
    assert gone.external_id == second
    assert listening.later(seconds=60).hear() == []


def test_a_deletion_is_noticed_under_our_answer(place: MastodonPlace) -> None:
    listening = Listening(connected(place))
    asked = place.customer_says("Sensitive, please answer")
    listening.hear()
    listening.connector.send(outgoing("Done", parent_id=asked))
    listening.later(seconds=60).hear()
    place.customer_deletes(asked)
    gone = [one for one in listening.later(seconds=60).hear() if isinstance(one, MessageDeleted)]
    assert [one.external_id for one in gone] == [asked]


def test_hashtags_and_the_timeline_are_listened_to(place: MastodonPlace) -> None:
    listening = Listening(connected(place, hashtags=["#AlvaraAir"], timeline="local"))
    listening.hear()
    with place.world.lock:
        local = place.world.join("marko")
        tagged = place.world.publish(place.customer, {"status": "Nice crew #alvaraair"})
        here = place.world.publish(local, {"status": "Lovely weather"})
        place.world.publish(place.customer, {"status": "Not for us"})
    heard = listening.later(seconds=60).messages()
    assert {one.external_id for one in heard} == {tagged.id, here.id}
    assert not any(one.context for one in heard)


def test_what_the_accounts_own_policy_keeps_aside_is_heard(mastodon: MastodonPlace) -> None:
    listening = Listening(connected(mastodon))
    listening.hear()
    mastodon.world.filtering = True
    sent = mastodon.customer_says("I am new here")
    assert [one.external_id for one in listening.messages()] == [sent]


def test_direct_messages_without_a_notification_come_by_conversation(mastodon: MastodonPlace) -> None:
    listening = Listening(connected(mastodon))
    listening.hear()
    mastodon.world.silent = True  # filtered away by the account's own policy
    sent = mastodon.customer_says("It is private", private=True)
    assert [one.external_id for one in listening.later(seconds=60).messages()] == [sent]


def test_a_list_that_fails_does_not_keep_the_others_from_being_read(place: MastodonPlace) -> None:
    place.double.failing = {"/api/v1/conversations", "/api/v1/timelines/tag/alvara"}
    listening = Listening(connected(place, hashtags=["alvara"]))
    listening.hear()
    place.customer_says("Hello")
    assert len(listening.later(seconds=60).messages()) == 1


def test_history_goes_back_to_a_day(place: MastodonPlace) -> None:
    connector = connected(place)
    for number in range(50):
        place.customer_says(f"n{number}")
    too_old = place.customer_says("too old")
    with place.world.lock:
        place.world.notifications[-1]["at"] -= timedelta(days=9)
        place.world.notifications.insert(0, place.world.notifications.pop())
        place.world.notifications[0]["id"] = "1" if not place.flavour.ulids else "0" * 26
    connector.send(outgoing("Ours"))
    cursor: dict[str, Any] = {}
    texts: list[str] = []
    for _page in range(20):
        polled = connector.history(cursor, since=datetime.now(UTC) - timedelta(days=5))
        cursor = polled.cursor
        events = [event for item in polled.items for event in connector.parse(item.kind, item.payload)]
        texts += [event.text for event in events if isinstance(event, MessageSeen)]
        if not polled.more:
            break
    assert texts[:2] == ["@care n49", "@care n48"]
    assert len(texts) == 51
    assert texts[-1] == "Ours"
    assert too_old not in texts
