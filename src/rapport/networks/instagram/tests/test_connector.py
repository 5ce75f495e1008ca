from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from rapport.networks.base import Delivery, MessageSeen, OutgoingMedia
from rapport.networks.errors import CredentialsGone, NotFromThisNetwork, Refused, TryAgain
from rapport.networks.instagram.connector import CONNECTOR, InstagramConnector
from rapport.networks.instagram.tests.place import InstagramPlace
from rapport.networks.meta.tests.driving import connector, events, heard, reply, to
from rapport.networks.meta.tests.world import APP_ID, APP_SECRET, IG_ID, VERIFY_TOKEN, Thing, World, signed

REDIRECT = "https://desk.example/connect/back"
PICTURE = OutgoingMedia(
    name="map.png", content_type="image/png", kind="image", content=b"\x89PNG", alt="The way"
)


def world(place: InstagramPlace) -> World:
    return place.world


# Connecting -----------------------------------------------------------------------------------------
def test_check_says_whose_account_it_is(place: InstagramPlace) -> None:
    profile = connector(CONNECTOR, place, checked=False).check()
    assert (profile.external_id, profile.handle) == (IG_ID, "alvara.air")
    assert (profile.bio, profile.link, profile.followers) == ("Up there.", "https://alvara.example", 4021)
    assert profile.settings["limits"] == []
    assert "messages" in world(place).subscribed


def test_check_says_in_words_what_is_missing(place: InstagramPlace) -> None:
    world(place).scopes.remove("instagram_manage_messages")
    (words,) = connector(CONNECTOR, place, checked=False).check().settings["limits"]
    assert "direct messages" in words


def test_the_networks_login_grants_linked_accounts_only(place: InstagramPlace) -> None:
    values = {"app_id": APP_ID, "app_secret": APP_SECRET, "graph_url": place.double.url}
    begun = CONNECTOR.begin(values, redirect_uri=REDIRECT, state="s")
    assert "instagram_manage_comments" in begun.url
    query = dict(parse_qsl(urlsplit(place.log_in(begun.url)).query))
    granted = CONNECTOR.finish(values, keep={}, query=query, redirect_uri=REDIRECT)
    assert [one.label for one in granted] == ["@alvara.air"]


# Hearing --------------------------------------------------------------------------------------------
def test_poll_brings_comments_and_answers_with_their_post(
    place: InstagramPlace, desk: InstagramConnector
) -> None:
    first = place.customer_says("How much?")
    answer = place.customer_says("@ivana.k a lot", to=first)
    later = place.customer_says("Really?")
    found = [one for one in events(desk, desk.poll({}).items) if isinstance(one, MessageSeen)]
    medium = world(place).medium.id
    assert {one.external_id: one.parent_id for one in found} == {
        medium: None,
        first: medium,
        answer: first,
        later: medium,
    }
    assert found[0].author.external_id == IG_ID


def test_poll_and_webhook_have_the_same_keys(place: InstagramPlace, desk: InstagramConnector) -> None:
    place.customer_says("Public")
    place.customer_says("Private", private=True)
    pushed = {item.key for one in place.deliveries() for item in desk.receive(one).items}
    assert len(pushed) == 2
    assert pushed < {item.key for item in desk.poll({}).items}


def test_poll_follows_every_page_of_a_busy_post(place: InstagramPlace, desk: InstagramConnector) -> None:
    said = {place.customer_says(f"Number {n}") for n in range(120)}
    assert said < {one.external_id for one in events(desk, desk.poll({}).items)}


def test_poll_goes_on_from_its_cursor(place: InstagramPlace, desk: InstagramConnector) -> None:
    place.customer_says("Long ago")
    for thing in world(place).things.values():
        thing.created -= timedelta(hours=2)
    cursor = desk.poll({}).cursor
    assert desk.poll(cursor).items == []
    late = place.customer_says("Just now")
    assert late in [one.external_id for one in events(desk, desk.poll(cursor).items)]


def test_poll_brings_media_that_tag_us(place: InstagramPlace, desk: InstagramConnector) -> None:
    w = world(place)
    tag = w.add("medium", w.instagram_person, "On board", extra={"tags_us": True})
    seen = heard(desk, tag.id)
    assert (seen.facts["kind"], seen.author.external_id) == ("tag", "@ivana.k")
    with pytest.raises(Refused, match="tags you"):
        desk.send(to(seen, "Nice"))


def test_history_reaches_back_as_far_as_asked(place: InstagramPlace, desk: InstagramConnector) -> None:
    w = world(place)
    media = [w.add("medium", w.instagram, f"Picture {n}") for n in range(40)]
    for n, one in enumerate(media):
        one.created = datetime.now(UTC) - timedelta(days=40 - n)
    comment = w.ig_comment("From the past", to=media[20].id)
    comment.created = media[20].created + timedelta(hours=1)
    place.customer_says("Private and old", private=True)
    found, cursor, more = [], {}, True
    while more:
        page = desk.history(cursor, since=datetime.now(UTC) - timedelta(days=30))
        found += [one.external_id for one in events(desk, page.items)]
        cursor, more = page.cursor, page.more
    assert {comment.id, media[11].id} <= set(found)
    assert media[5].id not in found
    assert any(one.startswith("aWdf") for one in found)


# Webhooks -------------------------------------------------------------------------------------------
def mention(place: InstagramPlace, *, comment: bool) -> tuple[Thing, Delivery]:
    w = world(place)
    medium = w.add("medium", {"id": "1", "username": "somchai_j"}, "Lost bag @alvara.air")
    thing = medium
    value = {"media_id": medium.id}
    if comment:
        thing = w.add(
            "ig_comment",
            {"id": "1", "username": "somchai_j"},
            "ask @alvara.air",
            parent=medium.id,
            root=medium.id,
        )
        value["comment_id"] = thing.id
    w.mentioned[thing.id] = thing
    change = {"field": "mentions", "value": value}
    return thing, signed(
        {"object": "instagram", "entry": [{"id": IG_ID, "time": 1795248000, "changes": [change]}]}
    )


@pytest.mark.parametrize("comment", [True, False])
def test_a_mention_is_looked_up_and_answered(
    place: InstagramPlace, desk: InstagramConnector, comment: bool
) -> None:
    thing, delivery = mention(place, comment=comment)
    with place.outage():  # the delivery is taken without a call
        (item,) = desk.receive(delivery).items
    assert item.look_up
    (seen,) = desk.parse(item.kind, desk.look_up(item.kind, item.payload))
    assert isinstance(seen, MessageSeen)
    assert (seen.external_id, seen.text, seen.author.handle) == (thing.id, thing.text, "somchai_j")
    message = to(seen, "We are looking for it")
    desk.send(message)
    assert place.customer_reads(thing.id) == ["We are looking for it"]
    if comment:  # Instagram shows nobody what stands below it
        with pytest.raises(Refused, match="Look on Instagram"):
            desk.find_sent(message)
    else:
        assert desk.find_sent(message) is not None


def test_a_mention_that_cannot_be_looked_up_now_can_be_later(
    place: InstagramPlace, desk: InstagramConnector
) -> None:
    _thing, delivery = mention(place, comment=True)
    (item,) = desk.receive(delivery).items
    with place.outage(), pytest.raises(TryAgain):
        desk.look_up(item.kind, item.payload)
    assert desk.look_up(item.kind, item.payload)["found"]


def test_a_mention_that_is_refused_is_kept_with_the_reason(
    place: InstagramPlace, desk: InstagramConnector
) -> None:
    thing, delivery = mention(place, comment=True)
    del world(place).mentioned[thing.id]
    (item,) = desk.receive(delivery).items
    with pytest.raises(ValueError, match="did not show"):
        desk.parse(item.kind, desk.look_up(item.kind, item.payload))


def test_a_change_in_the_entry_itself_is_understood(desk: InstagramConnector) -> None:
    value = {
        "id": "178001",
        "text": "Hi",
        "from": {"id": "7", "username": "ivana.k"},
        "media": {"id": "179001"},
    }
    delivery = signed(
        {
            "object": "instagram",
            "entry": [{"id": IG_ID, "time": 1795248000, "field": "comments", "value": value}],
        }
    )
    (seen,) = events(desk, desk.receive(delivery).items)
    assert seen.external_id == "178001"


def test_what_is_not_ours_is_refused(desk: InstagramConnector) -> None:
    good = signed({"object": "instagram", "entry": []})
    for delivery in (
        Delivery(method="POST", headers={}, body=good.body),
        Delivery(method="POST", headers=good.headers, body=good.body + b" "),
        signed({"object": "instagram", "entry": []}, secret="another"),
        signed({"object": "page", "entry": []}),
    ):
        with pytest.raises(NotFromThisNetwork):
            desk.receive(delivery)


def test_the_handshake(desk: InstagramConnector) -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": VERIFY_TOKEN, "hub.challenge": "77"}
    assert desk.receive(Delivery(method="GET", headers={}, body=b"", query=query)).body == "77"
    with pytest.raises(NotFromThisNetwork):
        desk.receive(Delivery(method="GET", headers={}, body=b"", query={**query, "hub.verify_token": "no"}))


# Speaking -------------------------------------------------------------------------------------------
def test_an_answer_is_read_found_and_taken_back(place: InstagramPlace, desk: InstagramConnector) -> None:
    said = place.customer_says("How much?")
    message = to(heard(desk, said), "39 euros. ^MK")
    sent = desk.send(message)
    assert place.customer_reads(said) == ["39 euros. ^MK"]
    found = desk.find_sent(message)
    assert found is not None
    assert found.external_id == sent.external_id
    own = heard(desk, sent.external_id)
    assert (own.author.external_id, own.parent_id) == (IG_ID, said)
    for _twice in range(2):
        desk.delete(sent.external_id)
    assert place.customer_reads(said) == []


def test_an_answer_to_an_answer_goes_beside_it(place: InstagramPlace, desk: InstagramConnector) -> None:
    first = place.customer_says("How much?")
    second = place.customer_says("And back?", to=first)
    message = to(heard(desk, second), "The same")
    desk.send(message)
    assert place.customer_reads(second) == ["The same"]
    assert desk.find_sent(message) is not None


def test_a_comment_on_our_own_post(place: InstagramPlace, desk: InstagramConnector) -> None:
    place.customer_says("Hello")
    message = to(heard(desk, world(place).medium.id), "Thank you all")
    desk.send(message)
    assert desk.find_sent(message) is not None


def test_what_a_comment_cannot_be(place: InstagramPlace, desk: InstagramConnector) -> None:
    seen = heard(desk, place.customer_says("Hi"))
    with pytest.raises(Refused):
        desk.send(to(seen, "Picture", media=(PICTURE,)))
    with pytest.raises(Refused):
        desk.send(reply("A post without a picture"))
    with pytest.raises(Refused):
        desk.send(reply("Late", parent_id="178001", parent_facts={"kind": "live_comment"}))


def test_a_private_answer_with_a_picture(place: InstagramPlace, desk: InstagramConnector) -> None:
    said = place.customer_says("My booking?", private=True)
    message = to(heard(desk, said), "Here", media=(PICTURE,))
    with place.break_after_posting(), pytest.raises(TryAgain) as caught:
        desk.send(message)
    assert caught.value.doubt
    assert desk.find_sent(message) is None
    desk.send(message)
    assert place.customer_reads(said, private=True) == ["Here"]
    ours = [one for one in world(place).conversation("instagram").messages if one["from"]["id"] == IG_ID]
    assert len(ours) == 2
    assert desk.find_sent(message) is not None


def test_private_length_is_counted_in_bytes(place: InstagramPlace, desk: InstagramConnector) -> None:
    seen = heard(desk, place.customer_says("Hi", private=True))
    desk.send(to(seen, "é" * 500))
    with pytest.raises(Refused, match="bytes"):
        desk.send(to(seen, "é" * 501))


def test_a_private_reply_to_a_comment_once(place: InstagramPlace, desk: InstagramConnector) -> None:
    said = heard(desk, place.customer_says("My booking is AB12"))
    message = to(said, "Better in private", visibility="private")
    sent = desk.send(message)
    found = desk.find_sent(message)
    assert found is not None
    assert (found.external_id, found.thread_key) == (sent.external_id, sent.thread_key)
    with pytest.raises(Refused, match="one private reply"):
        desk.send(message)


def late(place: InstagramPlace, hours: int, **more: Any) -> Any:
    world(place).heard_long_ago("instagram", timedelta(hours=hours))
    return reply(
        "Late answer", visibility="private", recipient_id=world(place).instagram_person["id"],
        parent_visibility="private", heard_at=datetime.now(UTC) - timedelta(hours=hours), **more,
    )  # fmt: skip


def test_the_windows_hold(place: InstagramPlace, desk: InstagramConnector) -> None:
    place.customer_says("Hello", private=True)
    with pytest.raises(Refused, match="human agent"):
        desk.send(late(place, 30))
    world(place).human_agent = True
    connector(CONNECTOR, place, human_agent=True).send(late(place, 30))
    assert place.customer_reads("", private=True) == ["Late answer"]
    with pytest.raises(Refused, match="time is over"):
        desk.send(
            reply(
                "x",
                visibility="private",
                recipient_id=world(place).instagram_person["id"],
                heard_at=datetime.now(UTC),
            )
        )


def test_an_outage_and_a_withdrawal(place: InstagramPlace, desk: InstagramConnector) -> None:
    said = place.customer_says("Hello")
    message = to(heard(desk, said), "Hello you")
    with place.outage(), pytest.raises(TryAgain) as caught:
        desk.send(message)
    assert not caught.value.doubt
    with place.break_after_posting(), pytest.raises(TryAgain) as broken:
        desk.send(message)
    assert broken.value.doubt
    assert desk.find_sent(message) is not None
    place.revoke()
    with pytest.raises(CredentialsGone):
        desk.poll({})
    place.renew()
    assert connector(CONNECTOR, place).poll({}).items
