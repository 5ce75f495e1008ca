"""The connector against servers that behave as Mastodon, GoToSocial and Takahē, over real HTTP."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from rapport.networks.base import (
    Account,
    Event,
    Liked,
    MessageDeleted,
    MessageSeen,
    OutgoingMedia,
    OutgoingMessage,
    Reposted,
)
from rapport.networks.errors import CredentialsGone, Refused, TryAgain
from rapport.networks.mastodon.connector import CONNECTOR, MastodonConnector
from rapport.networks.mastodon.tests.place import PNG, GoToSocialPlace, MastodonPlace, TakahePlace

EVERY = [MastodonPlace, GoToSocialPlace, TakahePlace]


@pytest.fixture(params=EVERY, ids=[one.flavour.name for one in EVERY])
def place(request: pytest.FixtureRequest) -> Iterator[MastodonPlace]:
    with request.param() as found:
        yield found


@pytest.fixture
def mastodon() -> Iterator[MastodonPlace]:
    with MastodonPlace() as found:
        yield found


@pytest.fixture
def takahe() -> Iterator[MastodonPlace]:
    with TakahePlace() as found:
        yield found


def connected(place: MastodonPlace, **settings: Any) -> MastodonConnector:
    """A channel as the connecting page makes it: checked, with what was learned kept."""
    values = place.values() | settings
    account = Account(external_id="", handle="", credentials={"token": values.pop("token")}, settings=values)
    profile = CONNECTOR(account).check()
    return CONNECTOR(
        dataclasses.replace(
            account,
            external_id=profile.external_id,
            handle=profile.handle,
            settings={**values, **profile.settings},
        )
    )


def outgoing(text: str, **fields: Any) -> OutgoingMessage:
    base: dict[str, Any] = {
        "idempotency_key": "0b6f0f6e-6a8e-4f0e-9d53-0c7b8a5a3f11",
        "text": text,
        "visibility": "public",
        "created_at": datetime.now(UTC),
    }
    return OutgoingMessage(**base | fields)


class Listening:
    """Polls a channel on, as the listener does, and reads what came."""

    def __init__(self, connector: MastodonConnector) -> None:
        self.connector = connector
        self.cursor: dict[str, Any] = {}
        self.keys: list[str] = []

    def hear(self) -> list[Event]:
        events: list[Event] = []
        while True:
            polled = self.connector.poll(self.cursor)
            self.cursor = polled.cursor
            for item in polled.items:
                self.keys.append(item.dedupe_key())
                events += self.connector.parse(item.kind, item.payload)
            if not polled.more:
                return events

    def later(self, *, seconds: float) -> Listening:
        """As if the last poll had been so long ago."""
        earlier = timedelta(seconds=seconds)

        def moved(value: Any) -> Any:
            return (datetime.fromisoformat(value) - earlier).isoformat()

        for state in self.cursor["lists"].values():
            state["due"] = moved(state["due"])
        for thread in self.cursor["threads"]:
            thread["looked_at"], thread["active_at"] = moved(thread["looked_at"]), moved(thread["active_at"])
        return self

    def messages(self) -> list[MessageSeen]:
        return [event for event in self.hear() if isinstance(event, MessageSeen)]


# Connecting ---------------------------------------------------------------------------------------
def test_it_says_whose_the_token_is_and_what_the_server_allows(place: MastodonPlace) -> None:
    connector = connected(place)
    assert connector.account.external_id == place.care.id
    assert connector.account.handle == "care@social.example"
    assert connector.account.settings["software"] == place.flavour.name
    assert connector.rules.max_length == place.flavour.max_characters
    assert connector.rules.media is not None
    assert set(connector.rules.media.max_bytes) == {"image"}
    assert connector.rules.stream is (place.flavour.name != "takahe")


def test_it_counts_as_the_server_does(place: MastodonPlace) -> None:
    text = "@marko@fedi.example look at https://example.com/" + "x" * 40
    counted = {"mastodon": 6 + 9 + 23}.get(place.flavour.name, len(text))
    assert connected(place).length(text) == counted


def test_a_login_at_the_server_gives_a_token(place: MastodonPlace) -> None:
    back = "https://desk.example/networks/callback"
    values = {"server": place.double.url, "token": "", "hashtags": ["alvaraair"], "timeline": ""}
    begun = CONNECTOR.begin(values, redirect_uri=back, state="s-17")
    asked = parse_qs(urlsplit(begun.url).query)
    assert ("code_challenge" in asked) == place.flavour.pkce
    answer = httpx.get(begun.url, trust_env=False)
    query = {name: one[0] for name, one in parse_qs(urlsplit(answer.headers["Location"]).query).items()}
    assert query["state"] == "s-17"
    (granted,) = CONNECTOR.finish(values, keep=begun.keep, query=query, redirect_uri=back)
    assert granted.label == "@care@social.example"
    assert granted.settings["hashtags"] == ["alvaraair"]
    connector = CONNECTOR(
        Account(
            external_id=place.care.id,
            handle="care",
            credentials=granted.credentials,
            settings=granted.settings,
        )
    )
    asked_for = place.customer_says("Hello?")
    connector.send(outgoing("Hello", parent_id=asked_for))
    assert place.customer_reads(asked_for) == ["Hello"]
    connector.write_profile({"bio": "We answer from 8 to 20."})
    assert connector.profile().bio == "We answer from 8 to 20."
    with pytest.raises(Refused):  # a code is good once
        CONNECTOR.finish(values, keep=begun.keep, query=query, redirect_uri=back)


def test_a_login_that_was_not_allowed_is_refused(mastodon: MastodonPlace) -> None:
    values = {"server": mastodon.double.url}
    begun = CONNECTOR.begin(values, redirect_uri="https://d.example/", state="1")
    with pytest.raises(Refused, match="did not allow"):
        CONNECTOR.finish(
            values, keep=begun.keep, query={"error": "access_denied"}, redirect_uri="https://d.example/"
        )


def test_what_is_no_server_is_refused_in_words() -> None:
    for typed in ("", "not a server", "https://", "a b.example"):
        with pytest.raises(Refused):
            CONNECTOR.begin({"server": typed}, redirect_uri="https://d.example/", state="1")


def test_it_reads_and_writes_the_profile(place: MastodonPlace) -> None:
    connector = connected(place)
    place.care.fields = [{"name": "Hours", "value": "8 to 20"}]
    connector.write_profile({"name": "Alvara Care", "bio": "Here to help", "link": "https://alvara.example/"})
    profile = connector.profile()
    assert (profile.name, profile.bio, profile.link) == (
        "Alvara Care",
        "Here to help",
        "https://alvara.example/",
    )
    assert [one["name"] for one in place.care.fields] == ["Hours", "Website"]
    connector.write_profile({"link": "https://help.alvara.example/"})
    assert [one["value"] for one in place.care.fields] == ["8 to 20", "https://help.alvara.example/"]


# Hearing ------------------------------------------------------------------------------------------
def test_it_hears_what_is_said_to_us(place: MastodonPlace) -> None:
    listening = Listening(connected(place))
    assert listening.hear() == []
    public = place.customer_says("Where is my bag?", image=True)
    private = place.customer_says("My booking is K7Q2", private=True)
    first, second = listening.messages()
    assert (first.external_id, first.visibility, first.text) == (public, "public", "@care Where is my bag?")
    assert [one.alt for one in first.media] == ["A broken box"]
    assert (first.author.external_id, first.author.handle) == (place.customer.id, "ivana.k@fedi.example")
    assert (second.external_id, second.visibility) == (private, "private")
    assert listening.later(seconds=600).hear() == []


def test_what_was_before_the_first_poll_is_for_history(place: MastodonPlace) -> None:
    with place.world.lock:
        old = place.customer_says("Long ago")
        place.world.older_than(place.world.posts[old], timedelta(days=3))
        place.world.notifications[-1]["at"] -= timedelta(days=3)
    listening = Listening(connected(place))
    assert listening.hear() == []
    place.customer_says("Now")
    assert [one.text for one in listening.messages()] == ["@care Now"]


def test_it_catches_up_page_by_page(place: MastodonPlace) -> None:
    listening = Listening(connected(place))
    place.customer_says("first")
    listening.hear()
    said = [place.customer_says(f"n{number}") for number in range(430)]
    heard = [one.external_id for one in listening.later(seconds=60).messages()]
    assert sorted(heard) == sorted(set(heard))
    assert set(heard) == set(said)


def test_a_burst_before_anything_was_ever_seen_is_heard(place: MastodonPlace) -> None:
    listening = Listening(connected(place))
    listening.hear()
    said = [place.customer_says(f"n{number}") for number in range(90)]
    assert [one.external_id for one in listening.messages()] == said


def test_likes_and_boosts_are_signals(place: MastodonPlace) -> None:
    listening = Listening(connected(place))
    ours = listening.connector.send(outgoing("We are open on Sunday"))
    with place.world.lock:
        post = place.world.posts[ours.external_id]
        for kind in ("favourite", "reblog", "follow_request", "follow", "admin.sign_up", "of.the.future"):
            place.world.notify(
                place.care, kind, place.customer, post if kind in {"favourite", "reblog"} else None
            )
    events = [one for one in listening.hear() if not isinstance(one, MessageSeen)]
    assert [(type(one), one.original_id) for one in events if isinstance(one, Liked | Reposted)] == [
        (Liked, ours.external_id),
        (Reposted, ours.external_id),
    ]
    assert len(events) == 2


def test_our_own_posts_come_back_as_ours(place: MastodonPlace) -> None:
    listening = Listening(connected(place))
    with place.world.lock:
        place.world.publish(place.care, {"status": "Written on the phone"})
    (own,) = listening.messages()
    assert own.author.external_id == listening.connector.account.external_id


def test_a_reply_without_a_notification_is_found_in_the_thread(place: MastodonPlace) -> None:
    listening = Listening(connected(place))
    asked = place.customer_says("Is it open?")
    listening.hear()
    answer = listening.connector.send(outgoing("Yes", parent_id=asked))
    with place.world.lock:
        place.world.silent = True
    missed = place.customer_says("And on Monday?", to=answer.external_id)
    with place.world.lock:
        stranger = place.world.join("nosy", domain="other.example")
        aside = place.world.publish(
            stranger, {"status": "I wonder too, @ivana.k@fedi.example", "in_reply_to_id": missed}
        )
    listening.later(seconds=60).hear()
    found = {one.external_id: one for one in listening.later(seconds=60).messages()}
    heard = found | {one.external_id: one for one in listening.later(seconds=60).messages()}
    assert f"post:{missed}" in listening.keys
    assert f"context:{aside.id}" in listening.keys
    assert all(one.context == (one.external_id == aside.id) for one in heard.values())
    assert listening.later(seconds=600).hear() == []
    assert len(listening.keys) == len(set(listening.keys))


def test_edits_and_deletions_of_customers_are_noticed(place: MastodonPlace) -> None:
    listening = Listening(connected(place))
    first, second = place.customer_says("Flight AL1"), place.customer_says("Another thing")
    listening.hear()
    place.customer_edits(first, "Flight AL2")
    (edited,) = listening.later(seconds=60).messages()
    assert (edited.external_id, edited.text) == (first, "@care Flight AL2")
    assert edited.edited_at is not None
    place.customer_deletes(second)
    (gone,) = listening.later(seconds=60).hear()
    assert isinstance(gone, MessageDeleted)
    assert gone.external_id == second
    assert listening.later(seconds=60).hear() == []


def test_a_deletion_is_noticed_under_our_answer(place: MastodonPlace) -> None:
    listening = Listening(connected(place))
    asked = place.customer_says("Sensitive, please answer")
    listening.hear()
    listening.connector.send(outgoing("Done", parent_id=asked))
    listening.later(seconds=60).hear()
    place.customer_deletes(asked)
    gone = [one for one in listening.later(seconds=60).hear() if isinstance(one, MessageDeleted)]
    assert [one.external_id for one in gone] == [asked]


def test_hashtags_and_the_timeline_are_listened_to(place: MastodonPlace) -> None:
    listening = Listening(connected(place, hashtags=["#AlvaraAir"], timeline="local"))
    listening.hear()
    with place.world.lock:
        local = place.world.join("marko")
        tagged = place.world.publish(place.customer, {"status": "Nice crew #alvaraair"})
        here = place.world.publish(local, {"status": "Lovely weather"})
        place.world.publish(place.customer, {"status": "Not for us"})
    heard = listening.later(seconds=60).messages()
    assert {one.external_id for one in heard} == {tagged.id, here.id}
    assert not any(one.context for one in heard)


def test_what_the_accounts_own_policy_keeps_aside_is_heard(mastodon: MastodonPlace) -> None:
    listening = Listening(connected(mastodon))
    listening.hear()
    mastodon.world.filtering = True
    sent = mastodon.customer_says("I am new here")
    assert [one.external_id for one in listening.messages()] == [sent]


def test_direct_messages_without_a_notification_come_by_conversation(mastodon: MastodonPlace) -> None:
    listening = Listening(connected(mastodon))
    listening.hear()
    mastodon.world.silent = True  # filtered away by the account's own policy
    sent = mastodon.customer_says("It is private", private=True)
    assert [one.external_id for one in listening.later(seconds=60).messages()] == [sent]


def test_a_list_that_fails_does_not_keep_the_others_from_being_read(place: MastodonPlace) -> None:
    place.double.failing = {"/api/v1/conversations", "/api/v1/timelines/tag/alvara"}
    listening = Listening(connected(place, hashtags=["alvara"]))
    listening.hear()
    place.customer_says("Hello")
    assert len(listening.later(seconds=60).messages()) == 1


def test_history_goes_back_to_a_day(place: MastodonPlace) -> None:
    connector = connected(place)
    for number in range(50):
        place.customer_says(f"n{number}")
    too_old = place.customer_says("too old")
    with place.world.lock:
        place.world.notifications[-1]["at"] -= timedelta(days=9)
        place.world.notifications.insert(0, place.world.notifications.pop())
        place.world.notifications[0]["id"] = "1" if not place.flavour.ulids else "0" * 26
    connector.send(outgoing("Ours"))
    cursor: dict[str, Any] = {}
    texts: list[str] = []
    for _page in range(20):
        polled = connector.history(cursor, since=datetime.now(UTC) - timedelta(days=5))
        cursor = polled.cursor
        events = [event for item in polled.items for event in connector.parse(item.kind, item.payload)]
        texts += [event.text for event in events if isinstance(event, MessageSeen)]
        if not polled.more:
            break
    assert texts[:2] == ["@care n49", "@care n48"]
    assert len(texts) == 51
    assert texts[-1] == "Ours"
    assert too_old not in texts


# Speaking -----------------------------------------------------------------------------------------
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


# Bad days -----------------------------------------------------------------------------------------
def test_an_outage_is_waited_out(place: MastodonPlace) -> None:
    listening = Listening(connected(place))
    place.customer_says("before")
    listening.hear()
    with place.outage():
        place.customer_says("meanwhile")
        with pytest.raises(TryAgain) as caught:
            listening.hear()
        assert not caught.value.doubt
        with pytest.raises(TryAgain) as caught:
            listening.connector.send(outgoing("Hello"))
        assert not caught.value.doubt
    assert [one.text for one in listening.later(seconds=60).messages()] == ["@care meanwhile"]


def test_a_revoked_token_is_told_from_everything_else(place: MastodonPlace) -> None:
    connector = connected(place)
    place.revoke()
    calls: list[Any] = [
        connector.check,
        lambda: connector.poll({}),
        lambda: connector.send(outgoing("x")),
        lambda: connector.find_sent(outgoing("x")),
        lambda: connector.delete("1"),
    ]
    for call in calls:
        with pytest.raises(CredentialsGone) as caught:
            call()
        assert str(connector.account.credentials["token"]) not in str(caught.value)
    place.renew()
    assert connected(place).poll({}).items == []


def test_missing_rights_ask_for_a_new_login(place: MastodonPlace) -> None:
    place._token = place.double.token_for(place.care, "read")
    with pytest.raises(CredentialsGone):
        connected(place).send(outgoing("x"))


def test_the_rate_limit_is_watched_and_waited_for(mastodon: MastodonPlace) -> None:
    connector = connected(mastodon)
    mastodon.double.remaining = 3
    connector.profile()
    assert {one.budget for one in connector.seen_limits} == {"read"}
    with pytest.raises(TryAgain) as caught:
        connector.send(outgoing("x"))
    assert not caught.value.doubt
    assert caught.value.after is not None
    assert timedelta(minutes=4) < caught.value.after <= timedelta(minutes=5, seconds=2)
    mastodon.double.remaining = 300
    connector.poll({})
    (newest, *_others) = reversed(connector.seen_limits)
    assert newest.remaining < 300


def test_threads_are_left_alone_when_the_budget_is_low(mastodon: MastodonPlace) -> None:
    listening = Listening(connected(mastodon))
    mastodon.customer_says("Hello")
    listening.hear()
    mastodon.double.remaining = 50
    mastodon.double.limit = 300
    mastodon.double.requests.clear()
    listening.later(seconds=60).hear()
    assert not [one.path for one in mastodon.double.requests if one.path.endswith("/context")]


def test_without_an_address_or_a_token_nothing_is_called() -> None:
    for credentials, settings in (({}, {"server": "a.example"}), ({"token": "x"}, {})):
        bare = CONNECTOR(Account(external_id="1", handle="", credentials=credentials, settings=settings))
        with pytest.raises((CredentialsGone, Refused)):
            bare.poll({})
