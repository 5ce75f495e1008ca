"""Who is told of what, once, and who is not."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from rapport.inbox.actions import add_note, assign_case, reopen_case, snooze_case, wake_due_cases
from rapport.inbox.actions.follow import follow_case
from rapport.inbox.actions.seen import mark_read as mark_messages_read
from rapport.inbox.models import Case
from rapport.inbox.tests.making import case_of, make_brand, make_channel, make_contact, make_user, say
from rapport.notices.choosing import save_ways
from rapport.notices.kinds import KINDS, NoticeKind, Way
from rapport.notices.making import catch_up, make_notices
from rapport.notices.models import Happening, Notice
from rapport.notices.reading import sweep_notices
from rapport.notices.tests.conftest import Desk
from rapport.outbox.models import Outgoing, OutgoingState
from rapport.staff.models import Membership, Role, Team


def test_a_case_given_to_me_is_told_to_me_and_to_whom_it_is_taken_from(desk: Desk) -> None:
    assign_case(actor=desk.ivo, case_id=desk.case.id, assignee_id=desk.ivo.pk)
    assert desk.told(desk.mara) == ["taken"]
    assert desk.told(desk.ivo) == []
    assign_case(actor=desk.ivo, case_id=desk.case.id, assignee_id=desk.mara.pk)
    assert desk.told(desk.mara) == ["taken", "assigned"]
    assert desk.told(desk.ivo) == []
    given = Notice.objects.get(kind="assigned")
    assert (given.actor_id, given.case_id, given.brand_id) == (desk.ivo.pk, desk.case.id, desk.brand.id)


def test_a_case_given_to_my_team_is_told_to_all_of_it_but_who_gave_it(desk: Desk) -> None:
    team = Team.objects.create(brand=desk.brand, name="Owls")
    other = make_user("Ada Babić", brand=desk.brand)
    team.members.add(desk.mara, desk.ivo, other)
    assign_case(actor=desk.ivo, case_id=desk.case.id, assignee_id=None, team_id=team.pk)
    assert desk.told(other) == ["team"]
    assert desk.told(desk.mara) == ["taken"]  # the same event once
    assert desk.told(desk.ivo) == []


def test_somebody_named_in_a_note_is_told_once_and_who_follows_hears_of_the_note(desk: Desk) -> None:
    add_note(actor=desk.ivo, case_id=desk.case.id, text="@Mara, can you call?")
    assert desk.told(desk.mara) == ["named"]
    add_note(actor=desk.ivo, case_id=desk.case.id, text="They called.")
    assert desk.told(desk.mara) == ["named", "noted"]
    assert desk.told(desk.ivo) == []
    follow_case(user=desk.mara, case_id=desk.case.id, following=False)
    add_note(actor=desk.ivo, case_id=desk.case.id, text="Twice.")
    assert desk.told(desk.mara) == ["named", "noted"]


def test_every_message_of_the_customer_is_told_to_whose_case_it_is_and_who_follows(desk: Desk) -> None:
    follow_case(user=desk.ivo, case_id=desk.case.id)
    desk.write("One")
    desk.write("Two")
    assert desk.told(desk.mara) == ["answered", "answered"]
    assert desk.told(desk.ivo) == ["followed", "followed"]


def test_what_was_read_or_answered_before_it_could_be_told_is_not_told(desk: Desk) -> None:
    written = desk.write("Seen at once")
    mark_messages_read(user=desk.mara, case_id=desk.case.id, message_id=written.id)
    assert desk.told(desk.mara) == []
    written = desk.write("Answered at once")
    say(desk.channel, None, "Here it is.", 10**7, to=written)
    assert desk.told(desk.mara) == []


def test_old_words_and_machines_are_no_news(desk: Desk) -> None:
    say(desk.channel, desk.ana, "From the past", -(10**5), to=desk.message)
    say(desk.channel, desk.ana, "Out of office", 10**6, to=desk.message, automatic=True)
    say(desk.channel, None, "Ours", 10**6, to=desk.message)
    assert not Happening.objects.exists()


@pytest.mark.parametrize("state", [OutgoingState.FAILED, OutgoingState.HELD])
def test_a_reply_that_failed_or_is_held_back_is_told_to_its_author_each_time(desk: Desk, state: str) -> None:
    made = Outgoing.objects.create(
        brand=desk.brand, channel=desk.channel, case=desk.case, thread=desk.message.thread, author=desk.ivo,
        visibility="public", text="Soon.", form_key=uuid.uuid4(), not_before=timezone.now(),
    )  # fmt: skip
    rows = Outgoing.objects.filter(id=made.id)
    rows.update(state=state)
    assert desk.told(desk.ivo) == [state]
    rows.update(error="No.")
    assert desk.told(desk.ivo) == [state]
    rows.update(state=OutgoingState.QUEUED)
    rows.update(state=state)
    assert desk.told(desk.ivo) == [state, state]
    rows.update(state=OutgoingState.QUEUED)
    rows.update(state=state)
    rows.update(state=OutgoingState.SENT)  # went well before anybody was told
    assert desk.told(desk.ivo) == [state, state]
    assert desk.told(desk.mara) == []


def test_the_end_of_a_snooze_is_told_but_not_who_ended_it_by_hand(desk: Desk) -> None:
    snooze_case(actor=desk.mara, case_id=desk.case.id, until=timezone.now() + timedelta(hours=1))
    reopen_case(actor=desk.mara, case_id=desk.case.id)
    assert desk.told(desk.mara) == []
    snooze_case(actor=desk.mara, case_id=desk.case.id, until=timezone.now() + timedelta(hours=1))
    Case.objects.filter(id=desk.case.id).update(snoozed_until=timezone.now())
    assert wake_due_cases() == 1
    assert desk.told(desk.mara) == ["woke"]


def test_a_snooze_of_nobodys_case_is_told_to_whoever_snoozed_it(desk: Desk) -> None:
    free = case_of(say(desk.channel, make_contact(desk.channel, "Bruno"), "Hello?", 10**6))
    snooze_case(actor=desk.ivo, case_id=free.id, until=timezone.now() + timedelta(hours=1))
    Case.objects.filter(id=free.id).update(snoozed_until=timezone.now())
    wake_due_cases()
    assert desk.told(desk.ivo) == ["woke"]


def test_nobody_is_told_of_what_they_may_not_see(desk: Desk) -> None:
    follow_case(user=desk.ivo, case_id=desk.case.id)
    Membership.objects.filter(user=desk.ivo).delete()
    desk.mara.is_active = False
    desk.mara.save()
    desk.write()
    assert desk.told(desk.ivo) == desk.told(desk.mara) == []
    assert not Happening.objects.exists()


def test_an_owner_without_a_role_and_a_viewer_are_told(desk: Desk) -> None:
    owner = make_user("Ona Owner")
    owner.is_superuser = True
    owner.save()
    viewer = make_user("Vid Viewer", brand=desk.brand, role=Role.VIEWER)
    for user in (owner, viewer):
        follow_case(user=user, case_id=desk.case.id)
    desk.write()
    assert desk.told(owner) == desk.told(viewer) == ["followed"]


def test_each_chooses_and_who_wants_nothing_is_told_nothing(desk: Desk) -> None:
    save_ways(user=desk.mara, wanted={})
    follow_case(user=desk.ivo, case_id=desk.case.id)
    save_ways(user=desk.ivo, wanted={NoticeKind.FOLLOWED: frozenset({Way.MAIL})})
    desk.write()
    assert desk.told(desk.mara) == []
    assert desk.told(desk.ivo) == []  # no mail server: there is no way to tell him


def test_a_mark_commits_with_what_happened_or_not_at_all(desk: Desk) -> None:
    with transaction.atomic():
        desk.write()
        transaction.set_rollback(True)
    assert not Happening.objects.exists()


def test_reading_the_same_happening_again_tells_nobody_again(desk: Desk) -> None:
    written = desk.write()
    assert desk.told(desk.mara) == ["answered"]
    Happening.objects.create(message_id=written.id)
    assert desk.told(desk.mara) == ["answered"]


@pytest.mark.django_db(transaction=True)
def test_a_maker_that_dies_has_done_nothing_and_two_at_once_tell_once(transactional_db: None) -> None:
    brand = make_brand()
    channel = make_channel(brand)
    mara, ivo = make_user("Mara Kovač", brand=brand), make_user("Ivo Perić", brand=brand)
    case = case_of(say(channel, make_contact(channel), "Where is my bag?"))
    assign_case(actor=ivo, case_id=case.id, assignee_id=mara.pk)
    with transaction.atomic():
        assert make_notices() == 1
        transaction.set_rollback(True)  # as when the process is killed before it commits
    assert Happening.objects.count() == 1
    assert not Notice.objects.exists()

    done: list[int] = []

    def one() -> None:
        try:
            done.append(catch_up())
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    catch_up()
    assert sum(done) <= 1
    assert not Happening.objects.exists()
    assert list(Notice.objects.values_list("user_id", "kind")) == [(mara.pk, "assigned")]


def test_a_thousand_messages_cost_as_many_statements_as_one(
    desk: Desk, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        desk.write(f"Message {number}")
    with django_assert_max_num_queries(8):
        assert make_notices() == 30


def test_the_table_has_every_kind_and_the_docs_say_what_it_says() -> None:
    assert set(KINDS) == set(NoticeKind)
    page = Path(__file__).parents[4] / "docs/how-to/notifications.md"
    rows = [
        line.strip("| \n").split(" | ")
        for line in page.read_text(encoding="utf-8").splitlines()
        if line.startswith("| ")
    ]
    told = [tuple(cell == "yes" for cell in row[1:]) for row in rows[1:]]
    assert told == [tuple(way in spec.ways for way in Way) for spec in KINDS.values()]


def test_notices_are_forgotten_after_ninety_days(desk: Desk) -> None:
    desk.write()
    desk.write()
    make_notices()
    old = Notice.objects.filter(user=desk.mara).earliest("id")
    Notice.objects.filter(id=old.id).update(made_at=timezone.now() - timedelta(days=91))
    assert sweep_notices() == 1
    assert Notice.objects.count() == 1
