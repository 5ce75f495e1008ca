"""From a customer's words to our answer on their screen, on every network that can be run here.

First-tier networks are their own servers; the others are doubles built from published rules. Nothing is
said to a connector directly: all goes through the channel, the listener, the outbox and the desk's actions.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Literal
from uuid import uuid4

import pytest

from rapport.inbox.models import Case, Message
from rapport.inbox.queries import case_detail
from rapport.lib.errors import Invalid
from rapport.networks.registry import connector_class
from rapport.networks.testing import Place
from rapport.outbox.changes import delete_message, edit_message
from rapport.outbox.checks import NewMedia, connector_of
from rapport.outbox.models import Outgoing
from tests.networks.world import PNG, World


def ways(place: Place) -> list[bool]:
    """How a customer can write and be answered here: publicly (False), privately (True)."""
    return [private for private, possible in ((False, place.public), (True, place.private)) if possible]


@pytest.fixture
def need(place: Place) -> Callable[..., None]:
    """Skips, with the reason, what a place says it cannot show."""

    def needs(*methods: str) -> None:
        for method in methods:
            if method in place.cannot:
                pytest.skip(f"{place.network}: {place.cannot[method]}")

    return needs


def test_a_customer_is_heard_answered_and_reads_the_answer(world: World, need: Callable[..., None]) -> None:
    for private in ways(world.place):
        text = f"My suitcase came home without its wheel {uuid4().hex[:8]}"
        asked = world.place.customer_says(text, private=private)
        case = world.case(asked)
        message = world.message(asked)
        assert text in message.text
        assert message.visibility == ("private" if private else "public")
        # On a network that went through other tests before, the customer may have waited in this case already.
        said = Message.objects.filter(
            thread__case_threads__case=case, context=False, automatic=False, deleted_at=None
        ).order_by("sent_at", "id")
        told = [(m.own, m.sent_at, m.text) for m in said]
        answered = max((at for own, at, _text in told if own), default=told[0][1] - timedelta(seconds=1))
        waits = min(m.sent_at for m in said if m.identity == message.identity and m.sent_at > answered)
        assert (case.status, case.waiting_since) == ("open", waits), told
        if not connector_class(world.place.network).capabilities.send:
            continue
        need("customer_reads")
        answer = f"We are sorry. Please show it at the desk {uuid4().hex[:6]}"
        outgoing = world.answer(case, answer, private=private)
        assert (outgoing.state, outgoing.error) == ("sent", "")
        assert [one for one in world.read(asked, 1, private=private) if answer in one]
        # Our own words come back from the network, and are known.
        for _ in range(3):
            world.listen_once()
        own = Message.objects.filter(channel=world.channel, text__contains=answer)
        assert [(one.own, one.user) for one in own] == [(True, world.agent)]
        case.refresh_from_db()
        assert case.waiting_since is None


def test_the_customers_next_word_stays_in_the_case(world: World, need: Callable[..., None]) -> None:
    need("customer_reads")
    if not connector_class(world.place.network).capabilities.send:
        pytest.skip("nothing can be answered here")
    for private in ways(world.place):
        asked = world.place.customer_says(f"Is there a later flight? {uuid4().hex[:8]}", private=private)
        case = world.case(asked)
        outgoing = world.answer(case, f"There is, at nine {uuid4().hex[:6]}", private=private)
        assert (outgoing.state, outgoing.error) == ("sent", "")
        world.read(asked, 1, private=private)
        world.pass_a_moment()
        again = world.place.customer_says(
            f"And how much is it? {uuid4().hex[:8]}", to=outgoing.message.external_id, private=private
        )
        message = world.message(again)
        assert world.case(again) == case
        case.refresh_from_db()
        assert case.waiting_since == message.sent_at


def test_the_desk_is_told_what_the_customer_has_read(world: World) -> None:
    if "read" not in connector_class(world.place.network).capabilities.receipts:
        pytest.skip(f"{world.place.network} does not tell what was read")
    asked = world.place.customer_says(f"Where is my refund? {uuid4().hex[:8]}", private=True)
    case = world.case(asked)
    answers = [world.answer(case, f"{words} {uuid4().hex[:6]}", private=True) for words in ("One", "Two")]
    assert [one.state for one in answers] == ["sent", "sent"]
    ours = [one.message_id for one in answers]

    def shown() -> dict[int, bool]:
        detail = case_detail(user=world.agent, case_id=case.id)
        return {pk: one.read for pk, one in detail.received.items() if pk in ours}

    world.place.customer_opens(asked)
    world.hear(lambda: shown() == {ours[-1]: True}, "what was read")
    later = world.answer(case, f"Three {uuid4().hex[:6]}", private=True)
    world.listen_once()
    assert later.state == "sent"
    assert shown() == {ours[-1]: True}


def test_pictures_come_with_their_descriptions_and_go_with_ours(
    world: World, need: Callable[..., None]
) -> None:
    private, asked = False, ""
    for private in ways(world.place):
        with suppress(NotImplementedError):
            asked = world.place.customer_says(f"Look at this {uuid4().hex[:8]}", private=private, image=True)
            break
    if not asked:
        pytest.skip(f"{world.place.network}: customers send no pictures here")
    message = world.message(asked)
    assert [one["kind"] for one in message.media] == ["image"]
    assert message.media[0].get("url") or message.media[0].get("file")
    rules = connector_of(world.channel).rules.media_rules("private" if private else "public")
    if rules is None:
        return
    need("customer_sees_images", "customer_reads")
    picture = NewMedia(
        name="desk.png", content=PNG, content_type="image/png", kind="image", alt="The desk, behind gate 7"
    )
    outgoing = world.answer(world.case(asked), "Here it is", private=private, files=[picture])
    assert (outgoing.state, outgoing.error) == ("sent", "")
    world.read(asked, 1, private=private)
    assert len(world.place.customer_sees_images(asked)) == 1
    if rules.alt_text:
        assert world.place.customer_sees_images(asked) == ["The desk, behind gate 7"]


def test_a_text_at_the_limit_arrives_and_one_more_never_leaves(
    world: World, need: Callable[..., None]
) -> None:
    need("customer_reads")
    connector = connector_of(world.channel)
    if not connector.capabilities.send:
        pytest.skip("nothing can be answered here")
    for private in ways(world.place):
        way: Literal["public", "private"] = "private" if private else "public"
        asked = world.place.customer_says(f"Tell me everything {uuid4().hex[:8]}", private=private)
        case, message = world.case(asked), world.message(asked)
        frame = f"{uuid4().hex[:8]} {{}} ^MK"
        goes_along = connector.written(frame.format(""), way, to=message.identity.handle)
        room = connector.rules.limit(way) - connector.length(goes_along, way)
        full = frame.format(" ".join(["bag"] * (room // 4)).ljust(room, "!"))
        with pytest.raises(Invalid, match="Too long by 1,"):
            world.answer(case, full.replace(" ^MK", "! ^MK"), private=private)
        assert not Outgoing.objects.filter(case=case).exists()
        outgoing = world.answer(case, full, private=private)
        assert (outgoing.state, outgoing.error) == ("sent", "")
        read = " ".join(" ".join(world.read(asked, 1, private=private)).split())
        assert " ".join(full.split()) in read


def test_what_a_customer_deletes_is_shown_as_deleted(world: World, need: Callable[..., None]) -> None:
    need("customer_deletes")
    asked = world.place.customer_says(f"I take it back {uuid4().hex[:8]}", private=ways(world.place)[0])
    message, case = world.message(asked), world.case(asked)
    world.place.customer_deletes(asked)

    def gone() -> bool:
        message.refresh_from_db()
        return message.deleted_at is not None

    world.hear(gone, "the deletion")
    case.refresh_from_db()
    assert case.waiting_since is None


def test_an_edit_keeps_the_old_words(world: World, need: Callable[..., None]) -> None:
    need("customer_edits")
    asked = world.place.customer_says(f"Fliht 214 {uuid4().hex[:8]}", private=ways(world.place)[0])
    message = world.message(asked)
    old = message.text
    words = f"Flight 214 {uuid4().hex[:8]}"
    world.place.customer_edits(asked, words)

    def changed() -> bool:
        message.refresh_from_db()
        return words in message.text

    world.hear(changed, "the edit")
    assert message.edited_at is not None
    assert Message.objects.filter(channel=world.channel, external_id=asked).count() == 1
    assert old not in message.text


def test_an_outage_in_mid_flow_loses_and_doubles_nothing(world: World, need: Callable[..., None]) -> None:
    need("outage")
    private = ways(world.place)[0]
    asked = world.place.customer_says(f"Before the storm {uuid4().hex[:8]}", private=private)
    case = world.case(asked)
    can_send = connector_class(world.place.network).capabilities.send
    outgoing: Outgoing | None = None
    with world.place.outage():
        world.listen_once()
        world.listen_once()
        assert world.channel.failures >= 1
        assert world.channel.last_error
        if can_send:
            outgoing = world.answer(case, "We are here", private=private, tries=1)
            assert outgoing.state == "queued"
            assert outgoing.error
    later = world.place.customer_says(f"After the storm {uuid4().hex[:8]}", private=private)
    world.message(later)
    assert world.channel.failures == 0
    assert Message.objects.filter(channel=world.channel, external_id=asked).count() == 1
    if outgoing is not None and "customer_reads" not in world.place.cannot:
        world.send(outgoing)
        assert (outgoing.state, outgoing.error) == ("sent", "")
        read = world.read(asked, 1, private=private)
        assert len([one for one in read if "We are here" in one]) == 1


def test_a_post_whose_answer_is_lost_is_posted_once(world: World, need: Callable[..., None]) -> None:
    need("break_after_posting", "customer_reads")
    for private in ways(world.place):
        asked = world.place.customer_says(f"Hello? {uuid4().hex[:8]}", private=private)
        case = world.case(asked)
        words = f"Once and only once {uuid4().hex[:6]}"
        with world.place.break_after_posting():
            outgoing = world.answer(case, words, private=private, tries=1)
        assert outgoing.state == "queued", outgoing.error
        assert outgoing.doubtful
        world.send(outgoing)
        assert (outgoing.state, outgoing.error) == ("sent", "")
        for _ in range(2):
            world.listen_once()
        read = [one for one in world.read(asked, 1, private=private) if words in one]
        assert len(read) == 1
        assert Message.objects.filter(channel=world.channel, text__contains=words).count() == 1


def test_revoked_credentials_are_noticed_and_new_ones_lose_nothing(
    world: World, need: Callable[..., None]
) -> None:
    need("revoke", "renew")
    private = ways(world.place)[0]
    known = world.place.customer_says(f"First {uuid4().hex[:8]}", private=private)
    case = world.case(known)
    world.place.revoke()
    missed = world.place.customer_says(f"While you were away {uuid4().hex[:8]}", private=private)
    world.hear(lambda: world.channel.state == "disconnected", "that the credentials are gone")
    assert world.channel.last_error
    world.place.renew()
    world.reconnect()
    assert world.channel.state == "active"
    world.message(missed)
    assert Case.objects.filter(id=case.id).exists()
    if connector_class(world.place.network).capabilities.send and "customer_reads" not in world.place.cannot:
        outgoing = world.answer(case, "Back again", private=private)
        assert (outgoing.state, outgoing.error) == ("sent", "")


def test_our_words_can_be_changed_and_taken_back(world: World, need: Callable[..., None]) -> None:
    need("customer_reads")
    can = connector_of(world.channel).rules
    if not (can.edit or can.delete):
        pytest.skip(f"{world.place.network}: what is said is said")
    private = ways(world.place)[0]
    asked = world.place.customer_says(f"Which gate? {uuid4().hex[:8]}", private=private)
    case = world.case(asked)
    outgoing = world.answer(case, "Gate 7", private=private)
    assert (outgoing.state, outgoing.error) == ("sent", "")
    assert outgoing.message is not None
    message_id = outgoing.message.id
    if can.edit:
        changed = edit_message(
            actor=world.agent, case_id=case.id, message_id=message_id, text="Gate 8 ^MK", form_key=uuid4()
        )
        world.send(changed)
        assert (changed.state, changed.error) == ("sent", "")
        assert [one for one in world.read(asked, 1, private=private) if "Gate 8" in one]
        # Where an edit is another post, that one takes the place of the first.
        message_id = Message.objects.get(
            channel=world.channel, own=True, deleted_at=None, text__contains="Gate 8"
        ).id
    if can.delete:
        dropped = delete_message(actor=world.agent, case_id=case.id, message_id=message_id, form_key=uuid4())
        world.send(dropped)
        assert (dropped.state, dropped.error) == ("sent", "")
        assert not [one for one in world.place.customer_reads(asked, private=private) if "Gate" in one]
        case.refresh_from_db()
        assert case.waiting_since is not None
