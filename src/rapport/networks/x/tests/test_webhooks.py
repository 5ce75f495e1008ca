"""What X pushes: verified on the raw body, taken apart under the keys of the poll."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import json
from typing import Any

import pytest

from rapport.networks.base import Delivery
from rapport.networks.errors import NotFromThisNetwork
from rapport.networks.testing import fixtures
from rapport.networks.tests.polling import drained, told
from rapport.networks.x.connector import XConnector
from rapport.networks.x.tests.conftest import Connect, Make
from rapport.networks.x.tests.place import XPlace
from rapport.networks.x.tests.world import CONSUMER_SECRET
from rapport.networks.x.webhooks import SIGNATURE, signature


def signed(body: Any, secret: str = CONSUMER_SECRET) -> Delivery:
    raw = json.dumps(body).encode()
    return Delivery(method="POST", headers={SIGNATURE: signature(secret, raw)}, body=raw)


def test_it_proves_that_it_knows_the_secret(connector: XConnector) -> None:
    asked = Delivery(method="GET", headers={}, body=b"", query={"crc_token": "challenge"})
    assert XConnector.addressees(asked) is None
    proof = hmac.new(CONSUMER_SECRET.encode(), b"challenge", hashlib.sha256).digest()
    expected = {"response_token": "sha256=" + base64.b64encode(proof).decode()}
    assert json.loads(connector.receive(asked).body) == expected
    with pytest.raises(NotFromThisNetwork):
        connector.receive(dataclasses.replace(asked, query={}))


def test_the_handshake_signs_nothing_that_could_be_a_delivery(connector: XConnector, place: XPlace) -> None:
    """The proof and a delivery's signature are made alike, so a stranger could have a body of theirs signed."""
    body = json.dumps(
        {
            "for_user_id": place.x.brand.id,
            "tweet_delete_events": [{"status": {"id": "1", "user_id": "2"}, "timestamp_ms": "1"}],
        }
    )
    for forged in (body, f" {body}", f"\n{body}"):
        asked = Delivery(method="GET", headers={}, body=b"", query={"crc_token": forged})
        with pytest.raises(NotFromThisNetwork):
            connector.receive(asked)
    # What X's tokens are made of.
    asked = Delivery(method="GET", headers={}, body=b"", query={"crc_token": "MDAwMDAwMDE-aZ_9/+.=="})
    assert connector.receive(asked).body


def test_what_is_pushed_and_what_is_polled_are_the_same_events(
    connector: XConnector, place: XPlace, outgoing: Make
) -> None:
    asked = place.customer_says("where is AV 214?", image=True)
    private = place.customer_says("my booking is QX7", private=True)
    sent = connector.send(outgoing(parent_id=asked))
    again = place.customer_says("thank you", to=sent.external_id)
    pushed = []
    for delivery in place.deliveries():
        assert XConnector.addressees(delivery) == [place.x.brand.id]
        pushed += connector.receive(delivery).items
    assert {item.key for item in pushed} == {
        f"post:{asked}",
        f"dm:{private}",
        f"post:{sent.external_id}",
        f"post:{again}",
    }
    polled, _cursor = drained(connector, {})
    assert {item.key for item in polled} == {item.key for item in pushed}
    by_id = {event.external_id: event for event in told(connector, polled)}
    for event in told(connector, pushed):
        other = by_id[event.external_id]
        assert (event.text, event.parent_id, event.sent_at) == (other.text, other.parent_id, other.sent_at)
        assert (event.author.external_id, event.thread_key) == (other.author.external_id, other.thread_key)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda one: dataclasses.replace(one, headers={}),
        lambda one: dataclasses.replace(one, headers={SIGNATURE: one.headers[SIGNATURE][:-2]}),
        lambda one: dataclasses.replace(one, headers={SIGNATURE: signature("another", one.body)}),
        lambda one: dataclasses.replace(one, body=one.body + b" "),
        lambda one: signed(
            {"data": {"filter": {"user_id": "5"}, "event_type": "post.create", "payload": {}}}
        ),
        lambda one: signed({"unheard": "of"}),
        lambda one: signed([1, 2]),
        lambda one: signed("text"),
        lambda one: signed(None),
    ],
)
def test_what_x_did_not_sign_for_us_is_refused(connector: XConnector, place: XPlace, spoil: Any) -> None:
    place.customer_says("hello")
    (delivery,) = place.deliveries()
    with pytest.raises(NotFromThisNetwork):
        connector.receive(spoil(delivery))
    assert connector.receive(delivery).items


def test_either_secret_is_good_while_one_is_rotated(connect: Connect, place: XPlace) -> None:
    place.customer_says("hello")
    (delivery,) = place.deliveries()
    assert connect(consumer_secret="new", consumer_secret_previous=CONSUMER_SECRET).receive(delivery).items
    with pytest.raises(NotFromThisNetwork):
        connect(consumer_secret="").receive(delivery)


def test_the_older_api_and_unheard_of_kinds_are_taken_too(connector: XConnector, place: XPlace) -> None:
    us = place.x.brand.id
    for one in fixtures(XConnector):
        if one.kind.endswith("_events"):
            body = {"for_user_id": us, one.kind: [one.payload["event"]]}
            (item,) = connector.receive(signed(body)).items
            assert item.kind == one.kind
            connector.parse(item.kind, item.payload)
    revoked = {"user_event": {"revoke": {"source": {"user_id": us}}}}
    assert [item.kind for item in connector.receive(signed(revoked)).items] == ["user_event"]
    (item,) = connector.receive(signed({"for_user_id": us, "poll_events": [{"id": "1"}]})).items
    assert item.kind == "poll_events"
    with pytest.raises(ValueError, match="unknown kind"):
        connector.parse(item.kind, item.payload)


def test_activities_have_keys_that_last(connector: XConnector, place: XPlace) -> None:
    envelope = {"filter": {"user_id": place.x.brand.id}, "event_uuid": "77"}
    like = {
        "event_type": "like.create",
        "payload": {"id": "ab", "liked_tweet_id": "1", "liked_tweet_author_id": "2"},
    }
    gone = {"event_type": "post.delete", "payload": {"id": "9", "author_id": place.x.brand.id}}
    bio = {"event_type": "profile.update.bio", "payload": {}}
    keys = [connector.receive(signed({"data": envelope | one})).items[0].key for one in (like, gone, bio)]
    assert keys == ["like:ab", "deleted:9", "event:77"]
