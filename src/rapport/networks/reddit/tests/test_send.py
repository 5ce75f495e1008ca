"""Answers out, over real HTTP: once, to the right place, or refused in plain words."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rapport.networks.base import OutgoingMedia
from rapport.networks.doubles import Answer
from rapport.networks.errors import Refused, TryAgain
from rapport.networks.reddit.connector import RedditConnector
from rapport.networks.reddit.tests.conftest import Connect, Make
from rapport.networks.reddit.tests.place import RedditPlace
from rapport.networks.tests.polling import messages

EMPTY = {"kind": "Listing", "data": {"children": [], "after": None}}


def test_it_answers_and_finds_its_answer_again(
    connector: RedditConnector, place: RedditPlace, outgoing: Make
) -> None:
    asked = place.customer_says("where is AV 214?")
    message = outgoing(parent_id=asked, text="At gate 3 &amp; boarding:\n\nhttps://alvara.example <soon> ^MK")
    assert connector.find_sent(message) is None
    sent = connector.send(message)
    assert place.customer_reads(asked) == [message.text]
    assert sent.external_id.startswith("t1_")
    assert sent.url.startswith("https://www.reddit.com/r/travel/comments/")
    assert connector.find_sent(message) == sent
    assert connector.find_sent(outgoing(parent_id=asked, text="Another text")) is None
    assert connector.find_sent(outgoing(parent_id=place.customer_says("hi"), text=message.text)) is None
    own = next(one for one in messages(connector) if one.external_id == sent.external_id)
    assert (own.author.external_id, own.parent_id) == (place.reddit.brand.fullname, asked)


@pytest.mark.parametrize("private", [False, True])
def test_a_lost_answer_is_found(
    connector: RedditConnector, place: RedditPlace, outgoing: Make, private: bool
) -> None:
    asked = place.customer_says("my booking is QX7", private=private)
    message = outgoing(
        parent_id=asked,
        visibility="private" if private else "public",
        recipient_handle="ivana_k",
        thread_key=asked if private else None,
    )
    with place.break_after_posting(), pytest.raises(TryAgain) as broken:
        connector.send(message)
    assert broken.value.doubt
    found = connector.find_sent(message)
    assert found is not None
    assert place.customer_reads(asked, private=private) == [message.text]
    assert found.thread_key == (asked if private else None)


def test_an_answer_to_a_private_message_stays_in_its_conversation(
    connector: RedditConnector, place: RedditPlace, outgoing: Make
) -> None:
    first = place.customer_says("my booking is QX7", private=True)
    second = place.customer_says("are you there?", to=first, private=True)
    sent = connector.send(outgoing(visibility="private", parent_id=second, thread_key=first))
    assert (sent.thread_key, place.reddit.things[sent.external_id].parent) == (first, second)
    assert {one.thread_key for one in messages(connector) if one.visibility == "private"} == {first}


def test_a_private_answer_to_a_public_post_starts_a_conversation(
    connector: RedditConnector, place: RedditPlace, connect: Connect, outgoing: Make
) -> None:
    asked = place.customer_says("where is my refund?")
    message = outgoing(
        visibility="private", parent_id=asked, parent_visibility="public",
        recipient_id=place.customer.fullname, recipient_handle="ivana_k",
    )  # fmt: skip
    sent = connect(subject="Your refund").send(message)
    assert sent.external_id.startswith("t4_")
    assert place.reddit.things[sent.external_id].title == "Your refund"
    assert connector.find_sent(message) == sent
    assert place.customer_reads(asked, private=True) == [message.text]
    # The same words to somebody else are another message.

    assert connector.find_sent(outgoing(visibility="private", recipient_handle="luka_m")) is None


@pytest.mark.parametrize("shown", [Answer(302, {}), Answer(503, {}), Answer(200, EMPTY)])
def test_what_reddit_took_is_sent_although_its_listing_does_not_show_it(
    connector: RedditConnector,
    place: RedditPlace,
    outgoing: Make,
    monkeypatch: pytest.MonkeyPatch,
    shown: Answer,
) -> None:
    """Else it would be sent again and again: private messages have become chats, which no listing has."""
    asked = place.customer_says("where is my refund?")
    answer = place.reddit.answer
    monkeypatch.setattr(
        place.reddit, "answer", lambda one: shown if one.path == "/message/sent" else answer(one)
    )
    message = outgoing(visibility="private", parent_id=asked, recipient_handle="ivana_k")
    sent = connector.send(message)
    assert sent.external_id == f"composed:{message.idempotency_key}"
    assert place.customer_reads(asked, private=True) == [message.text]


def test_modmail_is_answered_in_its_conversation(
    connector: RedditConnector, place: RedditPlace, connect: Connect, outgoing: Make
) -> None:
    conversation = place.reddit.modmail(place.customer, "Banned?", "Why was I banned?")
    message = outgoing(visibility="private", thread_key=f"ModmailConversation_{conversation.id}")
    with place.break_after_posting(), pytest.raises(TryAgain):
        connector.send(message)
    found = connector.find_sent(message)
    assert found is not None
    assert found.external_id == f"ModmailMessage_{conversation.mails[-1].id}"
    sent = connect(modmail_as_community=True).send(
        outgoing(visibility="private", thread_key=message.thread_key, text="And more")
    )
    assert sent.external_id != found.external_id
    assert [(mail.body, mail.hidden) for mail in conversation.mails[1:]] == [
        (message.text, False),
        ("And more", True),
    ]


def test_a_post_of_our_own_has_its_first_line_as_title(
    connect: Connect, place: RedditPlace, outgoing: Make
) -> None:
    message = outgoing(text="Summer timetable\n\nFrom 1 June we fly twice a day.")
    with pytest.raises(Refused, match="community"):
        connect().send(message)
    connector = connect(post_to="r/alvara")
    sent = connector.send(message)
    post = place.reddit.things[sent.external_id]
    assert (post.title, post.body) == ("Summer timetable", "From 1 June we fly twice a day.")
    found = connector.find_sent(message)
    assert found is not None
    assert found.external_id == sent.external_id


def test_it_edits_and_deletes_its_comments(
    connector: RedditConnector, place: RedditPlace, outgoing: Make
) -> None:
    asked = place.customer_says("where is AV 214?")
    sent = connector.send(outgoing(parent_id=asked))
    assert connector.edit(sent.external_id, "At gate 4 ^MK").external_id == sent.external_id
    assert place.customer_reads(asked) == ["At gate 4 ^MK"]
    connector.delete(sent.external_id)
    assert place.customer_reads(asked) == []
    connector.delete(sent.external_id)
    with pytest.raises(Refused, match="changed"):
        connector.edit("t4_abc", "x")
    with pytest.raises(Refused, match="taken back"):
        connector.delete("t4_abc")


def test_what_reddit_refuses_is_said_in_plain_words(
    connector: RedditConnector, place: RedditPlace, outgoing: Make
) -> None:
    reddit = place.reddit
    gone, locked = place.customer_says("gone"), place.customer_posts("locked")
    under = reddit.comment(place.customer, "under it", to=locked).name
    reddit.things[gone].deleted = reddit.things[locked].locked = True
    shy = reddit.person("shy", takes_messages=False)
    open_one = place.customer_says("open")
    picture = OutgoingMedia(name="a.png", content_type="image/png", kind="image", content=b"x")
    for message, words in (
        (outgoing(parent_id=gone), "deleted"),
        (outgoing(parent_id=locked), "locked"),
        (outgoing(parent_id=under), "locked"),
        (outgoing(parent_id=open_one, text=" "), "no text"),
        (outgoing(parent_id=open_one, text="x" * 10_001), "too long"),
        (outgoing(parent_id=open_one, media=(picture,)), "no files"),
        (outgoing(parent_id="../../api/del"), "no id"),
        (outgoing(visibility="private", recipient_handle=shy.name), "people they chose"),
        (outgoing(visibility="private", recipient_handle="nobody_here"), "nobody of that name"),
        (outgoing(visibility="private"), "not known to whom"),
        (outgoing(visibility="private", thread_key="ModmailConversation_../x"), "no conversation"),
    ):
        with pytest.raises(Refused, match=words):
            connector.send(message)


def test_a_break_that_reddit_asks_for_is_taken(
    connector: RedditConnector, place: RedditPlace, outgoing: Make
) -> None:
    asked = place.customer_says("hello")
    place.reddit.rest_until = place.reddit.now() + 9.5 * 60
    with pytest.raises(TryAgain, match="Take a break") as pause:
        connector.send(outgoing(parent_id=asked))
    assert pause.value.after == timedelta(minutes=10)
    assert not pause.value.doubt
    place.reddit.rest_until = 0
    connector.send(outgoing(parent_id=asked))
