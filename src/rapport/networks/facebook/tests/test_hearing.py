"""A page is heard by poll and by webhook, each thing once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from rapport.networks.base import Delivery, MessageDeleted, MessageSeen
from rapport.networks.errors import NotFromThisNetwork, Refused, TryAgain
from rapport.networks.facebook.connector import CONNECTOR, FacebookConnector
from rapport.networks.facebook.tests.conftest import world
from rapport.networks.facebook.tests.place import FacebookPlace
from rapport.networks.meta.tests.driving import connector, events
from rapport.networks.meta.tests.world import APP_SECRET, PAGE_ID, VERIFY_TOKEN, signed
from rapport.networks.testing import said as in_words


# Hearing --------------------------------------------------------------------------------------------
def test_poll_brings_comments_of_all_depths_with_their_post(
    place: FacebookPlace, desk: FacebookConnector
) -> None:
    first = place.customer_says("Is there a flight on Friday?")
    answer = place.customer_says("And on Saturday?", to=first)
    found = [one for one in events(desk, desk.poll({}).items) if isinstance(one, MessageSeen)]
    assert [one.external_id for one in found] == [world(place).post.id, first, answer]
    assert [one.parent_id for one in found] == [None, world(place).post.id, first]
    assert found[0].author.external_id == desk.account.external_id


def test_poll_and_webhook_have_the_same_keys(place: FacebookPlace, desk: FacebookConnector) -> None:
    place.customer_says("Public")
    place.customer_says("Private", private=True)
    pushed = {item.key for one in place.deliveries() for item in desk.receive(one).items}
    polled = {item.key for item in desk.poll({}).items}
    assert len(pushed) == 2
    assert pushed < polled


def test_poll_follows_every_page_of_a_busy_post(place: FacebookPlace, desk: FacebookConnector) -> None:
    said = [place.customer_says(f"Number {n}") for n in range(230)]
    found = [one.external_id for one in events(desk, desk.poll({}).items)]
    assert [one for one in found if one != world(place).post.id] == said


def test_poll_follows_a_long_conversation(place: FacebookPlace, desk: FacebookConnector) -> None:
    said = [place.customer_says(f"Word {n}", private=True) for n in range(130)]
    found = [one.external_id for one in events(desk, desk.poll({}).items) if one.external_id.startswith("m_")]
    assert found == said


def test_poll_goes_on_from_its_cursor_with_overlap(place: FacebookPlace, desk: FacebookConnector) -> None:
    place.customer_says("Long ago")
    for thing in world(place).things.values():
        thing.created -= timedelta(hours=2)
    cursor = desk.poll({}).cursor
    assert desk.poll(cursor).items == []
    late = place.customer_says("Just now")
    world(place).things[late].created -= timedelta(minutes=8)
    assert late in [one.external_id for one in events(desk, desk.poll(cursor).items)]


def test_poll_brings_reviews_visitors_and_tags(place: FacebookPlace, desk: FacebookConnector) -> None:
    w = world(place)
    visitor = w.add_post("Nobody at the desk", author=w.person)
    review = w.add("review", w.person, "Kind crew", extra={"recommendation_type": "positive"})
    tag = w.add_post("Thanks Alvara Air", author=w.person)
    tag.kind = "tagged_post"
    found = {
        one.external_id: one for one in events(desk, desk.poll({}).items) if isinstance(one, MessageSeen)
    }
    assert found[visitor.id].author.external_id == w.person["id"]
    assert found[review.id].facts["rating"] == 1
    assert found[tag.id].facts["kind"] == "mention"


def test_poll_leaves_out_what_the_token_may_not_read(place: FacebookPlace) -> None:
    world(place).scopes.remove("pages_messaging")
    place.customer_says("Private", private=True)
    public = place.customer_says("Public")
    desk = connector(CONNECTOR, place)
    assert [one.external_id for one in events(desk, desk.poll({}).items)][-1] == public


@pytest.mark.parametrize(
    "network_says", [{"code": 100, "message": "no reviews here"}, {"code": 10, "message": "not allowed"}]
)
def test_a_page_without_reviews_is_heard_all_the_same(
    place: FacebookPlace,
    desk: FacebookConnector,
    network_says: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    said = place.customer_says("Hello")
    world(place).faults_at["GET", "ratings"] = network_says
    assert said in [one.external_id for one in events(desk, desk.poll({}).items)]
    assert "does not show its ratings" in caplog.text


def test_a_page_that_does_not_show_comments_is_a_refusal(
    place: FacebookPlace, desk: FacebookConnector
) -> None:
    world(place).faults_at["GET", "feed"] = {"code": 10, "message": "not allowed"}
    with pytest.raises(Refused):
        desk.poll({})


def test_an_answer_of_another_shape_is_tried_again(place: FacebookPlace, desk: FacebookConnector) -> None:
    place.customer_says("Hello")
    world(place).answers_at["GET", "feed"] = {"data": [{"id": "1"}]}
    with pytest.raises(TryAgain):
        desk.poll({})
    world(place).answers_at["GET", "feed"] = []
    with pytest.raises(TryAgain):
        desk.poll({})


def test_history_reaches_back_as_far_as_asked(place: FacebookPlace, desk: FacebookConnector) -> None:
    w = world(place)
    posts = [w.add_post(f"Post {n}") for n in range(60)]
    for n, post in enumerate(posts):
        post.created = datetime.now(UTC) - timedelta(days=60 - n)
    comment = w.comment("From the past", to=posts[30].id)
    comment.created = posts[30].created + timedelta(hours=1)
    place.customer_says("Private and old", private=True)
    found, cursor, more = [], {}, True
    while more:
        page = desk.history(cursor, since=datetime.now(UTC) - timedelta(days=40))
        found += [one.external_id for one in events(desk, page.items)]
        cursor, more = page.cursor, page.more
    assert comment.id in found
    assert posts[21].id in found
    assert posts[10].id not in found
    assert any(one.startswith("m_") for one in found)
    assert len(found) == len(set(found))


# Webhooks -------------------------------------------------------------------------------------------
def test_an_edit_and_a_removal_are_told(place: FacebookPlace, desk: FacebookConnector) -> None:
    said = place.customer_says("Frist")
    place.customer_edits(said, "First")
    place.customer_deletes(said)
    items = [item for one in place.deliveries() for item in desk.receive(one).items]
    assert len({item.dedupe_key() for item in items}) == 3
    first, second, third = events(desk, items)
    assert isinstance(second, MessageSeen)
    assert (second.text, second.edited_at is not None) == ("First", True)
    assert third == MessageDeleted(external_id=said, deleted_at=cast(MessageDeleted, third).deleted_at)
    assert isinstance(first, MessageSeen)


def test_a_delivery_of_several_pages_and_events_brings_this_pages_only(desk: FacebookConnector) -> None:
    text = {
        "sender": {"id": "7"},
        "recipient": {"id": PAGE_ID},
        "timestamp": 1795248000000,
        "message": {"mid": "m_1", "text": "Hi"},
    }
    like = {"field": "feed", "value": {"item": "like", "verb": "add", "post_id": "1_2", "from": {"id": "7"}}}
    lead = {"field": "leadgen", "value": {"leadgen_id": "3"}}
    entries = [
        {"id": PAGE_ID, "time": 1795248000, "changes": [like, lead]},
        {"id": "999", "time": 1795248000, "changes": [like]},
        {
            "id": PAGE_ID,
            "time": 1795248000000,
            "messaging": [text, {**text, "message": {"mid": "m_2"}}],
            "standby": [text],
        },
        {
            "id": PAGE_ID,
            "time": 1795248000000,
            "messaging": [{"sender": {"id": "7"}, "read": {"watermark": 1}}],
        },
    ]
    delivery = signed({"object": "page", "entry": entries})
    assert CONNECTOR.addressees(delivery) == (PAGE_ID, "999")
    kinds = [item.kind for item in desk.receive(delivery).items]
    assert kinds == ["feed", "unknown:leadgen", "messaging", "messaging", "messaging", "messaging"]


def test_what_a_person_read_and_what_reached_their_device(
    desk: FacebookConnector, place: FacebookPlace
) -> None:
    person = place.world.person["id"]
    place.world.say("messenger", "Where is my bag?")
    ours = place.world.say("messenger", "Which flight was it?", own=True)
    place.deliveries()
    place.world.gets(mids=True)
    place.world.gets(mids=False)
    place.world.reads("messenger")
    told = place.deliveries()
    found = [in_words(one) for delivery in told for one in events(desk, desk.receive(delivery).items)]
    there = f"by {person} in dm:{person} until"
    at = found[1].rpartition(" ")[2]
    assert found == [
        f"delivered {there} {ours}",
        *[f"delivered {there} {at}"] * 2,
        f"read {there} {at}",
    ]
    # Told again, it is the same happening.
    keys = [item.dedupe_key() for delivery in told * 2 for item in desk.receive(delivery).items]
    assert keys[: len(keys) // 2] == keys[len(keys) // 2 :]
    assert len(set(keys)) == 3


def tampered() -> Iterator[tuple[str, Delivery]]:
    good = signed({"object": "page", "entry": []})
    yield "no signature", Delivery(method="POST", headers={}, body=good.body)
    yield "another body", Delivery(method="POST", headers=good.headers, body=good.body + b" ")
    yield "another app", signed({"object": "page", "entry": []}, secret="another")
    old = {"x-hub-signature": good.headers["x-hub-signature-256"]}
    yield "the old header", Delivery(method="POST", headers=old, body=good.body)
    odd = {"x-hub-signature-256": "sha256=ünicode"}
    yield "letters outside ASCII", Delivery(method="POST", headers=odd, body=good.body)
    yield "another object", signed({"object": "instagram", "entry": []})
    yield "no entries", signed({"object": "page"})
    yield "no object", signed([])


@pytest.mark.parametrize("delivery", [pytest.param(one, id=name) for name, one in tampered()])
def test_what_is_not_ours_is_refused(desk: FacebookConnector, delivery: Delivery) -> None:
    with pytest.raises(NotFromThisNetwork):
        desk.receive(delivery)


def test_without_a_secret_nothing_is_believed(place: FacebookPlace) -> None:
    bare = connector(CONNECTOR, place, checked=False, app_secret="")
    with pytest.raises(NotFromThisNetwork):
        bare.receive(signed({"object": "page", "entry": []}, secret=""))


def test_a_rotated_secret_is_good_beside_the_new_one(place: FacebookPlace) -> None:
    desk = connector(
        CONNECTOR, place, checked=False, app_secret="the new one", app_secret_previous=APP_SECRET
    )
    assert desk.receive(signed({"object": "page", "entry": []})).items == []
    assert desk.receive(signed({"object": "page", "entry": []}, secret="the new one")).items == []


def handshake(**changes: str) -> Delivery:
    query = {
        "hub.mode": "subscribe",
        "hub.verify_token": VERIFY_TOKEN,
        "hub.challenge": "1158201444",
        **changes,
    }
    return Delivery(method="GET", headers={}, body=b"", query=query)


def test_the_handshake_is_answered_with_its_challenge(desk: FacebookConnector) -> None:
    assert CONNECTOR.addressees(handshake()) is None
    assert desk.receive(handshake()).body == "1158201444"


@pytest.mark.parametrize(
    "changes", [{"hub.verify_token": "guessed"}, {"hub.mode": "unsubscribe"}, {"hub.challenge": "<script>"}, {"hub.verify_token": ""}]
)  # fmt: skip
def test_another_handshake_is_refused(desk: FacebookConnector, changes: dict[str, str]) -> None:
    with pytest.raises(NotFromThisNetwork):
        desk.receive(handshake(**changes))
