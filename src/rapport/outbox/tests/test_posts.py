"""A text in several posts: one after the other, each in answer to the one before, and none twice."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from rapport.inbox.models import Case, Message
from rapport.inbox.queries.detail import case_detail
from rapport.lib.errors import Conflict, Invalid
from rapport.outbox.actions import reply, retry_reply, taken_back, undo_reply
from rapport.outbox.composing import MOST_PARTS
from rapport.outbox.delivery import sweep
from rapport.outbox.later import reschedule, send_now
from rapport.outbox.models import Outgoing
from rapport.outbox.tests.strict import Behaviour
from rapport.outbox.tests.world import World, drop_jobs, time_passes

SENTENCE = "Your bag is in Split and it comes to you tomorrow morning, says the crew. "
LONG = (SENTENCE * 16).strip()  # three posts of 500


def _posts() -> list[Outgoing]:
    return list(Outgoing.objects.order_by("part"))


def _deliver_all(world: World, behaviour: Behaviour = "ok") -> list[Outgoing]:
    """What the worker does, by the sweep alone, until nothing is left to be done."""
    for _round in range(20):
        time_passes()
        drop_jobs()
        if not sweep():
            break
        for one in Outgoing.objects.filter(state__in=["queued", "sending"]):
            world.deliver(one, behaviour)
    return _posts()


def test_each_post_answers_the_one_before_and_the_last_is_signed(world: World) -> None:
    world.reply(LONG, split=True, numbered=True, close_after=True)
    posts = _deliver_all(world)
    assert [one.state for one in posts] == ["sent"] * 3
    sent = world.side.posts
    assert [one.parent_id for one in sent] == [world.asked.external_id, "post-0", "post-1"]
    assert [one.text[-8:] for one in sent] == ["rew. 1/3", "rew. 2/3", " 3/3 ^MK"]
    assert all(len(one.text) <= 500 for one in sent)
    assert len({one.idempotency_key for one in sent}) == 3
    own = Message.objects.filter(own=True)
    assert set(own.values_list("thread_id", flat=True)) == {world.asked.thread_id}
    case = Case.objects.get()
    assert (case.status, case.waiting_since) == ("closed", None)


def test_a_text_that_fits_is_one_post(world: World) -> None:
    only = world.reply("On its way.", split=True, numbered=True)
    assert (only.text, only.parts, Outgoing.objects.count()) == ("On its way. ^MK", 1, 1)


def test_a_second_post_does_not_leave_before_the_first(world: World) -> None:
    world.reply(LONG, split=True)
    time_passes()
    second = _posts()[1]
    assert world.deliver(second).state == "queued"
    assert world.side.calls == []


def test_undo_before_the_first_leaves_takes_all_back(world: World) -> None:
    world.reply(LONG, split=True, numbered=True)
    lead = undo_reply(actor=world.agent, outgoing_id=_posts()[2].id)
    assert lead == _posts()[0]
    assert taken_back(lead) == LONG
    assert [one.state for one in _deliver_all(world)] == ["cancelled"] * 3
    assert world.side.calls == []


def test_a_failure_stops_the_rest_until_somebody_tries_again(world: World) -> None:
    world.reply(LONG, split=True)
    time_passes()
    first, second, third = _posts()
    world.deliver(first)
    time_passes()
    assert world.deliver(second, "refuse").state == "failed"
    # A later reply does not wait for posts that nobody sends.
    after = world.reply("One more thing.")
    time_passes()
    assert world.deliver(third).state == "queued"
    assert world.deliver(after).state == "sent"
    assert [row.follows_id for row in case_detail(user=world.agent, case_id=world.case.id).outgoing] == [
        None, second.id,
    ]  # fmt: skip
    retry_reply(actor=world.agent, outgoing_id=second.id)
    assert {one.state for one in _deliver_all(world)} == {"sent"}
    assert [one.parent_id for one in world.side.posts] == [
        world.asked.external_id, world.asked.external_id, "post-0", "post-2",
    ]  # fmt: skip


def test_the_rest_can_be_taken_back_after_a_failure(world: World) -> None:
    world.reply(LONG, split=True)
    time_passes()
    first, second, third = _posts()
    world.deliver(first)
    time_passes()
    world.deliver(second, "refuse")
    undone = undo_reply(actor=world.agent, outgoing_id=third.id)
    assert undone == second
    assert taken_back(undone) == (second.typed + third.typed).strip()
    assert [one.state for one in _posts()] == ["sent", "cancelled", "cancelled"]


@pytest.mark.parametrize("when", ["killed_before", "killed_after"])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_kill_at_any_post_doubles_and_loses_none(world: World, when: Behaviour, number: int) -> None:
    world.reply(LONG, split=True, numbered=True)
    for at, one in enumerate(_posts()):
        time_passes()
        if at == number:
            world.deliver(one, when)
            with pytest.raises(Conflict):
                undo_reply(actor=world.agent, outgoing_id=one.id)
            time_passes()
        world.deliver(one)
    assert {one.state for one in _deliver_all(world)} == {"sent"}
    assert [one.text for one in world.side.posts] == [one.text for one in _posts()]


def test_the_same_form_twice_is_one_thread(world: World) -> None:
    key = uuid4()
    for _time in range(2):
        reply(
            actor=world.agent,
            case_id=world.case.id,
            text=LONG,
            visibility="public",
            in_reply_to_id=None,
            form_key=key,
            split=True,
        )
    assert Outgoing.objects.count() == 3


def test_what_cannot_be_split_is_refused(world: World) -> None:
    with pytest.raises(Invalid, match="Shorten it"):
        world.reply("See https://example.com/" + "a" * 600, split=True)
    with pytest.raises(Invalid, match="at most"):
        world.reply(SENTENCE * 7 * (MOST_PARTS + 1), split=True)
    with pytest.raises(Invalid, match="several posts"):
        world.reply(LONG, split=True, visibility="private")
    assert not Outgoing.objects.exists()


def test_a_scheduled_thread_moves_and_leaves_together(world: World) -> None:
    hour = timedelta(hours=1)
    lead = world.reply(LONG, split=True, send_at=timezone.now() + hour)
    at = timezone.now() + 2 * hour
    with pytest.raises(Invalid, match="several posts"):
        reschedule(actor=world.agent, outgoing_id=lead.id, send_at=at, text="Short.")
    reschedule(actor=world.agent, outgoing_id=lead.id, send_at=at)
    assert {one.scheduled_for for one in _posts()} == {at}
    send_now(actor=world.agent, outgoing_id=lead.id)
    assert {one.scheduled_for for one in _posts()} == {None}
    assert {one.state for one in _deliver_all(world)} == {"sent"}
    assert len(world.side.posts) == 3
