"""Cases that were made of mentions are taken back as if they had never been, and only while nobody worked on them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from rapport.audit.models import AuditEntry
from rapport.brands.models import Channel
from rapport.inbox.actions.follow import follow_case
from rapport.inbox.actions.life import close_case, reopen_case
from rapport.inbox.actions.notes import add_note
from rapport.inbox.actions.work import add_tag
from rapport.inbox.models import Case, CaseEvent, CaseStatus, CaseThread, CloseReason, Message, Thread, Turn
from rapport.inbox.tests.making import START, make_brand, make_channel, make_contact, make_user, say
from rapport.lib.errors import Conflict, NotFound
from rapport.mentions import acts, hearing
from rapport.mentions.acts import Pick
from rapport.mentions.case_making import act_to_undo, make_many, make_one
from rapport.mentions.models import Mention, MentionAct, MentionState, Post
from rapport.mentions.tests.made import make_mention, make_post
from rapport.outbox.models import Draft
from rapport.staff.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def channel() -> Channel:
    return make_channel(make_brand())


@pytest.fixture
def agent(channel: Channel) -> User:
    return make_user(brand=channel.brand)


def undo(user: User, act_id: int | None) -> acts.Outcome:
    assert act_id is not None
    return acts.undo(user=user, act_id=act_id)


def nothing_in_the_inbox() -> bool:
    kinds: list[Any] = [Case, CaseEvent, CaseThread, Message, Thread, Turn]
    return not any(kind.objects.exists() for kind in kinds)


def test_undone_the_mention_is_where_it_was_and_the_inbox_knows_nothing(
    channel: Channel, agent: User
) -> None:
    mention = make_mention(channel.brand, state=MentionState.SEEN, handled_by=agent, handled_at=START)
    case, act_id = make_one(user=agent, mention_id=mention.id)
    hearing.catch_up()  # what channels hear is matched behind them, and this came by a channel now
    mention.refresh_from_db()
    assert act_to_undo(user=agent, mention=mention) == act_id
    assert act_to_undo(user=make_user(brand=channel.brand), mention=mention) is None
    assert undo(agent, act_id).done == (mention.id,)
    mention.refresh_from_db()
    assert (mention.state, mention.case, mention.handled_at) == (MentionState.SEEN, None, START)
    assert nothing_in_the_inbox()
    assert Post.objects.get(id=mention.post_id).message is None
    told = AuditEntry.objects.get(action="mention.undone")
    assert told.data == {"mentions": [mention.id], "case": case.id}
    with pytest.raises(Conflict, match="undone already"):
        undo(agent, act_id)
    assert make_one(user=agent, mention_id=mention.id)[0].status == CaseStatus.OPEN


def _draft(user: User, case: Case) -> None:
    Draft.objects.create(user=user, case=case, field="reply", text="Dear", typed_at=timezone.now())


def _close_and_reopen(user: User, case: Case) -> None:
    close_case(actor=user, case_id=case.id, reason=CloseReason.SPAM)
    reopen_case(actor=user, case_id=case.id)


def _tag(user: User, case: Case) -> None:
    add_tag(actor=user, case_id=case.id, name="bag")


def _note(user: User, case: Case) -> None:
    add_note(actor=user, case_id=case.id, text="Look at this")


def _follow(user: User, case: Case) -> None:
    follow_case(user=user, case_id=case.id)


@pytest.mark.parametrize("work", [_draft, _close_and_reopen, _tag, _note, _follow])
def test_a_case_that_was_worked_on_stays_and_that_is_said(
    channel: Channel, agent: User, work: Callable[[User, Case], None]
) -> None:
    mention = make_mention(channel.brand)
    case, act_id = make_one(user=agent, mention_id=mention.id)
    work(make_user(brand=channel.brand), case)
    with pytest.raises(Conflict, match="worked on since"):
        undo(agent, act_id)
    mention.refresh_from_db()
    assert (mention.state, mention.case) == (MentionState.CASE, case)
    assert Message.objects.count() == 1


def test_what_others_wrote_under_it_keeps_it(channel: Channel, agent: User) -> None:
    mention = make_mention(channel.brand)
    _case, act_id = make_one(user=agent, mention_id=mention.id)
    say(channel, make_contact(channel), to=Message.objects.get())
    with pytest.raises(Conflict, match="others wrote under this post"):
        undo(agent, act_id)


def test_a_case_that_was_there_is_as_it_was(channel: Channel, agent: User) -> None:
    """The author was in a closed conversation, to which the mention is an answer."""
    contact = make_contact(channel)
    first = say(channel, contact)
    case = Case.objects.get()
    close_case(actor=agent, case_id=case.id, reason=CloseReason.NO_REPLY_NEEDED)
    before = Case.objects.values().get()
    events = list(case.events.values_list("id", flat=True).order_by("id"))
    post = make_post(
        "Again!",
        author_id_there=contact.external_id,
        parent_external_id=first.external_id,
        sent_at=first.sent_at + timedelta(minutes=5),
    )
    mention = make_mention(channel.brand, post)
    made, act_id = make_one(user=agent, mention_id=mention.id)
    assert (made.id, made.status, Message.objects.count()) == (case.id, CaseStatus.OPEN, 2)
    undo(agent, act_id)
    after = Case.objects.values().get()
    assert {**after, "version": 0} == {**before, "version": 0}
    assert list(case.events.values_list("id", flat=True).order_by("id")) == events
    assert list(Message.objects.all()) == [first]


def test_what_a_channel_had_heard_keeps_its_message_and_is_closed_again(
    channel: Channel, agent: User
) -> None:
    message = say(channel, make_contact(channel))
    known = Case.objects.get()
    close_case(actor=agent, case_id=known.id, reason=CloseReason.SPAM)
    post = make_post(message.text, external_id=message.external_id, message=message)
    mention = make_mention(channel.brand, post)
    _case, act_id = make_one(user=agent, mention_id=mention.id)
    undo(agent, act_id)
    known.refresh_from_db()
    assert (known.status, known.close_reason) == (CaseStatus.CLOSED, CloseReason.SPAM)
    post.refresh_from_db()
    assert post.message == message


def test_several_are_made_and_undone_as_one_though_two_are_one_case(channel: Channel, agent: User) -> None:
    first, other = make_post(author_id_there="ana"), make_post()
    again = make_post(author_id_there="ana", parent_external_id=first.external_id)
    nobody = make_post(network="elsewhere")
    mentions = [make_mention(channel.brand, one) for one in (first, again, other, nobody)]
    changed = make_mention(channel.brand, version=3)
    done = make_many(user=agent, picks=[*(Pick(one.id, 1) for one in mentions), Pick(changed.id, 1)])
    assert done.done == tuple(one.id for one in mentions[:3])
    assert (done.left, len(done.why), Case.objects.count()) == (1, 1, 2)
    assert "No channel of this brand is active on elsewhere" in done.why[0]
    back = undo(agent, done.act_id)
    assert (back.done, back.left) == (done.done, 0)
    assert nothing_in_the_inbox()
    assert set(Mention.objects.values_list("state", flat=True)) == {MentionState.NEW}


def test_of_several_what_was_worked_on_stays(channel: Channel, agent: User) -> None:
    mentions = [make_mention(channel.brand), make_mention(channel.brand)]
    done = make_many(user=agent, picks=[Pick(one.id) for one in mentions])
    _tag(agent, Case.objects.get(from_mentions=mentions[0]))
    back = undo(agent, done.act_id)
    assert (back.done, back.left) == ((mentions[1].id,), 1)
    assert Case.objects.count() == 1


def test_only_who_made_it_and_not_for_ever(channel: Channel, agent: User) -> None:
    _case, act_id = make_one(user=agent, mention_id=make_mention(channel.brand).id)
    with pytest.raises(NotFound):
        undo(make_user(brand=channel.brand), act_id)
    MentionAct.objects.update(created_at=timezone.now() - timedelta(days=2))
    with pytest.raises(NotFound):
        undo(agent, act_id)


def test_what_was_a_case_already_is_no_act(channel: Channel, agent: User) -> None:
    mention = make_mention(channel.brand)
    case, _act = make_one(user=agent, mention_id=mention.id)
    assert make_one(user=agent, mention_id=mention.id) == (case, None)
