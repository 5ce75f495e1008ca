from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import pytest

from rapport.networks.base import Delivery, MessageDeleted, MessageSeen, OutgoingMedia
from rapport.networks.errors import CredentialsGone, NotFromThisNetwork, Refused, TryAgain
from rapport.networks.facebook.connector import CONNECTOR, FacebookConnector
from rapport.networks.facebook.profile import profile_of
from rapport.networks.facebook.tests.place import PLACE, FacebookPlace
from rapport.networks.meta.tests import recorded
from rapport.networks.meta.tests.driving import connector, events, heard, reply, to
from rapport.networks.meta.tests.world import APP_ID, APP_SECRET, PAGE_ID, VERIFY_TOKEN, World, signed

REDIRECT = "https://desk.example/connect/back"
PICTURE = OutgoingMedia(
    name="map.png", content_type="image/png", kind="image", content=b"\x89PNG", alt="The way to gate 7"
)


@pytest.fixture
def place() -> Iterator[FacebookPlace]:
    with PLACE() as found:
        yield cast(FacebookPlace, found)


@pytest.fixture
def desk(place: FacebookPlace) -> FacebookConnector:
    return cast(FacebookConnector, connector(CONNECTOR, place))


def world(place: FacebookPlace) -> World:
    return place.world


# Connecting -----------------------------------------------------------------------------------------
def test_check_says_whose_page_it_is_and_switches_webhooks_on(place: FacebookPlace) -> None:
    profile = connector(CONNECTOR, place, checked=False).check()
    assert (profile.external_id, profile.handle, profile.name) == (PAGE_ID, "alvaraair", "Alvara Air")
    assert profile.hours == "mon 09:00-17:00"
    assert profile.settings["limits"] == []
    assert {"feed", "messages", "message_edits"} <= set(world(place).subscribed)


def test_check_says_in_words_what_is_missing(place: FacebookPlace) -> None:
    world(place).scopes.remove("pages_messaging")
    profile = connector(CONNECTOR, place, checked=False).check()
    (words,) = profile.settings["limits"]
    assert "pages_messaging" in words
    assert "private messages" in words


def test_check_refuses_a_token_that_cannot_answer(place: FacebookPlace) -> None:
    world(place).scopes.remove("pages_manage_engagement")
    with pytest.raises(Refused, match="pages_manage_engagement"):
        connector(CONNECTOR, place, checked=False).check()


def test_check_refuses_the_token_of_a_person(place: FacebookPlace) -> None:
    with pytest.raises(Refused, match="not the access token of a page"):
        connector(CONNECTOR, place, checked=False, access_token="EAAuser-long").check()


@pytest.mark.parametrize("wrong", [{"access_token": "nonsense"}, {"access_token": ""}, {"app_secret": ""}])
def test_check_without_good_credentials(place: FacebookPlace, wrong: dict[str, str]) -> None:
    with pytest.raises(CredentialsGone):
        connector(CONNECTOR, place, checked=False, **wrong).check()


def test_a_call_signed_with_another_secret_is_refused_as_gone(place: FacebookPlace) -> None:
    other = connector(CONNECTOR, place, checked=False, app_secret="another")
    with pytest.raises(CredentialsGone):
        other.profile()


def test_the_networks_login_grants_the_pages(place: FacebookPlace) -> None:
    values = {"app_id": APP_ID, "app_secret": APP_SECRET, "graph_url": place.double.url}
    begun = CONNECTOR.begin(values, redirect_uri=REDIRECT, state="s-1")
    assert begun.url.startswith(f"{place.double.url}/v25.0/dialog/oauth?client_id={APP_ID}")
    assert "state=s-1" in begun.url
    assert APP_SECRET not in begun.url
    query = dict(parse_qsl(urlsplit(place.log_in(begun.url)).query))
    granted = CONNECTOR.finish(values, keep={}, query=query, redirect_uri=REDIRECT)
    assert [one.label for one in granted] == ["Alvara Air", "Alvara Cargo"]
    assert granted[0].credentials == {"access_token": world(place).token}


def test_a_login_that_was_declined_is_refused(place: FacebookPlace) -> None:
    values = {"app_id": APP_ID, "app_secret": APP_SECRET, "graph_url": place.double.url}
    begun = CONNECTOR.begin(values, redirect_uri=REDIRECT, state="s-1")
    query = dict(parse_qsl(urlsplit(place.log_in(begun.url, allow=False)).query))
    with pytest.raises(Refused, match="not granted"):
        CONNECTOR.finish(values, keep={}, query=query, redirect_uri=REDIRECT)
    with pytest.raises(Refused):
        CONNECTOR.finish(values, keep={}, query={"code": "used before"}, redirect_uri=REDIRECT)


def test_without_an_address_of_ones_own_the_login_is_facebooks() -> None:
    begun = CONNECTOR.begin({"app_id": "1", "app_secret": "2"}, redirect_uri=REDIRECT, state="s")
    assert begun.url.startswith("https://www.facebook.com/v25.0/dialog/oauth?")


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
    assert kinds == ["feed", "unknown:leadgen", "messaging", "messaging", "messaging"]


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


# Speaking, in public --------------------------------------------------------------------------------
def test_an_answer_is_read_and_comes_back_as_our_own(place: FacebookPlace, desk: FacebookConnector) -> None:
    said = place.customer_says("Where is my bag?")
    sent = desk.send(to(heard(desk, said), "On its way. ^MK"))
    assert place.customer_reads(said) == ["On its way. ^MK"]
    own = heard(desk, sent.external_id)
    assert (own.author.external_id, own.parent_id) == (desk.account.external_id, said)


def test_an_answer_to_an_answer_goes_beside_it(place: FacebookPlace, desk: FacebookConnector) -> None:
    first = place.customer_says("Question")
    second = place.customer_says("The same question", to=first)
    sent = desk.send(to(heard(desk, second), "Both: yes."))
    assert place.customer_reads(second) == ["Both: yes."]
    assert heard(desk, sent.external_id).parent_id == first


def test_a_picture_goes_along_with_its_description(place: FacebookPlace, desk: FacebookConnector) -> None:
    said = place.customer_says("Where is gate 7?")
    desk.send(to(heard(desk, said), "Here:", media=(PICTURE,)))
    assert place.customer_sees_images(said) == ["The way to gate 7"]
    film = OutgoingMedia(name="a.mp4", content_type="video/mp4", kind="video", content=b"x")
    with pytest.raises(Refused):
        desk.send(to(heard(desk, said), "Film", media=(film,)))


def test_a_post_of_our_own(place: FacebookPlace, desk: FacebookConnector) -> None:
    message = reply("New: Split daily.", media=(PICTURE,))
    sent = desk.send(message)
    assert world(place).things[sent.external_id].alts == ["The way to gate 7"]
    found = desk.find_sent(message)
    assert found is not None
    assert found.external_id == sent.external_id


def test_edit_and_delete_are_seen_and_repeatable(place: FacebookPlace, desk: FacebookConnector) -> None:
    said = place.customer_says("Hours?")
    sent = desk.send(to(heard(desk, said), "9 to 17"))
    for _twice in range(2):
        desk.edit(sent.external_id, "9 to 18")
    assert place.customer_reads(said) == ["9 to 18"]
    for _twice in range(2):
        desk.delete(sent.external_id)
    assert place.customer_reads(said) == []


def test_private_messages_are_neither_edited_nor_deleted(desk: FacebookConnector) -> None:
    with pytest.raises(Refused):
        desk.edit("m_AbC", "x")
    with pytest.raises(Refused):
        desk.delete("m_AbC")


def test_answering_what_is_gone_is_refused(place: FacebookPlace, desk: FacebookConnector) -> None:
    said = place.customer_says("Never mind")
    message = to(heard(desk, said), "We do mind")
    place.customer_deletes(said)
    with pytest.raises(Refused, match="gone"):
        desk.send(message)


@pytest.mark.parametrize("odd", ["../me", "1/../2", "https://evil.example/", "", "12 3", "1_2?x=y"])
def test_ids_of_an_unknown_form_never_reach_an_address(desk: FacebookConnector, odd: str) -> None:
    with pytest.raises(Refused):
        desk.send(reply("x", parent_id=odd))


def test_a_broken_connection_after_posting_is_found_and_not_repeated(
    place: FacebookPlace, desk: FacebookConnector
) -> None:
    said = place.customer_says("Hello?")
    message = to(heard(desk, said), "Hello  you")
    with place.break_after_posting(), pytest.raises(TryAgain) as caught:
        desk.send(message)
    assert caught.value.doubt
    found = desk.find_sent(message)
    assert found is not None
    assert world(place).things[found.external_id].text == "Hello  you"
    assert desk.find_sent(to(heard(desk, said), "Other words")) is None


def test_the_same_words_sent_earlier_are_not_taken_for_it(
    place: FacebookPlace, desk: FacebookConnector
) -> None:
    said = place.customer_says("Thanks")
    sent = desk.send(to(heard(desk, said), "You are welcome"))
    world(place).things[sent.external_id].created -= timedelta(minutes=5)
    assert desk.find_sent(to(heard(desk, said), "You are welcome")) is None


# Speaking, in private -------------------------------------------------------------------------------
def test_a_private_answer_is_read_and_echoed_with_our_reference(
    place: FacebookPlace, desk: FacebookConnector
) -> None:
    said = place.customer_says("It is about my booking", private=True)
    message = to(heard(desk, said), "Your number, please?")
    sent = desk.send(message)
    assert place.customer_reads(said, private=True) == ["Your number, please?"]
    assert sent.thread_key == heard(desk, said).thread_key
    echo = [one for each in place.deliveries() for one in events(desk, desk.receive(each).items)][-1]
    assert isinstance(echo, MessageSeen)
    assert (echo.external_id, echo.client_ref) == (sent.external_id, message.idempotency_key)


def test_files_and_words_are_parts_and_a_broken_one_is_gone_on_with(
    place: FacebookPlace, desk: FacebookConnector
) -> None:
    said = place.customer_says("Where?", private=True)
    message = to(heard(desk, said), "There", media=(PICTURE, PICTURE))
    with place.break_after_posting(), pytest.raises(TryAgain) as caught:
        desk.send(message)
    assert caught.value.doubt
    assert desk.find_sent(message) is None  # one of three parts
    sent = desk.send(message)
    ours = [one for one in world(place).conversation("messenger").messages if one["from"]["id"] == PAGE_ID]
    assert [bool(one["attachments"]) for one in reversed(ours)] == [True, True, False]
    found = desk.find_sent(message)
    assert found is not None
    assert found.external_id == sent.external_id


def at_hours(place: FacebookPlace, hours: int, **more: Any) -> Any:
    world(place).heard_long_ago("messenger", timedelta(hours=hours))
    return reply(
        "Late answer", visibility="private", recipient_id=world(place).person["id"], parent_visibility="private",
        heard_at=datetime.now(UTC) - timedelta(hours=hours), **more,
    )  # fmt: skip


def test_after_a_day_only_people_answer_and_only_with_the_permission(
    place: FacebookPlace, desk: FacebookConnector
) -> None:
    place.customer_says("Hello", private=True)
    before = sum(world(place).calls.values())
    with pytest.raises(Refused, match="human agent"):
        desk.send(at_hours(place, 30))
    assert sum(world(place).calls.values()) == before  # refused before the call
    world(place).human_agent = True
    allowed = connector(CONNECTOR, place, human_agent=True)
    with pytest.raises(Refused, match="only a person"):
        allowed.send(at_hours(place, 30, by_person=False))
    allowed.send(at_hours(place, 30))
    assert place.customer_reads("", private=True) == ["Late answer"]
    with pytest.raises(Refused, match="time is over"):
        allowed.send(at_hours(place, 24 * 7 + 1))


def test_the_networks_own_clock_has_the_last_word(place: FacebookPlace, desk: FacebookConnector) -> None:
    place.customer_says("Hello", private=True)
    message = at_hours(place, 30)
    message = reply("x", visibility="private", recipient_id=message.recipient_id, heard_at=datetime.now(UTC))
    with pytest.raises(Refused, match="time is over"):
        desk.send(message)


def test_the_windows_are_what_this_channel_has(place: FacebookPlace, desk: FacebookConnector) -> None:
    assert [one.name for one in desk.rules.windows] == ["standard"]
    assert [one.name for one in connector(CONNECTOR, place, human_agent=True).rules.windows] == [
        "standard",
        "human_agent",
    ]


def test_a_private_reply_to_a_comment_once(place: FacebookPlace, desk: FacebookConnector) -> None:
    said = heard(desk, place.customer_says("My booking is AB12"))
    message = to(said, "Better in private", visibility="private")
    with place.break_after_posting(), pytest.raises(TryAgain) as caught:
        desk.send(message)
    assert caught.value.doubt
    found = desk.find_sent(message)
    assert found is not None
    assert found.thread_key == f"dm:{world(place).person['id']}"
    with pytest.raises(Refused, match="one private reply"):
        desk.send(message)
    with pytest.raises(Refused, match="7 days"):
        desk.send(to(said, "Late", visibility="private", heard_at=datetime.now(UTC) - timedelta(days=8)))


# Bad days -------------------------------------------------------------------------------------------
def test_an_outage_is_no_doubt_and_passes(place: FacebookPlace, desk: FacebookConnector) -> None:
    said = place.customer_says("Hello")
    message = to(heard(desk, said), "Hello")
    with place.outage():
        with pytest.raises(TryAgain) as caught:
            desk.send(message)
        assert not caught.value.doubt
        with pytest.raises(TryAgain):
            desk.poll({})
    desk.send(message)
    assert place.customer_reads(said) == ["Hello"]


def test_revoked_and_renewed(place: FacebookPlace, desk: FacebookConnector) -> None:
    place.revoke()
    with pytest.raises(CredentialsGone, match="password"):
        desk.poll({})
    place.renew()
    assert connector(CONNECTOR, place).poll({}).items


def test_the_wait_of_a_used_up_budget_is_the_networks(place: FacebookPlace, desk: FacebookConnector) -> None:
    world(place).faults.append(
        {"code": 32, "message": "(#32) Page request limit reached", "minutes": 19, "status": 403}
    )
    with pytest.raises(TryAgain) as caught:
        desk.poll({})
    assert caught.value.after == timedelta(minutes=19)
    assert not caught.value.doubt
    assert {(one.budget, one.remaining) for one in desk.seen_limits} == {("read", 0), ("write", 0)}


def test_a_budget_that_runs_low_slows_the_polling(place: FacebookPlace, desk: FacebookConnector) -> None:
    assert desk.poll({}).next_after is None
    world(place).usage = 70
    assert desk.poll({}).next_after == timedelta(minutes=5)
    assert desk.seen_limits[0].remaining == 60


def test_the_same_words_twice_in_a_row_are_refused(place: FacebookPlace, desk: FacebookConnector) -> None:
    seen = heard(desk, place.customer_says("Thanks"))
    desk.send(to(seen, "You are welcome"))
    with pytest.raises(Refused, match="twice in a row"):
        desk.send(to(seen, "You are welcome"))


# Profile --------------------------------------------------------------------------------------------
def test_the_profile_is_written_and_read_back(desk: FacebookConnector) -> None:
    desk.write_profile(
        {
            "bio": "Up there.",
            "link": "https://new.example",
            "hours": "mon 09:00-12:00, 13:00-17:00; sun 10:00-12:00",
        }
    )
    found = desk.profile()
    assert (found.bio, found.link) == ("Up there.", "https://new.example")
    assert found.hours == "mon 09:00-12:00, 13:00-17:00; sun 10:00-12:00"
    with pytest.raises(Refused):
        desk.write_profile({"hours": "always"})
    with pytest.raises(Refused):
        desk.write_profile({"name": "Beta Air"})


def test_recorded_pages_are_profiles() -> None:
    for path in sorted((recorded.folder() / "facebook/apidata/pages").glob("single_*.json")):
        page = json.loads(path.read_text(encoding="utf-8"))
        found = profile_of(page)
        assert (found.external_id, found.handle, found.name) == (page["id"], page["username"], page["name"])
