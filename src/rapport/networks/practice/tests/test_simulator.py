"""The play on the network, on a clock of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import transaction

from rapport.networks.practice import actions
from rapport.networks.practice.actions import Draft
from rapport.networks.practice.models import Account, Post, Repost, Run, RunStep, StreamEvent
from rapport.networks.practice.simulator import live, plan
from rapport.networks.practice.simulator.history import Historian
from rapport.networks.practice.simulator.live import Simulator, begin, open_accounts
from rapport.networks.practice.simulator.plan import Pace
from rapport.networks.practice.simulator.script import load_script

pytestmark = pytest.mark.django_db
SCRIPT = load_script()
START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
S = timedelta(seconds=1)


def only(situation_id: str, pace: Pace | None = None) -> tuple[Simulator, Run]:
    """A play of one situation, just begun."""
    number = next(
        n for n in range(200) if plan.opening(script=SCRIPT, seed="t", number=n).situation.id == situation_id
    )
    pace = pace or Pace(new=(1e9, 1e9))
    opening = plan.opening(script=SCRIPT, seed="t", number=number)
    accounts = open_accounts(SCRIPT)
    runs = begin(opening=opening, accounts=accounts, seed="t", pace=pace, now=START)
    return Simulator(SCRIPT, "t", pace), runs[0]


def answer(run: Run, text: str, *, private: bool = False, at: datetime = START + S) -> Post:
    run.refresh_from_db()
    post, _ = actions.publish(
        Draft(
            author=run.company,
            text=text,
            in_reply_to=run.post_id,
            private=private,
            recipient=run.customer if private else None,
            at=at,
        )
    )
    return post


def texts(author: Account) -> list[str]:
    return list(Post.objects.filter(author=author).order_by("pk").values_list("text", flat=True))


def test_customers_come_one_after_the_other_at_the_pace_given() -> None:
    play = Simulator(SCRIPT, "seed", Pace(new=(5, 15)))
    came = [second for second in range(60) if play.tick(START + second * S) and _new_since(second)]
    assert came[0] == 0
    gaps = [b - a for a, b in pairwise(came)]
    assert min(gaps) >= 5
    assert max(gaps) <= 16


def _new_since(second: int) -> bool:
    return Run.objects.filter(
        number__isnull=False, post__created_at=START + second * S, impatience=0, turns=0
    ).exists()


def test_the_same_seed_and_clock_give_the_same_posts() -> None:
    def play() -> list[tuple[str, str]]:
        with transaction.atomic():
            simulator = Simulator(SCRIPT, "again", Pace())
            for second in range(0, 240, 5):
                simulator.tick(START + second * S)
            said = list(Post.objects.order_by("pk").values_list("author__handle", "text"))
            transaction.set_rollback(True)
        return said

    first = play()
    assert len(first) > 15
    assert play() == first


def test_a_second_play_on_the_same_network_goes_on_where_the_first_was() -> None:
    Simulator(SCRIPT, "s", Pace(new=(10, 10))).tick(START)
    restarted = Simulator(SCRIPT, "s", Pace(new=(10, 10)))
    assert restarted.tick(START + 5 * S) == 0
    assert restarted.tick(START + 11 * S) == 1
    assert list(Run.objects.exclude(number=None).order_by("pk").values_list("number", flat=True)) == [0, 1]


def test_an_answered_customer_reacts_after_a_while_and_once() -> None:
    play, run = only("alvara-seat-en")
    reply = answer(run, "Children always sit next to one adult of the booking, free of charge. ^MK")
    assert play.tick(START + 2 * S) == 0
    run.refresh_from_db()
    assert (run.step, run.answer_id) == (RunStep.REACT, reply.pk)
    assert run.due_at is not None
    assert timedelta(seconds=10) <= run.due_at - (START + 2 * S) <= timedelta(seconds=40)
    assert play.tick(run.due_at) == 1
    run.refresh_from_db()
    said = Post.objects.get(pk=run.post_id)
    assert (said.in_reply_to_id, said.author) == (reply.pk, run.customer)
    assert len(texts(run.customer)) == 2
    for minute in range(5):
        play.tick(START + timedelta(minutes=2 + minute))
    assert len([text for text in texts(run.customer) if text == said.text]) == 1


def test_asked_to_come_to_private_messages_they_do() -> None:
    play, run = only("alvara-bag-en")
    answer(run, "So sorry. Please send us a private message with the number on your receipt. ^MK")
    for second in range(0, 60, 5):
        play.tick(START + (2 + second) * S)
    private = Post.objects.filter(author=run.customer, visibility="private").get()
    assert private.recipient == run.company
    assert "AV 0" in private.text


def test_left_waiting_they_nudge_then_escalate_then_stop() -> None:
    play, run = only("alvara-seat-en")
    for minute in range(0, 120, 2):
        play.tick(START + timedelta(minutes=minute))
    said = texts(run.customer)
    pool = SCRIPT.reactions["en"]
    assert len(said) == 3
    assert said[1] in {text.format(to="@alvara_air") for text in pool.nudge}
    assert said[2] in {text.format(to="@alvara_air") for text in pool.escalate}


def test_a_curt_answer_is_not_enough() -> None:
    play, run = only("alvara-seat-en")
    answer(run, "@x No. ^MK")
    for second in range(0, 60, 5):
        play.tick(START + (2 + second) * S)
    assert texts(run.customer)[-1] in SCRIPT.reactions["en"].short
    run.refresh_from_db()
    assert run.step == RunStep.WAIT


def test_angry_threads_draw_others_and_are_passed_on() -> None:
    play, run = only("alvara-refund-en")
    for second in range(0, 180, 5):
        play.tick(START + second * S)
    thread = Post.objects.filter(root_id=run.post_id)
    assert thread.values("author").distinct().count() == 4
    assert Repost.objects.filter(post_id=run.post_id).count() == 3


def test_second_thoughts_are_edits_and_deletions() -> None:
    play, edited = only("alvara-joke-en")
    _, deleted = only("mokka-music-en")
    for second in range(0, 30, 5):
        play.tick(START + second * S)
    edited.post.refresh_from_db()
    assert edited.post.text.endswith("✈️🧳")
    assert edited.post.edited_at is not None
    deleted.post.refresh_from_db()
    assert deleted.post.deleted_at is not None
    kinds = set(StreamEvent.objects.values_list("kind", flat=True))
    assert {"post.created", "post.edited", "post.deleted"} <= kinds


def test_a_post_that_vanished_ends_the_talk_quietly() -> None:
    play, run = only("alvara-seat-en")
    actions.delete(author=run.customer, post_id=run.post_id, at=START + S)
    for minute in range(0, 40, 2):
        play.tick(START + timedelta(minutes=minute))
    run.refresh_from_db()
    assert run.step == RunStep.DONE


def test_nobody_comes_to_a_crowded_desk_as_fast() -> None:
    play, run = only("alvara-seat-en", Pace(new=(10, 10)))
    calm = play._gap(1, START)
    Run.objects.bulk_create(
        Run(
            situation=run.situation,
            customer=run.customer,
            company=run.company,
            post=run.post,
            step=RunStep.WAIT,
            number=1000 + n,
            seed="x",
        )
        for n in range(79)
    )
    assert play._gap(1, START) > 4 * calm
    assert play._gap(1, START + live._MEMORY + S) < 2 * calm


def test_the_past_is_mostly_answered_and_goes_on() -> None:
    accounts = open_accounts(SCRIPT)
    posts = Historian(SCRIPT, accounts, {"telqo": ["^MK"]}, "h", START).write(situations=95)
    assert 200 < posts < 500
    assert posts == Post.objects.count()
    assert not Post.objects.filter(created_at__gte=START).exists()
    assert list(Post.objects.order_by("pk").values_list("created_at")) == list(
        Post.objects.order_by("created_at").values_list("created_at")
    )
    asked = Run.objects.filter(number__isnull=False).count()
    assert asked == 95
    answered = (
        Post.objects.filter(author__is_company=True, in_reply_to__isnull=False)
        .values("in_reply_to")
        .distinct()
        .count()
    )
    assert answered > 50
    assert Post.objects.filter(author__handle__startswith="telqo", text__endswith="^MK").exists()
    waiting = Run.objects.filter(step=RunStep.WAIT).select_related("company", "customer").first()
    assert waiting is not None
    play = Simulator(SCRIPT, "h", Pace(new=(1e9, 1e9)))
    before = Post.objects.filter(author=waiting.customer).count()
    answer(waiting, "We are sorry for the wait, and here is the whole story at last.", at=START + S)
    for second in range(0, 90, 5):
        play.tick(START + (2 + second) * S)
    waiting.refresh_from_db()
    assert waiting.answer_id is not None
    assert Post.objects.filter(author=waiting.customer).count() >= before
