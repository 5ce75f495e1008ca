"""A public answer may leave from another channel of the brand, and stays in the case."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import transaction
from django.utils import timezone

from rapport.brands.models import ChannelState
from rapport.inbox.models import Case, Message
from rapport.inbox.tests.making import make_brand, make_channel, make_user, say
from rapport.ingest.record import lock_channel, record_events
from rapport.lib.errors import Invalid
from rapport.networks.base import Author, Elsewhere, MessageSeen
from rapport.outbox.changes import edit_message
from rapport.outbox.tests.strict import StrictConnector
from rapport.outbox.tests.world import World, time_passes
from rapport.outbox.voices import voices
from rapport.staff.models import Team

pytestmark = pytest.mark.django_db


def test_it_leaves_as_the_other_channel_and_answers_the_case(world: World) -> None:
    support = make_channel(world.brand, "strict")
    outgoing = world.reply(channel_id=support.id)
    time_passes()
    outgoing = world.deliver(outgoing)
    assert (outgoing.state, outgoing.channel) == ("sent", support)
    message = Message.objects.get(own=True)
    # It lies where the customer wrote, by the account that wrote it.
    assert (message.channel, message.thread) == (world.channel, world.asked.thread)
    assert message.identity.external_id == support.external_id
    assert (outgoing.message, message.user) == (message, world.agent)
    case = Case.objects.get()
    assert (case.id, case.waiting_since) == (world.case.id, None)


def test_who_answers_the_other_channel_goes_on_in_the_same_case(world: World) -> None:
    support = make_channel(world.brand, "strict")
    outgoing = world.reply(channel_id=support.id)
    time_passes()
    outgoing = world.deliver(outgoing)
    assert outgoing.message is not None
    author = Author(external_id=world.ana.external_id, handle=world.ana.handle, name="Ana")
    stranger = Author(external_id="somebody", handle="@somebody", name="Somebody")
    now = timezone.now()
    said = outgoing.message.external_id
    with transaction.atomic():
        lock_channel(support.id)
        record_events(
            channel=support,
            events=[
                (
                    MessageSeen(
                        external_id=key,
                        author=who,
                        text=text,
                        sent_at=now,
                        visibility="public",
                        parent_id=said,
                    ),
                    now,
                )
                for key, who, text in (
                    ("a1", author, "Thanks! And my other bag?"),
                    ("s1", stranger, "Me too."),
                )
            ],
        )
    heard = Message.objects.get(external_id="a1")
    assert (heard.channel, heard.thread.case_threads.get(contact=world.ana.contact).case) == (
        support,
        world.case,
    )
    case = Case.objects.get(id=world.case.id)
    assert case.waiting_since == now
    # Somebody else who answers it has a case of their own.
    assert Case.objects.exclude(id=case.id).get().contact.name == "Somebody"
    # The answer to that leaves from the channel that was spoken to.
    again = world.reply("It comes too.", in_reply_to_id=heard.id)
    assert again.channel == support


def test_only_channels_that_can_and_may_are_offered(world: World) -> None:
    support = make_channel(world.brand, "strict")
    gone = make_channel(world.brand, "strict")
    gone.state = ChannelState.DISCONNECTED
    gone.save(update_fields=["state"])
    elsewhere = make_channel(world.brand, "somewhere")
    foreign = make_channel(make_brand("other"), "strict")
    closed = make_channel(world.brand, "strict")
    team = Team.objects.create(brand=world.brand, name="Leads")
    team.channels.add(closed)
    assert voices(user=world.agent, channel=world.channel) == (world.channel, support)
    for one in (gone, elsewhere, foreign, closed):
        with pytest.raises(Invalid, match="Choose another"):
            world.reply(channel_id=one.id)
    lead = make_user("Lea Dar", brand=world.brand)
    team.members.add(lead)
    assert set(voices(user=lead, channel=world.channel)) == {world.channel, support, closed}


def test_a_private_answer_stays_with_the_channel_that_was_written_to(world: World) -> None:
    support = make_channel(world.brand, "strict")
    asked = say(world.channel, world.ana, "My number?", minutes=3, visibility="private")
    world.case = Case.objects.get(case_threads__thread=asked.thread)
    with pytest.raises(Invalid, match="private answer"):
        world.reply(channel_id=support.id, visibility="private")


@pytest.mark.parametrize(("server", "offered"), [("https://a.example", True), ("https://b.example", False)])
def test_where_ids_are_a_servers_own_only_its_channels_answer(
    world: World, monkeypatch: pytest.MonkeyPatch, server: str, offered: bool
) -> None:
    can = replace(StrictConnector.capabilities, answers_elsewhere=Elsewhere.SERVER)
    monkeypatch.setattr(StrictConnector, "capabilities", can)
    support = make_channel(world.brand, "strict")
    for channel, place in ((world.channel, "https://a.example"), (support, server)):
        channel.settings = {"server": place}
        channel.save(update_fields=["settings"])
    assert (support in voices(user=world.agent, channel=world.channel)) == offered


def test_where_a_network_cannot_only_the_channel_itself_is_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    can = replace(StrictConnector.capabilities, answers_elsewhere=Elsewhere.NONE)
    monkeypatch.setattr(StrictConnector, "capabilities", can)
    make_channel(world.brand, "strict")
    assert voices(user=world.agent, channel=world.channel) == (world.channel,)


def test_it_is_changed_by_the_account_that_wrote_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    can = replace(StrictConnector.capabilities, edit=True)
    monkeypatch.setattr(StrictConnector, "capabilities", can)
    support = make_channel(world.brand, "strict")
    outgoing = world.reply(channel_id=support.id)
    time_passes()
    outgoing = world.deliver(outgoing)
    assert outgoing.message_id is not None
    change = edit_message(
        actor=world.agent,
        case_id=world.case.id,
        message_id=outgoing.message_id,
        text="It is here.",
        form_key=outgoing.idempotency_key,
    )
    assert change.channel == support
