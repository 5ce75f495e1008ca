"""Answers, posts and direct messages, against Bluesky's own servers over real HTTP."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from rapport.networks.base import OutgoingMedia, OutgoingMessage
from rapport.networks.bluesky import images, posting
from rapport.networks.bluesky.connector import BlueskyConnector
from rapport.networks.bluesky.recordkeys import derived_tid, split_uri
from rapport.networks.bluesky.tests.hearing import Ear, messages
from rapport.networks.bluesky.tests.people import png
from rapport.networks.bluesky.tests.place import BlueskyPlace
from rapport.networks.errors import Refused, TryAgain

pytestmark = pytest.mark.xdist_group("bluesky")

Make = Callable[..., OutgoingMessage]


def picture(alt: str = "A map of the works", size: tuple[int, int] = (30, 20)) -> OutgoingMedia:
    return OutgoingMedia(name="map.png", content_type="image/png", kind="image", content=png(*size), alt=alt)


def text_of(place: BlueskyPlace, uri: str) -> str:
    did, collection, rkey = split_uri(uri)
    found = place.customer.call("com.atproto.repo.getRecord", repo=did, collection=collection, rkey=rkey)
    return str(found["value"]["text"])


def test_a_customer_is_heard_and_reads_our_answer(
    place: BlueskyPlace, connector: BlueskyConnector, outgoing: Make
) -> None:
    ear = Ear(connector)
    asked = place.customer_says("my parcel is broken, see https://example.com/track", image=True)
    heard = messages(ear.hear())[asked]
    assert heard.author.external_id == place.customer.did
    assert heard.author.name == "Mira Holt"
    assert heard.text == f"@{place.ours.handle} my parcel is broken, see https://example.com/track"
    assert [one.alt for one in heard.media] == ["A broken box"]
    sent = connector.send(outgoing(parent_id=asked, text="A new one is on its way, @mira.test"))
    assert place.customer_reads(asked) == ["A new one is on its way, @mira.test"]
    own = messages(ear.hear())[sent.external_id]
    assert (own.author.external_id, own.parent_id) == (connector.account.external_id, asked)


def test_links_names_and_tags_become_facets_at_byte_offsets(
    place: BlueskyPlace, connector: BlueskyConnector, outgoing: Make
) -> None:
    text = "Grüße 👩‍👩‍👦‍👦 @mira.test, siehe https://example.com/ä?b=1. #störung @nobody.test"
    sent = connector.send(outgoing(text=text, lang="de"))
    did, collection, rkey = split_uri(sent.external_id)
    record = place.customer.call("com.atproto.repo.getRecord", repo=did, collection=collection, rkey=rkey)[
        "value"
    ]
    raw = text.encode()
    found = {
        raw[one["index"]["byteStart"] : one["index"]["byteEnd"]].decode(): {
            name: value for name, value in one["features"][0].items() if name != "$type"
        }
        for one in record["facets"]
    }
    assert found == {
        "@mira.test": {"did": place.customer.did},
        "https://example.com/ä?b=1": {"uri": "https://example.com/ä?b=1"},
        "#störung": {"tag": "störung"},
    }
    assert record["langs"] == ["de"]


def test_pictures_go_along_with_their_alt_text(
    place: BlueskyPlace, connector: BlueskyConnector, outgoing: Make
) -> None:
    asked = place.customer_says("where do I change trains?")
    connector.send(outgoing(parent_id=asked, media=(picture(), picture("The platform"))))
    assert place.customer_sees_images(asked) == ["A map of the works", "The platform"]
    (view,) = place._answers(asked)
    assert view["record"]["embed"]["images"][0]["aspectRatio"] == {"width": 30, "height": 20}


def test_what_bluesky_would_refuse_is_refused_before_anything_is_written(
    place: BlueskyPlace, connector: BlueskyConnector, outgoing: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert connector.length("👩‍👩‍👦‍👦é") == 2
    connector.send(outgoing(text="👍🏽" * 300))
    with pytest.raises(Refused, match="301"):
        connector.send(outgoing(text="👍🏽" * 301))
    with pytest.raises(Refused, match="bytes"):
        connector.send(outgoing(text="👩‍👩‍👦‍👦" * 200))
    with pytest.raises(Refused, match="4 pictures"):
        connector.send(outgoing(media=(picture(),) * 5))
    monkeypatch.setattr(images, "MAX_IMAGE_BYTES", 100)
    with pytest.raises(Refused, match="larger"):
        connector.send(outgoing(media=(picture(),)))
    with pytest.raises(Refused, match="no other files"):
        connector.send(
            outgoing(media=(dataclasses.replace(picture(), kind="video", content_type="video/mp4"),))
        )
    with pytest.raises(Refused, match="not a public post"):
        connector.send(outgoing(parent_id="17"))


def test_the_servers_own_refusal_is_told(connector: BlueskyConnector, outgoing: Make) -> None:
    with pytest.raises(Refused, match="lang"):
        connector.send(outgoing(lang="not a language"))


def test_deleted_blocked_and_closed_posts_cannot_be_answered(
    place: BlueskyPlace, connector: BlueskyConnector, outgoing: Make
) -> None:
    gone = place.customer_says("never mind")
    place.customer_deletes(gone)
    with pytest.raises(Refused, match="does not exist"):
        connector.send(outgoing(parent_id=gone))
    shut = place.person("greta", "Greta Lund")
    uri = shut.post("no answers, please")
    shut.put(
        "app.bsky.feed.threadgate",
        split_uri(uri)[2],
        {"$type": "app.bsky.feed.threadgate", "post": uri, "allow": [], "createdAt": "2026-01-01T00:00:00Z"},
    )
    place.settle()
    with pytest.raises(Refused, match="switched off"):
        connector.send(outgoing(parent_id=uri))
    shut.create("app.bsky.graph.block", {"subject": place.ours.did, "createdAt": "2026-01-01T00:00:00Z"})
    place.settle()
    with pytest.raises(Refused, match="blocked"):
        connector.send(outgoing(parent_id=uri))


def test_a_thread_of_ours_can_go_on_before_the_appview_knows_it(
    place: BlueskyPlace, connector: BlueskyConnector, outgoing: Make
) -> None:
    uri: str | None = None
    first = ""
    for _number in range(4):
        uri = connector.send(outgoing(parent_id=uri)).external_id
        first = first or uri
    assert len(place.customer_reads(first)) == 3


def test_a_repeated_send_posts_once(place: BlueskyPlace, connector: BlueskyConnector, outgoing: Make) -> None:
    message = outgoing(parent_id=place.customer_says("once, please"))
    assert connector.find_sent(message) is None
    first, second = connector.send(message), connector.send(message)
    assert first == second == connector.find_sent(message)
    assert place.customer_reads(message.parent_id or "") == [message.text]


def test_when_the_answer_is_lost_the_post_is_found(
    place: BlueskyPlace, connector: BlueskyConnector, outgoing: Make
) -> None:
    asked = place.customer_says("anybody there?")
    message = outgoing(parent_id=asked)
    with place.break_after_posting(), pytest.raises(TryAgain) as caught:
        connector.send(message)
    assert caught.value.doubt
    found = connector.find_sent(message)
    assert found is not None
    assert connector.send(message) == found
    assert place.customer_reads(asked) == [message.text]


def test_two_posts_whose_keys_meet_are_two_posts(
    connector: BlueskyConnector, outgoing: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = datetime.now(UTC)

    def meeting(key: str, when: datetime) -> str:
        return derived_tid(key.partition("/")[2], when)

    monkeypatch.setattr(posting, "derived_tid", meeting)
    one, other = outgoing(created_at=at), outgoing(created_at=at)
    first, second = connector.send(one), connector.send(other)
    assert first.external_id != second.external_id
    assert connector.find_sent(one) == first
    assert connector.find_sent(other) == second


def test_an_outage_is_worth_another_try_and_nothing_was_done(
    place: BlueskyPlace, connector: BlueskyConnector, outgoing: Make
) -> None:
    message = outgoing(parent_id=place.customer_says("still there?"))
    with place.outage(), pytest.raises(TryAgain) as caught:
        connector.send(message)
    assert not caught.value.doubt
    assert connector.find_sent(message) is None
    connector.send(message)
    assert place.customer_reads(message.parent_id or "") == [message.text]


def test_a_post_is_deleted_and_deleting_again_does_no_harm(
    place: BlueskyPlace, connector: BlueskyConnector, outgoing: Make
) -> None:
    asked = place.customer_says("well?")
    sent = connector.send(outgoing(parent_id=asked))
    connector.delete(sent.external_id)
    connector.delete(sent.external_id)
    assert place.customer_reads(asked) == []
    with pytest.raises(Refused, match="another account"):
        connector.delete(asked)
    with pytest.raises(Refused, match="Only public"):
        connector.delete("convo/message")


def test_a_correction_is_posted_anew_while_nobody_has_reacted(
    place: BlueskyPlace, connector: BlueskyConnector, outgoing: Make
) -> None:
    asked = place.customer_says("when does it open?")
    sent = connector.send(outgoing(parent_id=asked, text="At nein.", media=(picture(),)))
    place.settle()
    corrected = connector.edit(sent.external_id, "At nine.")
    assert corrected.external_id != sent.external_id
    assert connector.edit(sent.external_id, "At nine.").external_id == corrected.external_id
    assert place.customer_reads(asked) == ["At nine."]
    assert place.customer_sees_images(asked) == ["A map of the works"]
    place.customer_says("thanks", to=corrected.external_id)
    with pytest.raises(Refused, match="answered"):
        connector.edit(corrected.external_id, "At ten.")
    assert text_of(place, corrected.external_id) == "At nine."


def test_a_correction_that_broke_in_the_middle_is_finished(
    place: BlueskyPlace, connector: BlueskyConnector, outgoing: Make
) -> None:
    asked = place.customer_says("how much is it?")
    sent = connector.send(outgoing(parent_id=asked, text="5 Euro"))
    place.settle()
    with place.break_after_posting(), pytest.raises(TryAgain):
        connector.edit(sent.external_id, "6 Euro")
    connector.edit(sent.external_id, "6 Euro")
    assert place.customer_reads(asked) == ["6 Euro"]


def test_direct_messages_are_found_when_the_answer_was_lost(
    place: BlueskyPlace, connector: BlueskyConnector, outgoing: Make
) -> None:
    asked = place.customer_says("my number is 4711", private=True)
    convo = asked.partition("/")[0]
    message = outgoing(visibility="private", parent_id=asked, thread_key=convo)
    assert connector.find_sent(message) is None
    with place.break_after_posting(), pytest.raises(TryAgain) as caught:
        connector.send(message)
    assert caught.value.doubt
    found = connector.find_sent(message)
    assert found is not None
    assert found.thread_key == convo
    assert place.customer_reads(asked, private=True).count(message.text) == 1


def test_a_public_question_is_answered_in_private(
    place: BlueskyPlace, connector: BlueskyConnector, outgoing: Make
) -> None:
    asked = place.customer_says("here is my address:")
    message = outgoing(
        visibility="private", parent_id=asked, parent_visibility="public", recipient_id=place.customer.did
    )
    sent = connector.send(message)
    assert sent.thread_key is not None
    assert message.text in place.customer_reads(sent.external_id, private=True)


@pytest.mark.parametrize(
    ("allows", "words"), [("none", "does not take"), ("following", "only from accounts they follow")]
)
def test_who_takes_no_direct_messages_is_told_in_words(
    place: BlueskyPlace, connector: BlueskyConnector, outgoing: Make, allows: str, words: str
) -> None:
    shy = f"did:plc:{allows}"
    with place.chat.lock:
        place.chat.profiles[shy] = {"did": shy, "handle": f"{allows}.test"}
        place.chat.allows[shy] = allows
    with pytest.raises(Refused, match=words):
        connector.send(outgoing(visibility="private", recipient_id=shy))


def test_direct_messages_have_their_own_limits(
    connector: BlueskyConnector, outgoing: Make, place: BlueskyPlace
) -> None:
    private = {"visibility": "private", "recipient_id": place.customer.did}
    with pytest.raises(Refused, match="1001"):
        connector.send(outgoing(text="x" * 1001, **private))
    with pytest.raises(Refused, match="no files"):
        connector.send(outgoing(media=(picture(),), **private))
    with pytest.raises(Refused, match="somebody"):
        connector.send(outgoing(visibility="private"))
    with pytest.raises(Refused, match="does not exist"):
        connector.send(outgoing(visibility="private", recipient_id="did:plc:nobodyhere"))
