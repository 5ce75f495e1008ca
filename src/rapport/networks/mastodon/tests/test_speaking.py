"""What we say reaches the customer, once, and only whom it is for."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from rapport.networks.base import (
    OutgoingMedia,
)
from rapport.networks.errors import Refused, TryAgain
from rapport.networks.mastodon.connector import CONNECTOR
from rapport.networks.mastodon.tests.desk import connected, outgoing
from rapport.networks.mastodon.tests.place import PNG, MastodonPlace, TakahePlace


def test_a_reply_names_the_customer_once(place: MastodonPlace) -> None:
    connector = connected(place)
    asked = place.customer_says("Where is it?")
    sent = connector.send(outgoing("On its way", parent_id=asked))
    post = place.world.posts[sent.external_id]
    assert (post.text, post.answers) == ("@ivana.k@fedi.example On its way", asked)
    again = connector.send(
        outgoing("Hi @Ivana.K@fedi.example, sorry", parent_id=asked, idempotency_key="another")
    )
    assert place.world.posts[again.external_id].text == "Hi @Ivana.K@fedi.example, sorry"
    assert place.customer_reads(asked) == ["On its way", "Hi @Ivana.K@fedi.example, sorry"]


def test_a_reply_is_as_public_as_what_it_answers(place: MastodonPlace) -> None:
    connector = connected(place)
    with place.world.lock:
        quiet = place.world.publish(place.customer, {"status": "@care psst", "visibility": "unlisted"})
        among = place.world.publish(place.customer, {"status": "@care friends", "visibility": "private"})
    direct = place.customer_says("for you", private=True)
    sent = connector.send(outgoing("ok", parent_id=quiet.id))
    assert place.world.posts[sent.external_id].visibility == "unlisted"
    for private in (among.id, direct):
        with pytest.raises(Refused, match="private"):
            connector.send(outgoing("told to all", parent_id=private))
        sent = connector.send(
            outgoing(
                "just us",
                visibility="private",
                parent_id=private,
                recipient_id=place.customer.id,
                idempotency_key=private,
            )
        )
        assert place.world.posts[sent.external_id].visibility == "direct"
        assert place.world.posts[sent.external_id].mentions == [place.customer]
    assert not [one for one in place.world.posts.values() if "told" in one.text]


def test_a_private_message_reaches_one_person(place: MastodonPlace) -> None:
    connector = connected(place)
    asked = place.customer_says("in public")
    connector.send(
        outgoing("Your code is 12", visibility="private", parent_id=asked, recipient_id=place.customer.id)
    )
    connector.send(
        outgoing("And 13", visibility="private", recipient_id=place.customer.id, idempotency_key="second")
    )
    assert place.customer_reads(asked, private=True) == ["Your code is 12", "And 13"]
    with pytest.raises(Refused, match="somebody"):
        connector.send(outgoing("Nobody", visibility="private"))
    with pytest.raises(Refused, match="gone"):
        connector.send(outgoing("Gone", visibility="private", recipient_id="404"))


def test_pictures_go_along_with_their_words(place: MastodonPlace) -> None:
    connector = connected(place)
    asked = place.customer_says("What does it look like?")
    picture = OutgoingMedia(
        name="seat.png", content_type="image/png", kind="image", content=PNG, alt="A blue seat"
    )
    connector.send(outgoing("Like this", parent_id=asked, media=(picture,)))
    assert place.customer_sees_images(asked) == ["A blue seat"]
    with pytest.raises(Refused, match="content type"):
        connector.send(
            outgoing("No", parent_id=asked, media=(dataclasses.replace(picture, content=b"words"),))
        )


def test_a_file_that_is_never_ready_posts_nothing(
    mastodon: MastodonPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    mastodon.double.never_ready = True
    monkeypatch.setattr("rapport.networks.mastodon.send.PREPARING_S", 0.5)
    picture = OutgoingMedia(name="a.png", content_type="image/png", kind="image", content=PNG)
    with pytest.raises(TryAgain) as caught:
        connected(mastodon).send(outgoing("x", media=(picture,)))
    assert not caught.value.doubt
    assert not mastodon.world.posts


def test_what_is_too_long_with_the_handle_is_refused(place: MastodonPlace) -> None:
    connector = connected(place)
    asked = place.customer_says("Tell me all")
    longest = place.flavour.max_characters
    handle = "@ivana.k " if place.flavour.counts_links else "@ivana.k@fedi.example "
    with pytest.raises(Refused, match="1 characters too long"):
        connector.send(outgoing("x" * (longest - len(handle) + 1), parent_id=asked))
    connector.send(outgoing("x" * (longest - len(handle)), parent_id=asked))
    unchecked = dataclasses.replace(connector.account, settings={"server": place.double.url})
    with pytest.raises(Refused, match="character limit"):
        CONNECTOR(unchecked).send(outgoing("x" * (longest + 1), idempotency_key="another"))


def test_a_reply_to_what_is_gone_is_refused(place: MastodonPlace) -> None:
    connector = connected(place)
    asked = place.customer_says("Never mind")
    place.customer_deletes(asked)
    with pytest.raises(Refused, match="gone"):
        connector.send(outgoing("Still here?", parent_id=asked))
    assert not place.world.posts


TEXTS = [
    "We are sorry. The new departure is 12:40 ^MK",
    "Two lines\n\nand https://example.com/a/very/long/path/that/is/shortened?x=1&y=2 & <b>more</b>",
    "👍",
    "@ivana.k@fedi.example one of _our_ people: @marko@fedi.example will call",
]


def test_a_slow_server_never_posts_late(place: MastodonPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rapport.networks.mastodon.send.PREPARING_S", 0.0)
    connector = connected(place)
    with pytest.raises(TryAgain, match="too slow") as caught:
        connector.send(outgoing("x"))
    assert not caught.value.doubt
    assert not place.world.posts


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("private", [False, True], ids=["public", "private"])
def test_it_tells_whether_it_was_posted(place: MastodonPlace, text: str, private: bool) -> None:
    connector = connected(place)
    asked = place.customer_says("Hello?", private=private)
    message = outgoing(
        text,
        parent_id=asked,
        visibility="private" if private else "public",
        recipient_id=place.customer.id,
    )
    assert connector.find_sent(message) is None
    with place.break_after_posting(), pytest.raises(TryAgain) as caught:
        connector.send(message)
    assert caught.value.doubt
    found = connector.find_sent(message)
    assert found is not None
    assert place.world.posts[found.external_id].answers == asked
    assert connector.find_sent(dataclasses.replace(message, text=f"{text} too")) is None
    assert connector.find_sent(dataclasses.replace(message, parent_id=None)) is None
    later = datetime.now(UTC) + timedelta(seconds=30)
    assert connector.find_sent(dataclasses.replace(message, created_at=later)) is None


def test_a_private_message_that_answers_nothing_is_found_too(place: MastodonPlace) -> None:
    connector = connected(place)
    message = outgoing("Your bag is here", visibility="private", recipient_id=place.customer.id)
    with place.break_after_posting(), pytest.raises(TryAgain):
        connector.send(message)
    found = connector.find_sent(message)
    assert found is not None
    assert len(place.world.posts) == 1


def test_it_is_found_though_the_server_knows_only_seconds() -> None:
    class Coarse(TakahePlace):
        flavour = dataclasses.replace(TakahePlace.flavour, fractions=False)

    with Coarse() as place:
        connector = connected(place)
        message = outgoing("Soon", parent_id=place.customer_says("When?"))
        with place.break_after_posting(), pytest.raises(TryAgain):
            connector.send(message)
        assert connector.find_sent(message) is not None


def test_a_doubt_that_cannot_be_cleared_stays_one(place: MastodonPlace) -> None:
    connector = connected(place)
    with place.outage(), pytest.raises(TryAgain):
        connector.find_sent(outgoing("Did I say it?"))


def test_the_idempotency_key_is_used_where_it_counts(mastodon: MastodonPlace) -> None:
    connector = connected(mastodon)
    first, second = connector.send(outgoing("Once")), connector.send(outgoing("Once"))
    assert first.external_id == second.external_id
    keys = [one.headers.get("idempotency-key") for one in mastodon.double.requests if one.method == "POST"]
    assert keys == ["0b6f0f6e-6a8e-4f0e-9d53-0c7b8a5a3f11"] * 2


def test_an_edit_changes_the_words_only(place: MastodonPlace) -> None:
    connector = connected(place)
    asked = place.customer_says("When?")
    picture = OutgoingMedia(name="a.png", content_type="image/png", kind="image", content=PNG, alt="Alt")
    sent = connector.send(outgoing("At nine", parent_id=asked, media=(picture,), lang="en"))
    place.world.posts[sent.external_id].warning = "Times"
    for _twice in range(2):
        edited = connector.edit(sent.external_id, "At ten", parent_id=asked)
        assert edited.external_id == sent.external_id
    post = place.world.posts[sent.external_id]
    assert (post.text, post.warning, len(post.media)) == ("@ivana.k@fedi.example At ten", "Times", 1)
    assert place.customer_reads(asked) == ["At ten"]


def test_an_edit_never_makes_private_words_public(place: MastodonPlace) -> None:
    connector = connected(place)
    sent = connector.send(outgoing("Code 12", visibility="private", recipient_id=place.customer.id))
    if place.flavour.edits_publish:
        with pytest.raises(Refused, match="public"):
            connector.edit(sent.external_id, "Code 13")
    else:
        connector.edit(sent.external_id, "Code 13")
        assert place.world.posts[sent.external_id].mentions == [place.customer]
    assert place.world.posts[sent.external_id].visibility == "direct"


def test_a_deletion_can_be_repeated(place: MastodonPlace) -> None:
    connector = connected(place)
    sent = connector.send(outgoing("Oops"))
    connector.delete(sent.external_id)
    connector.delete(sent.external_id)
    assert not place.world.posts


def test_what_is_not_ours_is_no_loss_of_credentials(takahe: MastodonPlace) -> None:
    connector = connected(takahe)
    with pytest.raises(Refused, match="author"):
        connector.delete(takahe.customer_says("Mine"))
