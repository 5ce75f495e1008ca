"""Many mentions at once: seen, spam, muted, and back as one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rapport.audit.models import AuditEntry
from rapport.brands.models import Brand
from rapport.inbox.tests.making import START, make_brand, make_channel, make_user
from rapport.lib.errors import Conflict, NotFound
from rapport.mentions import acts
from rapport.mentions.acts import Pick, mark_seen, mark_spam, mute_authors, undo
from rapport.mentions.handling import make_case
from rapport.mentions.models import Mention, MentionState, Mute
from rapport.mentions.muting import add_mute, remove_mute
from rapport.mentions.tests.made import make_mention, make_post
from rapport.staff.models import Role, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def brand() -> Brand:
    return make_brand()


@pytest.fixture
def lead(brand: Brand) -> User:
    return make_user(brand=brand, role=Role.LEAD)


def states(*mentions: Mention) -> list[str]:
    by_id = dict(Mention.objects.values_list("id", "state"))
    return [by_id[one.id] for one in mentions]


def test_seen_takes_what_is_folded_along_and_undo_gives_all_back(brand: Brand, lead: User) -> None:
    first, second = make_mention(brand), make_mention(brand, state=MentionState.SPAM)
    copy = make_mention(brand, folded_into=first)
    done = mark_seen(user=lead, picks=[Pick(first.id, 1), Pick(second.id, 1)])
    assert states(first, second, copy) == ["seen", "seen", "seen"]
    assert set(done.done) == {first.id, second.id}
    entry = AuditEntry.objects.get(action="mention.seen")
    assert (entry.actor, entry.data["mentions"]) == (lead, sorted([first.id, second.id, copy.id]))
    assert done.act_id is not None
    undo(user=lead, act_id=done.act_id)
    assert states(first, second, copy) == ["new", "spam", "new"]
    with pytest.raises(Conflict):
        undo(user=lead, act_id=done.act_id)


def test_what_a_colleague_changed_meanwhile_is_left_by_the_act_and_by_its_undo(
    brand: Brand, lead: User
) -> None:
    mine, theirs = make_mention(brand), make_mention(brand)
    done = mark_spam(user=lead, picks=[Pick(mine.id, 1), Pick(theirs.id, 7)])
    assert (done.done, done.left) == ((mine.id,), 1)
    mark_seen(user=make_user(brand=brand), picks=[Pick(mine.id, 2)])
    assert done.act_id is not None
    assert undo(user=lead, act_id=done.act_id).left == 1
    assert states(mine, theirs) == ["seen", "new"]


def test_a_case_is_not_put_away(brand: Brand, lead: User) -> None:
    make_channel(brand)
    mention = make_mention(brand)
    make_case(user=lead, mention_id=mention.id)
    assert mark_spam(user=lead, picks=[Pick(mention.id)]).act_id is None
    assert states(mention) == ["case"]


def test_a_muted_author_is_out_of_the_brand_s_list_and_back_with_undo(brand: Brand, lead: User) -> None:
    other = make_brand("other")
    said = [make_mention(brand, make_post(author="Loud")) for _ in range(2)]
    elsewhere = make_mention(brand, make_post(author="Loud", network="elsewhere"))
    apart = make_mention(other, make_post(author="Loud"))
    done = mute_authors(user=lead, picks=[Pick(said[0].id, 1)])
    assert states(*said, elsewhere, apart) == ["muted", "muted", "new", "new"]
    mute = Mute.objects.get()
    assert (mute.brand, mute.network, mute.value, mute.created_by) == (brand, "somewhere", "loud", lead)
    assert done.act_id is not None
    undo(user=lead, act_id=done.act_id)
    assert states(*said) == ["new", "new"]
    assert not Mute.objects.exists()


def test_each_may_do_only_what_their_role_says_and_only_undo_their_own(brand: Brand, lead: User) -> None:
    mention = make_mention(brand)
    for person in (make_user(brand=brand, role=Role.VIEWER), make_user(brand=make_brand("other"))):
        assert mark_seen(user=person, picks=[Pick(mention.id)]).left == 1
    agent = make_user(brand=brand)
    assert mute_authors(user=agent, picks=[Pick(mention.id)]).left == 1
    assert states(mention) == ["new"]
    done = mark_seen(user=agent, picks=[Pick(mention.id)])
    assert done.act_id is not None
    with pytest.raises(NotFound):
        undo(user=lead, act_id=done.act_id)


def test_who_copied_a_muted_author_is_not_muted(brand: Brand, lead: User) -> None:
    head = make_mention(brand, make_post(author="Loud"), fold_key="t:1", copies=1)
    copy = make_mention(brand, make_post(author="Other"), fold_key="t:1", folded_into=head)
    done = mute_authors(user=lead, picks=[Pick(head.id)])
    copy.refresh_from_db()
    assert (states(head, copy), copy.folded_into) == (["muted", "new"], None)
    assert done.act_id is not None
    undo(user=lead, act_id=done.act_id)
    copy.refresh_from_db()
    assert (states(head, copy), copy.folded_into) == (["new", "new"], head)


def test_undoing_a_mute_gives_back_what_came_in_between(brand: Brand, lead: User) -> None:
    said = make_mention(brand, make_post(author="Loud"))
    done = mute_authors(user=lead, picks=[Pick(said.id)])
    between = make_mention(brand, make_post(author="Loud"), state=MentionState.MUTED)
    assert done.act_id is not None
    undo(user=lead, act_id=done.act_id)
    assert states(said, between) == ["new", "new"]


def test_undo_gives_back_who_had_handled_it(brand: Brand, lead: User) -> None:
    colleague, mention = make_user(brand=brand), make_mention(brand)
    mark_seen(user=colleague, picks=[Pick(mention.id)])
    mention.refresh_from_db()
    seen_at = mention.handled_at
    done = mark_spam(user=lead, picks=[Pick(mention.id)])
    assert done.act_id is not None
    undo(user=lead, act_id=done.act_id)
    mention.refresh_from_db()
    assert (mention.state, mention.handled_by, mention.handled_at) == ("seen", colleague, seen_at)


def test_what_is_heard_again_was_handled_by_nobody(brand: Brand, lead: User) -> None:
    mention = make_mention(brand, make_post(author="Loud"))
    mute_authors(user=lead, picks=[Pick(mention.id)])
    remove_mute(user=lead, mute_id=Mute.objects.get().pk)
    mention.refresh_from_db()
    assert (mention.state, mention.handled_by, mention.handled_at) == ("new", None, None)


def test_only_the_newest_of_a_muted_author_are_gone_through(
    brand: Brand, lead: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acts, "NEWEST", 2)
    old, *new = [
        make_mention(brand, make_post(author="Loud", sent_at=START + timedelta(n))) for n in range(3)
    ]
    mute_authors(user=lead, picks=[Pick(new[0].id)])
    assert states(old, *new) == ["new", "muted", "muted"]


def test_an_author_who_is_muted_already_is_muted_once(brand: Brand, lead: User) -> None:
    add_mute(user=lead, brand_id=brand.id, kind="author", value="loud", network="somewhere")
    mention = make_mention(brand, make_post(author="Loud"))
    done = mute_authors(user=lead, picks=[Pick(mention.id)])
    assert (states(mention), Mute.objects.count()) == (["muted"], 1)
    assert done.act_id is not None
    undo(user=lead, act_id=done.act_id)
    assert Mute.objects.count() == 1


def test_whoever_puts_away_waits_for_whoever_folds_before_taking_rows(brand: Brand, lead: User) -> None:
    mention = make_mention(brand)
    with CaptureQueriesContext(connection) as ran:
        mark_seen(user=lead, picks=[Pick(mention.id)])
    said = [one["sql"] for one in ran]
    lock = next(n for n, sql in enumerate(said) if "pg_advisory_xact_lock" in sql)
    rows = next(n for n, sql in enumerate(said) if "FOR NO KEY UPDATE" in sql)
    assert lock < rows
