"""The connector against its double, over real HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from rapport.networks.base import (
    MessageDeleted,
    MessageSeen,
    Reposted,
)
from rapport.networks.doubles import Answer
from rapport.networks.errors import CredentialsGone, Refused, TryAgain
from rapport.networks.tests.polling import drained, messages, told
from rapport.networks.x.connector import XConnector
from rapport.networks.x.tests.conftest import Connect, Make
from rapport.networks.x.tests.place import XPlace


def test_a_search_that_is_away_does_not_stop_the_mentions(
    connect: Connect, place: XPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = place.customer_says("where is AV 214?")
    answer = place.x.answer
    for away in (Answer(503), Answer(200, {"data": [{}]})):
        with monkeypatch.context() as patched:
            patched.setattr(
                place.x, "answer", lambda one, away=away: away if "search" in one.path else answer(one)
            )
            items, cursor = drained(connect(listen=["alvara"]), {})
            assert f"post:{asked}" in {item.key for item in items}
            drained(connect(listen=["alvara"]), cursor)


# Connecting ---------------------------------------------------------------------------------------
def test_it_says_whose_the_credentials_are(connector: XConnector, place: XPlace) -> None:
    found = connector.check()
    assert (found.external_id, found.handle, found.name) == (place.x.brand.id, "alvara_air", "Alvara Air")
    assert (found.bio, found.bio_length, found.link, found.followers) == (
        "We fly. Answers from 6 to 23 h.",
        31,
        "https://alvara.example/help",
        20400,
    )


def test_it_goes_through_the_networks_login_and_renews_each_token_once(
    connect: Connect, place: XPlace
) -> None:
    values = place.values() | {"access_token": "", "refresh_token": ""}
    redirect_uri = "https://care.example/connect/back"
    begun = XConnector.begin(values, redirect_uri=redirect_uri, state="state-1")
    query = dict(parse_qsl(urlsplit(place.log_in(begun.url)).query))
    granted = XConnector.finish(values, keep=begun.keep, query=query, redirect_uri=redirect_uri)
    assert [one.label for one in granted] == ["@alvara_air"]
    connector = connect(**granted[0].credentials)
    assert connector.check().expires_at is not None

    renewed = connector.renew()
    assert renewed is not None
    assert renewed.expires_at is not None
    assert timedelta(hours=1) < renewed.expires_at - datetime.now(UTC) <= timedelta(hours=2)
    # The refresh token worked once and is replaced; everything else is kept.
    assert renewed.credentials["client_secret"] == values["client_secret"]
    assert connect(**renewed.credentials).check().handle == "alvara_air"
    with pytest.raises(CredentialsGone):
        connector.renew()


def test_a_login_that_was_refused_or_stolen_gives_nothing(place: XPlace) -> None:
    values = place.values()
    begun = XConnector.begin(values, redirect_uri="https://care.example/back", state="s")
    with pytest.raises(Refused, match="access_denied"):
        XConnector.finish(
            values,
            keep=begun.keep,
            query={"error": "access_denied"},
            redirect_uri="https://care.example/back",
        )
    query = dict(parse_qsl(urlsplit(place.log_in(begun.url)).query))
    with pytest.raises(CredentialsGone):
        XConnector.finish(
            values, keep={"verifier": "another"}, query=query, redirect_uri="https://care.example/back"
        )


def test_there_is_nothing_to_renew_without_a_refresh_token(connect: Connect) -> None:
    assert connect(refresh_token="").renew() is None


# Hearing ------------------------------------------------------------------------------------------
def test_it_hears_a_mention_once_with_who_wrote_it(connector: XConnector, place: XPlace) -> None:
    external_id = place.customer_says(
        "where is AV 214? <3 & https://alvara.example/flights?a=1&copy=2", image=True
    )
    items, cursor = drained(connector, {})
    (seen,) = told(connector, items)
    assert isinstance(seen, MessageSeen)
    assert seen.external_id == external_id
    assert seen.text == "@alvara_air where is AV 214? <3 & https://alvara.example/flights?a=1&copy=2"
    assert (seen.author.external_id, seen.author.handle) == (place.customer.id, "ivana_k")
    assert (seen.visibility, seen.parent_id, seen.context) == ("public", None, False)
    assert [(file.kind, file.alt) for file in seen.media] == [("image", "A broken box")]
    assert abs(seen.sent_at - datetime.now(UTC)) < timedelta(seconds=30)
    again, _cursor = drained(connector, cursor)
    assert {item.dedupe_key() for item in again} <= {item.dedupe_key() for item in items}


def test_it_reads_all_pages_and_then_only_what_is_new(connector: XConnector, place: XPlace) -> None:
    for n in range(230):
        place.customer_says(f"number {n}")
    items, cursor = drained(connector, {})
    texts = [event.text for event in told(connector, items) if isinstance(event, MessageSeen)]
    assert sorted(texts) == sorted(f"@alvara_air number {n}" for n in range(230))
    late = place.customer_says("one more")
    fresh, _cursor = drained(connector, cursor)
    known = {item.dedupe_key() for item in items}
    assert [item.key for item in fresh if item.dedupe_key() not in known] == [f"post:{late}"]


def test_what_a_list_shows_late_is_found_all_the_same(connector: XConnector, place: XPlace) -> None:
    slow = place.customer_says("I was first")
    place.x.hidden_from_lists.add(slow)
    place.customer_says("I was second")
    _items, cursor = drained(connector, {})
    place.x.hidden_from_lists.clear()
    items, _cursor = drained(connector, cursor)
    assert f"post:{slow}" in {item.key for item in items}


def test_a_page_token_that_ended_meanwhile_loses_nothing(connector: XConnector, place: XPlace) -> None:
    for n in range(120):
        place.customer_says(f"number {n}")
    polled = connector.poll({})
    assert polled.more
    polled.cursor["mentions"]["token"] = "expired"
    items, _cursor = drained(connector, polled.cursor)
    assert len({item.key for item in [*polled.items, *items] if item.kind == "post"}) == 120


def test_the_post_that_is_answered_comes_along_as_context(connector: XConnector, place: XPlace) -> None:
    stranger = place.x.person("luka_m", "Luka M")
    parent = place.x.post(stranger, "my luggage is in Oslo, I am not")
    reply = place.customer_says("@alvara_air is that you again?", to=parent.id)
    found = {one.external_id: one for one in messages(connector)}
    assert found[parent.id].context
    assert found[parent.id].author.handle == "luka_m"
    assert (found[reply].parent_id, found[reply].context) == (parent.id, False)


def test_a_whole_conversation_is_fetched_where_that_is_wanted(connect: Connect, place: XPlace) -> None:
    stranger = place.x.person("luka_m", "Luka M")
    root = place.x.post(stranger, "my luggage is in Oslo, I am not")
    other = place.x.post(stranger, "and it has been for days", parent=root.id)
    place.customer_says("@alvara_air is that you again?", to=root.id)
    assert other.id not in {one.external_id for one in messages(connect())}
    found = {one.external_id: one for one in messages(connect(threads=True))}
    assert found[other.id].context


def test_its_own_posts_come_back_as_its_own(connector: XConnector, place: XPlace) -> None:
    own = place.x.post(place.x.brand, "Our summer timetable is out")
    (seen,) = messages(connector)
    assert (seen.external_id, seen.author.external_id) == (own.id, connector.account.external_id)


def test_quotes_and_searches_are_found_and_a_repost_is_no_message(connect: Connect, place: XPlace) -> None:
    own = place.x.post(place.x.brand, "Our summer timetable is out")
    quote = place.x.post(place.customer, "Look at this", quotes=own.id)
    talk = place.x.post(place.customer, "Alvara Air lost my bag")
    repost = place.x.post(place.customer, "", reposts=own.id)
    connector = connect(listen=['"alvara air"'])
    items, _cursor = drained(connector, {})
    events = told(connector, items)
    found = {one.external_id: one for one in events if isinstance(one, MessageSeen)}
    assert found[quote.id].facts["quotes"] == own.id
    assert found[talk.id].text == "Alvara Air lost my bag"
    assert repost.id not in found
    assert [one.original_id for one in events if isinstance(one, Reposted)] == [own.id]


def test_private_messages_come_from_both_sides_in_one_conversation(
    connector: XConnector, connect: Connect, place: XPlace
) -> None:
    asked = place.customer_says("my booking is QX7", private=True, image=True)
    answered = place.x.message(place.x.brand, place.customer, "Thank you, we look")
    found = {one.external_id: one for one in messages(connector)}
    assert set(found) == {asked, answered.id}
    assert {one.thread_key for one in found.values()} == {
        "-".join(sorted((place.customer.id, place.x.brand.id), key=int))
    }
    assert {one.visibility for one in found.values()} == {"private"}
    assert [file.alt for file in found[asked].media] == ["A broken box"]
    place.customer_says("are you still there?", private=True)
    assert messages(connect(messages=False)) == []


def test_a_deleted_post_is_noticed_at_the_second_look(connector: XConnector, place: XPlace) -> None:
    gone, stays = place.customer_says("I take this back"), place.customer_says("I do not")
    _items, cursor = drained(connector, {})
    place.customer_deletes(gone)
    items, cursor = drained(connector, cursor)
    deleted = [event for event in told(connector, items) if isinstance(event, MessageDeleted)]
    assert [event.external_id for event in deleted] == [gone]
    items, cursor = drained(connector, cursor)
    assert not [item for item in items if item.kind == "gone"]
    assert cursor["watch"]["ids"] == [stays]


def test_the_second_look_keeps_its_pace(connect: Connect, place: XPlace) -> None:
    place.customer_says("hello")
    connector = connect(recheck_minutes=60)
    _items, cursor = drained(connector, {})
    drained(connector, cursor)
    assert sum(1 for request in place.x.requests if request.path == "/2/tweets") == 1


def test_an_edit_is_the_same_message_with_a_later_text(connector: XConnector, place: XPlace) -> None:
    external_id = place.customer_says("where is AV 241?")
    _items, cursor = drained(connector, {})
    place.customer_edits(external_id, "where is AV 214?")
    items, cursor = drained(connector, cursor)
    edits = [one for one in told(connector, items) if isinstance(one, MessageSeen) and one.edited_at]
    assert {(one.external_id, one.text) for one in edits} == {(external_id, "@alvara_air where is AV 214?")}
    assert edits[0].facts["version"] != external_id
    assert edits[0].sent_at < edits[0].edited_at
    # Somebody answers the edited version: the parent is still the message we know.
    place.customer_says("@alvara_air anybody?", to=edits[0].facts["version"])
    items, _cursor = drained(connector, cursor)
    assert external_id in {one.parent_id for one in told(connector, items) if isinstance(one, MessageSeen)}


def test_history_goes_back_to_the_day_and_no_further(connector: XConnector, place: XPlace) -> None:
    now = datetime.now(UTC)
    for days in (1, 3, 20):
        place.x.post(
            place.customer, f"@alvara_air {days} days ago", at=(now - timedelta(days=days)).timestamp()
        )
    place.customer_says("private", private=True)
    texts: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        polled = connector.history(cursor, since=now - timedelta(days=7))
        texts += [one.text for one in told(connector, list(polled.items)) if isinstance(one, MessageSeen)]
        cursor = dict(polled.cursor)
        if not polled.more:
            break
    assert sorted(texts) == ["@alvara_air 1 days ago", "@alvara_air 3 days ago", "private"]


# Bad days -----------------------------------------------------------------------------------------
def test_an_outage_is_waited_for_and_nothing_is_lost(
    connector: XConnector, place: XPlace, outgoing: Make
) -> None:
    _items, cursor = drained(connector, {})
    asked = place.customer_says("where is AV 214?")
    with place.outage():
        with pytest.raises(TryAgain) as away:
            connector.poll(cursor)
        assert not away.value.doubt
        with pytest.raises(TryAgain) as unsent:
            connector.send(outgoing(parent_id=asked))
        assert not unsent.value.doubt
    assert [one.external_id for one in messages(connector, cursor)] == [asked]


def test_credentials_that_were_taken_away(
    connector: XConnector, place: XPlace, connect: Connect, outgoing: Make
) -> None:
    place.revoke()
    for call in (
        connector.check,
        lambda: connector.poll({}),
        lambda: connector.send(outgoing()),
        connector.renew,
        connect(access_token="").check,
    ):
        with pytest.raises(CredentialsGone):
            call()
    place.renew()
    assert connect().check().handle == "alvara_air"


def test_limits_are_told_and_obeyed(connector: XConnector, place: XPlace, outgoing: Make) -> None:
    place.x.limits["POST /2/tweets"] = 1
    asked = place.customer_says("hello")
    connector.send(outgoing(parent_id=asked))
    (seen,) = [one for one in connector.seen_limits if one.budget == "write"]
    assert seen.remaining == 0
    assert timedelta(minutes=14) < seen.reset_at - datetime.now(UTC) <= timedelta(minutes=15)
    with pytest.raises(TryAgain) as limited:
        connector.send(outgoing(parent_id=asked, text="another"))
    assert limited.value.after is not None
    assert timedelta(minutes=14) < limited.value.after <= timedelta(minutes=15)
    assert not limited.value.doubt


def test_a_limit_on_private_messages_does_not_stop_the_mentions(connector: XConnector, place: XPlace) -> None:
    place.x.limits["GET /2/dm_events"] = 1
    _items, cursor = drained(connector, {})
    place.customer_says("private", private=True)
    public = place.customer_says("public")
    items, cursor = drained(connector, cursor)
    assert [item.key for item in items if item.kind in {"post", "dm"}] == [f"post:{public}"]
    asked = [request for request in place.x.requests if request.path == "/2/dm_events"]
    drained(connector, cursor)
    assert [request for request in place.x.requests if request.path == "/2/dm_events"] == asked


def test_a_search_that_x_does_not_understand_stops_nothing_else(connect: Connect, place: XPlace) -> None:
    public = place.customer_says("public")
    items, _cursor = drained(connect(listen=['"never closed']), {})
    assert f"post:{public}" in {item.key for item in items}


def test_no_credits_left_is_said_and_waited_for(connector: XConnector, place: XPlace, outgoing: Make) -> None:
    place.x.no_credits = True
    with pytest.raises(TryAgain, match="credits") as broke:
        connector.send(outgoing())
    assert broke.value.after == timedelta(hours=1)


def test_plans_and_subscriptions_change_the_rules(connect: Connect) -> None:
    assert connect().rules.max_length == 280
    assert connect(subscription_type="Premium").rules.max_length == 25_000
    assert {(one.name, one.calls) for one in connect(tier="basic").rules.budgets} == {
        ("read", 10),
        ("write", 100),
    }
    assert connect(tier="unheard of").rules.budgets == connect(tier="pay_per_use").rules.budgets
