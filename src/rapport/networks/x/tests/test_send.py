"""Answers out, over real HTTP: once, to the right place, or refused in plain words."""

from __future__ import annotations

from typing import Any

import pytest

from rapport.networks.base import (
    OutgoingMedia,
)
from rapport.networks.errors import Refused, TryAgain
from rapport.networks.tests.polling import messages
from rapport.networks.x.connector import XConnector
from rapport.networks.x.tests.conftest import Make
from rapport.networks.x.tests.place import PNG, XPlace


# Speaking -----------------------------------------------------------------------------------------
def test_it_answers_and_finds_its_answer_again(connector: XConnector, place: XPlace, outgoing: Make) -> None:
    asked = place.customer_says("where is AV 214?")
    message = outgoing(parent_id=asked, text="At gate 3 & boarding: www.alvara.example/214?x=1 <soon> ^MK")
    assert connector.find_sent(message) is None
    sent = connector.send(message)
    assert place.customer_reads(asked) == [message.text]
    assert sent.url == f"https://x.com/alvara_air/status/{sent.external_id}"
    assert connector.find_sent(message) == sent
    assert connector.find_sent(outgoing(parent_id=asked, text="Another text")) is None
    assert connector.find_sent(outgoing(parent_id=place.customer_says("hi"), text=message.text)) is None
    own = next(one for one in messages(connector) if one.external_id == sent.external_id)
    assert (own.author.external_id, own.parent_id, own.sent_at) == (place.x.brand.id, asked, sent.sent_at)


def test_an_answer_to_an_edited_post_goes_to_its_newest_version(
    connector: XConnector, place: XPlace, outgoing: Make
) -> None:
    asked = place.customer_says("where is AV 241?")
    place.customer_edits(asked, "where is AV 214?")
    seen = next(one for one in messages(connector) if one.edited_at)
    message = outgoing(parent_id=asked, parent_facts=seen.facts)
    sent = connector.send(message)
    assert place.x.posts[sent.external_id].parent == seen.facts["version"]
    assert connector.find_sent(message) == sent


def test_a_lost_answer_is_found_not_posted_again(
    connector: XConnector, place: XPlace, outgoing: Make
) -> None:
    asked = place.customer_says("where is AV 214?")
    message = outgoing(parent_id=asked)
    with place.break_after_posting(), pytest.raises(TryAgain) as broken:
        connector.send(message)
    assert broken.value.doubt
    assert connector.find_sent(message) is not None
    # Even a caller that does not ask first ends with one post: X refuses the text, and it is looked for.
    assert connector.send(message) == connector.find_sent(message)
    assert place.customer_reads(asked) == [message.text]


def test_a_lost_private_answer_is_found(connector: XConnector, place: XPlace, outgoing: Make) -> None:
    asked = place.customer_says("my booking is QX7", private=True)
    message = outgoing(
        visibility="private",
        parent_id=asked,
        recipient_id=place.customer.id,
        text="Thank you & see alvara.example/QX7",
    )
    with place.break_after_posting(), pytest.raises(TryAgain):
        connector.send(message)
    found = connector.find_sent(message)
    assert found is not None
    assert found.thread_key == "-".join(sorted((place.customer.id, place.x.brand.id), key=int))
    assert place.customer_reads(asked, private=True) == [message.text]


def test_the_same_words_to_somebody_else_are_refused_in_plain_words(
    connector: XConnector, place: XPlace, outgoing: Make
) -> None:
    first, second = place.customer_says("one"), place.customer_says("two")
    connector.send(outgoing(parent_id=first))
    with pytest.raises(Refused, match="posted before"):
        connector.send(outgoing(parent_id=second))


def test_who_did_not_name_us_cannot_be_answered_by_an_app(
    connector: XConnector, place: XPlace, outgoing: Make
) -> None:
    post = place.x.post(place.customer, "Alvara Air lost my bag")
    with pytest.raises(Refused, match="Enterprise"):
        connector.send(outgoing(parent_id=post.id))
    place.x.enterprise = True
    connector.send(outgoing(parent_id=post.id))


def test_a_private_answer_to_a_public_post_and_one_who_takes_none(
    connector: XConnector, place: XPlace, outgoing: Make
) -> None:
    asked = place.customer_says("where is my refund?")
    message = outgoing(
        visibility="private", parent_id=asked, parent_visibility="public", recipient_id=place.customer.id
    )
    assert connector.send(message).thread_key
    assert place.customer_reads(asked, private=True) == [message.text]
    shy = place.x.person("shy", "Shy", messages_from_anyone=False)
    with pytest.raises(Refused, match="permission to DM"):
        connector.send(outgoing(visibility="private", recipient_id=shy.id))
    with pytest.raises(Refused, match="not known to whom"):
        connector.send(outgoing(visibility="private", recipient_id="../../tweets"))


def picture(**changes: Any) -> OutgoingMedia:
    base: dict[str, Any] = {
        "name": "gate.png",
        "content_type": "image/png",
        "kind": "image",
        "content": PNG,
        "alt": "The way to gate 3",
    }
    return OutgoingMedia(**base | changes)


def test_pictures_go_along_with_their_descriptions(
    connector: XConnector, place: XPlace, outgoing: Make
) -> None:
    asked = place.customer_says("where is gate 3?")
    large = picture(content=PNG * 65_000, alt="A map")  # more than one piece
    connector.send(outgoing(parent_id=asked, media=(picture(), large)))
    assert place.customer_sees_images(asked) == ["The way to gate 3", "A map"]
    sent = connector.find_sent(outgoing(parent_id=asked))
    assert sent is not None
    connector.send(
        outgoing(
            visibility="private", recipient_id=place.customer.id, text="", media=(picture(alt="Only this"),)
        )
    )
    assert place.customer_sees_images(asked)[-1] == "Only this"


def test_a_video_is_waited_for(connector: XConnector, place: XPlace, outgoing: Make) -> None:
    asked = place.customer_says("show me")
    film = picture(name="a.mp4", content_type="video/mp4", kind="video", content=b"\0" * 5_000_000, alt="")
    connector.send(outgoing(parent_id=asked, media=(film,)))
    assert len(place.customer_sees_images(asked)) == 1


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ((picture(),) * 5, "up to four"),
        ((picture(), picture(content_type="image/gif")), "up to four"),
        ((picture(content_type="image/svg+xml"),), "does not take"),
        ((picture(content=b"\0" * (5 * 1024 * 1024 + 1)),), "too large"),
    ],
)
def test_files_that_x_does_not_take_are_refused_before_the_call(
    connector: XConnector, place: XPlace, outgoing: Make, files: tuple[OutgoingMedia, ...], words: str
) -> None:
    with pytest.raises(Refused, match=words):
        connector.send(outgoing(media=files))
    assert not place.x.requests


def test_it_deletes_its_posts_and_does_not_mind_if_they_are_gone(
    connector: XConnector, place: XPlace, outgoing: Make
) -> None:
    asked = place.customer_says("hello")
    sent = connector.send(outgoing(parent_id=asked))
    connector.delete(sent.external_id)
    assert place.customer_reads(asked) == []
    connector.delete(sent.external_id)
    with pytest.raises(Refused):
        connector.delete(asked)
