"""Answers in public and in private, and what happens to them on bad days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rapport.networks.base import MessageSeen, OutgoingMedia
from rapport.networks.errors import CredentialsGone, Refused, TryAgain
from rapport.networks.facebook.connector import CONNECTOR, FacebookConnector
from rapport.networks.facebook.tests.conftest import world
from rapport.networks.facebook.tests.place import FacebookPlace
from rapport.networks.meta.tests.driving import connector, events, heard, reply, to
from rapport.networks.meta.tests.world import PAGE_ID

PICTURE = OutgoingMedia(
    name="map.png", content_type="image/png", kind="image", content=b"\x89PNG", alt="The way to gate 7"
)


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
