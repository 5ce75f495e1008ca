"""Mutes reach what is older than the newest, in parts, and end as the mutes are when they are through."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from rapport.brands.models import Brand
from rapport.inbox.tests.making import make_brand, make_user
from rapport.mentions import acts, mute_passes, muting
from rapport.mentions.acts import Pick
from rapport.mentions.models import Mention, MentionState, MuteKind, MutePass
from rapport.mentions.tests.made import make_mention, make_post
from rapport.staff.models import Role, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def brand() -> Brand:
    return make_brand()


@pytest.fixture
def lead(brand: Brand) -> User:
    return make_user(brand=brand, role=Role.LEAD)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(muting, "NEWEST", 3)
    monkeypatch.setattr(acts, "NEWEST", 3)
    monkeypatch.setattr(mute_passes, "PART", 4)


def muted() -> int:
    return Mention.objects.filter(state=MentionState.MUTED).count()


def fill(brand: Brand) -> list[Mention]:
    other = make_brand("other")
    make_mention(other, make_post("a raffle"))
    return [make_mention(brand, make_post("a raffle" if n % 2 else "no")) for n in range(20)]


def through() -> int:
    """All parts; returns how many."""
    parts = 0
    for one in MutePass.objects.all():
        while mute_passes.take_part(pass_id=one.pk):
            parts += 1
    return parts


def test_older_ones_follow_behind_and_come_back_so(brand: Brand, lead: User) -> None:
    dealt_with = fill(brand)[1]
    Mention.objects.filter(id=dealt_with.id).update(state=MentionState.SEEN)
    mute = muting.add_mute(user=lead, brand_id=brand.id, kind=MuteKind.WORD, value="raffle")
    assert muted() == 2
    one = MutePass.objects.get()
    assert one.percent == 0
    assert ProcrastinateJob.objects.filter(task_name=mute_passes.TASK).count() == 1
    assert mute_passes.take_part(pass_id=one.pk)
    one.refresh_from_db()
    assert (one.below, MutePass(top=200, below=50).percent) == (one.top - 3, 75)
    assert through() > 1
    assert not MutePass.objects.exists()
    assert muted() == 9
    muting.remove_mute(user=lead, mute_id=mute.pk)
    assert muted() == 6
    through()
    assert muted() == 0
    assert Mention.objects.get(id=dealt_with.id).state == MentionState.SEEN


def test_a_mute_that_goes_and_comes_again_ends_muted(brand: Brand, lead: User) -> None:
    fill(brand)
    first = muting.add_mute(user=lead, brand_id=brand.id, kind=MuteKind.WORD, value="raffle")
    mute_passes.take_part(pass_id=MutePass.objects.get().pk)
    muting.remove_mute(user=lead, mute_id=first.pk)
    muting.add_mute(user=lead, brand_id=brand.id, kind=MuteKind.WORD, value="raffle")
    through()
    assert muted() == 10


def test_an_author_s_old_posts_too(brand: Brand, lead: User) -> None:
    theirs = [make_mention(brand, make_post(author="spammer")) for _ in range(8)]
    done = acts.mute_authors(user=lead, picks=[Pick(theirs[0].id)])
    through()
    assert muted() == 8
    assert done.act_id is not None
    acts.undo(user=lead, act_id=done.act_id)
    through()
    assert muted() == 0


def test_what_lost_its_job_is_asked_for_again(brand: Brand, lead: User) -> None:
    fill(brand)
    muting.add_mute(user=lead, brand_id=brand.id, kind=MuteKind.WORD, value="raffle")
    ProcrastinateJob.objects.all().delete()
    assert mute_passes.sweep() == 0
    MutePass.objects.update(at=timezone.now() - timedelta(minutes=5))
    assert mute_passes.sweep() == 1
    mute_passes.go_through(pass_id=MutePass.objects.get().pk)
    assert muted() == 10
