"""The connector against the network it speaks to, over real HTTP."""

from __future__ import annotations

import dataclasses
import json
import socket
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from rapport.networks.base import Account as ChannelAccount
from rapport.networks.base import Delivery, MessageSeen, OutgoingMessage, Reposted
from rapport.networks.errors import CredentialsGone, NotFromThisNetwork, Refused, TryAgain
from rapport.networks.practice import actions
from rapport.networks.practice.accounts import revoke_tokens, set_chaos
from rapport.networks.practice.actions import Draft, publish
from rapport.networks.practice.connector import PracticeConnector
from rapport.networks.practice.models import Account, Post
from rapport.networks.practice.signing import signature
from rapport.networks.practice.tests.conftest import SECRET

Make = Callable[..., OutgoingMessage]


def with_credentials(connector: PracticeConnector, **changes: str) -> PracticeConnector:
    account = connector.account
    return PracticeConnector(dataclasses.replace(account, credentials={**account.credentials, **changes}))


def test_it_says_whose_the_credentials_are(connector: PracticeConnector, company: Account) -> None:
    profile = connector.check()
    assert (profile.external_id, profile.handle, profile.name) == (
        str(company.pk),
        "alvara_help",
        "Alvara Air Help",
    )


def test_it_polls_pages_and_continues_where_it_stopped(
    connector: PracticeConnector, customer: Account
) -> None:
    publish_n = [Draft(author=customer, text=f"@alvara_help {n}") for n in range(450)]
    actions.publish_many(publish_n)
    cursor: dict[str, str] = {}
    sizes, texts, keys = [], [], set()
    while True:
        polled = connector.poll(cursor)
        cursor = dict(polled.cursor)
        sizes.append(len(polled.items))
        for item in polled.items:
            keys.add(item.dedupe_key())
            (event,) = connector.parse(item.kind, item.payload)
            assert isinstance(event, MessageSeen)
            texts.append(event.text)
        if not polled.more:
            break
    assert sizes == [200, 200, 50]
    assert texts == [draft.text for draft in publish_n]
    assert len(keys) == 450
    assert connector.poll(cursor).items == []
    publish(Draft(author=customer, text="@alvara_help one more"))
    assert len(connector.poll(cursor).items) == 1


def test_it_refuses_a_cursor_of_somebody_else(connector: PracticeConnector) -> None:
    with pytest.raises(Refused, match="cursor"):
        connector.poll({"after": "not ours"})


def test_it_answers_publicly_and_gets_its_own_post_back_with_its_key(
    connector: PracticeConnector, customer: Account, outgoing: Make
) -> None:
    asked, _ = publish(Draft(author=customer, text="@alvara_help where is AV 214?"))
    message = outgoing(parent_id=str(asked.pk))
    sent = connector.send(message)
    post = Post.objects.get(pk=int(sent.external_id))
    assert (post.in_reply_to_id, post.text, post.created_at) == (asked.pk, message.text, sent.sent_at)
    own = connector.parse("post.created", connector.poll({}).items[-1].payload)[0]
    assert isinstance(own, MessageSeen)
    assert (own.client_ref, own.parent_id) == (message.idempotency_key, str(asked.pk))


def test_it_answers_privately_in_the_conversation_of_both(
    connector: PracticeConnector, customer: Account, company: Account, outgoing: Make
) -> None:
    asked, _ = publish(Draft(author=customer, text="@alvara_help lost my bag"))
    sent = connector.send(
        outgoing(visibility="private", parent_id=str(asked.pk), recipient_id=str(customer.pk))
    )
    answer = Post.objects.get(pk=int(sent.external_id))
    publish(Draft(author=customer, text="It is K7PQ2M", private=True, in_reply_to=answer.pk))
    events = [connector.parse(item.kind, item.payload)[0] for item in connector.poll({}).items]
    threads = [(event.visibility, event.thread_key) for event in events if isinstance(event, MessageSeen)]
    key = f"conversation-{company.pk}-{customer.pk}"
    assert threads == [("public", None), ("private", key), ("private", key)]


def test_a_repeated_send_posts_once(connector: PracticeConnector, outgoing: Make) -> None:
    first, second = connector.send(outgoing()), connector.send(outgoing())
    assert first == second
    assert Post.objects.count() == 1


def test_it_finds_what_was_posted_when_the_answer_was_lost(
    connector: PracticeConnector, outgoing: Make
) -> None:
    set_chaos(lost_response_rate=1.0, ignore_idempotency=True)
    assert connector.find_sent(outgoing()) is None
    with pytest.raises(TryAgain) as caught:
        connector.send(outgoing())
    assert caught.value.doubt
    found = connector.find_sent(outgoing())
    assert found is not None
    assert found.external_id == str(Post.objects.get().pk)


def test_without_idempotency_a_blind_retry_would_post_twice(
    connector: PracticeConnector, outgoing: Make
) -> None:
    set_chaos(ignore_idempotency=True)
    connector.send(outgoing())
    connector.send(outgoing())
    assert Post.objects.count() == 2


def test_it_maps_the_networks_refusals(
    connector: PracticeConnector, customer: Account, outgoing: Make
) -> None:
    with pytest.raises(Refused, match="500 characters"):
        connector.send(outgoing(text="x" * 501))
    with pytest.raises(Refused, match="does not exist"):
        connector.send(outgoing(parent_id="999999"))
    with pytest.raises(Refused, match="somebody"):
        connector.send(outgoing(visibility="private"))
    gone, _ = publish(Draft(author=customer, text="@alvara_help oops"))
    actions.delete(author=customer, post_id=gone.pk)
    with pytest.raises(Refused, match="does not exist"):
        connector.send(outgoing(parent_id=str(gone.pk)))
    connector.send(outgoing())
    with pytest.raises(Refused, match="another text"):
        connector.send(outgoing(text="something else"))


def test_it_knows_when_the_credentials_are_gone(connector: PracticeConnector, company: Account) -> None:
    revoke_tokens(account=company)
    with pytest.raises(CredentialsGone):
        connector.check()
    with pytest.raises(CredentialsGone):
        with_credentials(connector, token="").check()


def test_an_outage_is_worth_another_try(connector: PracticeConnector, outgoing: Make) -> None:
    set_chaos(outage=True)
    with pytest.raises(TryAgain) as reading:
        connector.poll({})
    assert (reading.value.after, reading.value.doubt) == (timedelta(seconds=5), False)
    with pytest.raises(TryAgain) as writing:
        connector.send(outgoing())
    assert writing.value.doubt


def test_a_rate_limit_says_when_and_leaves_no_doubt(connector: PracticeConnector, outgoing: Make) -> None:
    set_chaos(rate_limit=2)
    connector.check()
    connector.check()
    with pytest.raises(TryAgain) as caught:
        connector.send(outgoing())
    assert caught.value.after is not None
    assert timedelta(0) < caught.value.after <= timedelta(seconds=61)
    assert not caught.value.doubt
    assert not Post.objects.exists()


def test_a_network_that_is_not_there_did_nothing(connector: PracticeConnector, outgoing: Make) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        away = with_credentials(connector, base_url=f"http://127.0.0.1:{held.getsockname()[1]}/practice")
        with pytest.raises(TryAgain) as caught:
            away.send(outgoing())
    assert not caught.value.doubt
    with pytest.raises(Refused):
        with_credentials(connector, base_url="nonsense").check()


def test_the_weather_shuffles_and_repeats_but_keys_stay(
    connector: PracticeConnector, customer: Account
) -> None:
    actions.publish_many([Draft(author=customer, text=f"@alvara_help {n}") for n in range(30)])
    calm = [item.dedupe_key() for item in connector.poll({}).items]
    set_chaos(duplicate_rate=1.0, reorder_rate=1.0)
    unruly = [item.dedupe_key() for item in connector.poll({}).items]
    assert sorted(unruly) == sorted(calm * 2)
    assert unruly != calm * 2


def test_reposts_reach_the_company(connector: PracticeConnector, customer: Account) -> None:
    post, _ = publish(Draft(author=customer, text="@alvara_help wow"))
    actions.repost(author=customer, post_id=post.pk)
    actions.repost(author=customer, post_id=post.pk)
    items = connector.poll({}).items
    assert [item.kind for item in items] == ["post.created", "post.reposted"]
    (event,) = connector.parse(items[1].kind, items[1].payload)
    assert isinstance(event, Reposted)
    assert (event.original_id, event.author.handle) == (str(post.pk), "ivana.k")


# Webhooks ---------------------------------------------------------------------------------------
def receiver() -> PracticeConnector:
    return PracticeConnector(
        ChannelAccount(external_id="3", handle="x", credentials={"webhook_secret": SECRET}, settings={})
    )


def delivery(body: bytes, *, secret: str = SECRET, age_s: int = 0, sign: bytes | None = None) -> Delivery:
    stamp = str(int(time.time()) - age_s)
    return Delivery(
        method="POST",
        headers={
            "x-practice-timestamp": stamp,
            "x-practice-signature": signature(
                secret=secret, timestamp=stamp, body=body if sign is None else sign
            ),
        },
        body=body,
    )


EVENT = {"id": "evt-7", "type": "ping", "account_id": "3", "created_at": "2026-11-21T09:00:00+00:00"}


def test_it_takes_a_signed_delivery() -> None:
    received = receiver().receive(delivery(json.dumps({"events": [EVENT]}).encode()))
    assert [(item.kind, item.payload, item.dedupe_key()) for item in received.items] == [
        ("ping", EVENT, "evt-7")
    ]


@pytest.mark.parametrize(
    ("body", "how"),
    [
        (b'{"events": []}', {"secret": "another secret!!"}),
        (b'{"events": []}', {"sign": b'{"events": [] }'}),
        (b'{"events": []}', {"age_s": 310}),
        (b'{"events": []}', {"age_s": -400}),
        (b"[]", {}),
        (b'{"events": [3]}', {}),
        (b'{"events": [{"id": "1"}]}', {}),
        (b"\xff", {}),
        (b"[" * 100_000, {}),
    ],
)
def test_it_refuses_everything_else(body: bytes, how: dict[str, Any]) -> None:
    with pytest.raises(NotFromThisNetwork):
        receiver().receive(delivery(body, **how))


def test_it_refuses_what_is_not_signed_at_all() -> None:
    with pytest.raises(NotFromThisNetwork):
        receiver().receive(Delivery(method="POST", headers={}, body=b'{"events": []}'))


def test_without_a_secret_nothing_is_taken() -> None:
    bare = PracticeConnector(ChannelAccount(external_id="3", handle="x", credentials={}, settings={}))
    with pytest.raises(NotFromThisNetwork):
        bare.receive(delivery(b'{"events": []}', secret=""))
