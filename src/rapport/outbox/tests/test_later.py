"""Replies that leave later: at their time, held back when the customer writes, changed, sent early, taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from rapport.inbox.models import Case
from rapport.inbox.queries.detail import case_detail
from rapport.inbox.tests.making import make_brand, make_user, say
from rapport.lib.errors import Conflict, Invalid, NotFound
from rapport.networks.base import Window
from rapport.outbox.actions import retry_reply, taken_back, undo_reply
from rapport.outbox.delivery import sweep
from rapport.outbox.later import reschedule, send_anyway, send_now
from rapport.outbox.models import Outgoing
from rapport.outbox.tests.strict import StrictConnector
from rapport.outbox.tests.world import World, drop_jobs, time_passes

HOUR = timedelta(hours=1)


def test_it_leaves_at_its_time_and_nothing_waits_for_it(world: World) -> None:
    later = world.reply("Good morning.", send_at=timezone.now() + HOUR)
    soon = world.reply("On its way.")
    assert world.deliver(later).state == "queued"
    Outgoing.objects.filter(id=soon.id).update(not_before=timezone.now() - HOUR)
    assert world.deliver(soon).state == "sent"
    # The customer waits on until somebody has answered; a plan is no answer.
    time_passes()
    drop_jobs()
    assert sweep() == 1
    assert world.deliver(later).state == "sent"
    assert world.side.texts() == ["On its way. ^MK", "Good morning. ^MK"]


def test_a_case_waits_on_though_a_reply_is_scheduled(world: World) -> None:
    before = Case.objects.get().waiting_since
    world.reply(send_at=timezone.now() + HOUR)
    assert before is not None
    assert Case.objects.get().waiting_since == before


def test_times_that_make_no_sense_are_refused(world: World) -> None:
    now = timezone.now()
    for send_at, words in (
        (now - HOUR, "over"),
        (now + timedelta(days=366), "within a year"),
        (now.replace(tzinfo=None) + HOUR, "time zone"),
    ):
        with pytest.raises(Invalid, match=words):
            world.reply(send_at=send_at)
    with pytest.raises(Invalid, match="back before"):
        world.reply(send_at=now + 2 * HOUR, snooze_until=now + HOUR)
    assert not Outgoing.objects.exists()


def test_it_is_held_back_when_the_customer_writes_meanwhile(world: World) -> None:
    outgoing = world.reply(send_at=timezone.now() + HOUR)
    row = case_detail(user=world.agent, case_id=world.case.id).outgoing[0]
    assert (row.overtaken, row.scheduled_for) == (False, outgoing.scheduled_for)
    say(world.channel, world.ana, "Found it, thanks!", minutes=5, to=world.asked)
    assert case_detail(user=world.agent, case_id=world.case.id).outgoing[0].overtaken
    after = world.reply("Glad to hear it.")
    time_passes()
    assert world.deliver(outgoing).state == "held"
    assert world.side.calls == []
    drop_jobs()
    assert sweep() == 1  # the reply behind it, not the one that is held
    assert world.deliver(after).state == "sent"
    assert case_detail(user=world.agent, case_id=world.case.id).outgoing[0].overtaken
    assert world.deliver(outgoing).state == "held"
    send_anyway(actor=world.agent, outgoing_id=outgoing.id)
    time_passes()
    assert world.deliver(outgoing).state == "sent"
    assert world.side.texts() == ["Glad to hear it. ^MK", "On its way. ^MK"]


def test_what_a_colleague_or_a_machine_writes_holds_nothing_back(world: World) -> None:
    outgoing = world.reply(send_at=timezone.now() + HOUR)
    say(world.channel, None, "We are on it.", minutes=5, to=world.asked)
    say(world.channel, world.ana, "I am away.", minutes=6, to=world.asked, automatic=True)
    time_passes()
    assert world.deliver(outgoing).state == "sent"


def test_send_anyway_keeps_the_time_and_holds_again_for_newer_words(world: World) -> None:
    at = timezone.now() + HOUR
    outgoing = world.reply(send_at=at)
    say(world.channel, world.ana, "Hello?", minutes=5, to=world.asked)
    outgoing = send_anyway(actor=world.agent, outgoing_id=outgoing.id)
    assert (outgoing.state, outgoing.not_before, outgoing.scheduled_for) == ("queued", at, at)
    assert not case_detail(user=world.agent, case_id=world.case.id).outgoing[0].overtaken
    say(world.channel, world.ana, "Anybody?", minutes=6, to=world.asked)
    time_passes()
    assert world.deliver(outgoing).state == "held"


def test_send_now_can_be_undone_for_a_moment(world: World, settings: Any) -> None:
    settings.RAPPORT_UNDO_SECONDS = 20
    outgoing = world.reply(send_at=timezone.now() + HOUR)
    outgoing = send_now(actor=world.agent, outgoing_id=outgoing.id)
    assert outgoing.scheduled_for is None
    assert timezone.now() < outgoing.not_before <= timezone.now() + timedelta(seconds=20)
    time_passes()
    assert world.deliver(outgoing).state == "sent"
    with pytest.raises(Conflict):
        send_now(actor=world.agent, outgoing_id=outgoing.id)
    with pytest.raises(Conflict):
        send_anyway(actor=world.agent, outgoing_id=outgoing.id)


def test_time_and_words_can_be_changed_and_the_old_job_does_nothing(world: World) -> None:
    outgoing = world.reply("On its way.", send_at=timezone.now() + HOUR)
    at = timezone.now() + timedelta(days=3)
    outgoing = reschedule(actor=world.agent, outgoing_id=outgoing.id, send_at=at, text="It is here.")
    assert (outgoing.text, outgoing.typed, outgoing.not_before) == ("It is here. ^MK", "It is here.", at)
    time_passes()
    assert world.deliver(outgoing).state == "queued"
    for _day in range(3):
        time_passes()
    assert world.deliver(outgoing).state == "sent"
    assert world.side.texts() == ["It is here. ^MK"]


def test_only_the_author_changes_words_and_too_many_are_refused(world: World) -> None:
    outgoing = world.reply("On its way.", send_at=timezone.now() + HOUR)
    at = timezone.now() + 2 * HOUR
    ivo = make_user("Ivo Perić", brand=world.brand)
    with pytest.raises(Invalid, match="Only the author"):
        reschedule(actor=ivo, outgoing_id=outgoing.id, send_at=at, text="No.")
    with pytest.raises(Invalid, match="Too long"):
        reschedule(actor=world.agent, outgoing_id=outgoing.id, send_at=at, text="x" * 600)
    with pytest.raises(Invalid, match="over"):
        reschedule(actor=world.agent, outgoing_id=outgoing.id, send_at=timezone.now() - HOUR)
    stranger = make_user("Eva Nova", brand=make_brand("other"))
    for action in (send_now, send_anyway):
        with pytest.raises(NotFound):
            action(actor=stranger, outgoing_id=outgoing.id)
    moved = reschedule(actor=ivo, outgoing_id=outgoing.id, send_at=at, text="On its way.")
    assert (moved.not_before, moved.text) == (at, "On its way. ^MK")


def test_taken_back_it_gives_its_words_as_they_were_typed(world: World) -> None:
    outgoing = world.reply("Dear Ana,\n\non its way.  ", send_at=timezone.now() + HOUR)
    outgoing = undo_reply(actor=world.agent, outgoing_id=outgoing.id)
    assert (outgoing.state, taken_back(outgoing)) == ("cancelled", "Dear Ana,\n\non its way.")
    with pytest.raises(Conflict):
        send_now(actor=world.agent, outgoing_id=outgoing.id)
    time_passes()
    assert world.deliver(outgoing).state == "cancelled"


def test_a_reply_that_may_be_out_is_asked_about_not_held_back(world: World) -> None:
    outgoing = world.reply(send_at=timezone.now() + HOUR)
    time_passes()
    world.deliver(outgoing, "lost_after")
    say(world.channel, world.ana, "Thanks!", minutes=5, to=world.asked)
    time_passes()
    assert world.deliver(outgoing).state == "sent"
    assert len(world.side.posts) == 1


def test_a_retry_is_somebodys_decision(world: World) -> None:
    outgoing = world.reply(send_at=timezone.now() + HOUR)
    time_passes()
    assert world.deliver(outgoing, "refuse").state == "failed"
    say(world.channel, world.ana, "Hello?", minutes=5, to=world.asked)
    retry_reply(actor=world.agent, outgoing_id=outgoing.id)
    time_passes()
    assert world.deliver(outgoing).state == "sent"


@pytest.fixture
def with_window(monkeypatch: pytest.MonkeyPatch) -> None:
    day = (Window(name="a day", length=timedelta(hours=24)),)
    monkeypatch.setattr(StrictConnector, "capabilities", replace(StrictConnector.capabilities, windows=day))


@pytest.mark.usefixtures("with_window")
def test_the_networks_time_is_looked_at_for_the_time_of_sending(world: World) -> None:
    heard = timezone.now() - timedelta(hours=20)
    minutes = (heard - world.asked.sent_at).total_seconds() / 60
    asked = say(world.channel, world.ana, "Privately: my number?", minutes=minutes, visibility="private")
    case = Case.objects.get(case_threads__thread=asked.thread)
    world.case = case
    with pytest.raises(Invalid, match="Too late"):
        world.reply(
            send_at=timezone.now() + timedelta(hours=5), visibility="private", in_reply_to_id=asked.id
        )
    outgoing = world.reply(send_at=timezone.now() + HOUR, visibility="private", in_reply_to_id=asked.id)
    with pytest.raises(Invalid, match="Too late"):
        reschedule(actor=world.agent, outgoing_id=outgoing.id, send_at=timezone.now() + timedelta(hours=6))
    # Its worker comes late: a day later the network would refuse it.
    asked.sent_at = timezone.now() - timedelta(days=2)
    asked.save(update_fields=["sent_at"])
    time_passes()
    outgoing = world.deliver(outgoing)
    assert outgoing.state == "failed"
    assert "Too late" in outgoing.error
    assert world.side.calls == []


def test_send_and_snooze_puts_the_case_away_once_it_was_delivered(world: World) -> None:
    until = timezone.now() + timedelta(days=2)
    outgoing = world.reply(snooze_until=until)
    world.case.refresh_from_db()
    assert world.case.status == "open"
    time_passes()
    world.deliver(outgoing)
    world.case.refresh_from_db()
    assert (world.case.status, world.case.snoozed_until) == ("snoozed", until)


def test_send_and_snooze_leaves_a_customer_who_wrote_again_in_sight(world: World) -> None:
    outgoing = world.reply(snooze_until=timezone.now() + timedelta(days=2))
    time_passes()

    def writes_again() -> None:
        say(world.channel, world.ana, "And my other bag?", minutes=10**6, to=world.asked)

    world.side.during = writes_again
    world.deliver(outgoing)
    world.case.refresh_from_db()
    assert (outgoing.state, world.case.status) == ("sent", "open")


def test_undo_takes_the_reply_and_the_snooze_back(world: World) -> None:
    outgoing = world.reply(snooze_until=timezone.now() + timedelta(days=2))
    undo_reply(actor=world.agent, outgoing_id=outgoing.id)
    time_passes()
    world.deliver(outgoing)
    world.case.refresh_from_db()
    assert (world.case.status, world.side.calls) == ("open", [])
    with pytest.raises(Invalid, match="future"):
        world.reply(snooze_until=timezone.now() - HOUR)
