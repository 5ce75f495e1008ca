from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from rapport.brands.models import Channel
from rapport.inbox.models import Message
from rapport.inbox.tests.making import make_brand, make_channel, make_contact, make_user, say
from rapport.listening.parse import parse
from rapport.mentions import preview
from rapport.mentions.examples import LONGEST_EXAMPLE
from rapport.mentions.models import Mention, PartnerAccount, Post
from rapport.mentions.preview import Seen, as_json, begin, from_json, look, sample, volume
from rapport.staff.models import Role, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def channel() -> Channel:
    return make_channel(make_brand())


@pytest.fixture
def lead(channel: Channel) -> User:
    return make_user("Lea Lead", brand=channel.brand, role=Role.LEAD)


def _said(channel: Channel, *texts: str, days: float = 0.5) -> list[Message]:
    ana = make_contact(channel, "Ana", "@ana")
    messages = [say(channel, ana, text) for text in texts]
    then = timezone.now() - timedelta(days=days)
    Message.objects.filter(id__in=[one.id for one in messages]).update(sent_at=then, arrived_at=then)
    return messages


def _looked(lead: User, text: str, brand_id: int | None = None) -> Seen:
    return look(user=lead, asked=parse(text), seen=begin(), seconds=60, brand_id=brand_id)


def test_it_counts_by_day_and_language_and_samples_the_newest(channel: Channel, lead: User) -> None:
    _said(channel, "an old bag", days=40)
    _said(channel, "a bag", "no luggage", days=3)
    thai = _said(channel, "กระเป๋า bag")[0]
    Message.objects.filter(id=thai.id).update(lang="th")
    seen = _looked(lead, "bag")
    assert (seen.looked, seen.found, seen.finished) == (3, 2, True)
    assert dict(seen.langs) == {"": 1, "th": 1}
    assert [count for _day, count in volume(seen) if count] == [1, 1]
    assert len(volume(seen)) == preview.DAYS + 1
    found = sample(user=lead, asked=parse("bag"), keys=seen.sample)
    assert [one.post.text for one in found] == ["กระเป๋า bag", "a bag"]
    assert [(hit.start, hit.end) for hit in found[0].why] == [(8, 11)]


def test_it_goes_on_where_it_stopped_and_finds_the_same(
    channel: Channel, lead: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    _said(channel, *(f"bag {number}" for number in range(12)), *(f"seat {number}" for number in range(9)))
    whole = _looked(lead, "bag")
    monkeypatch.setattr(preview, "_PAGE", 4)
    seen, steps = begin(), 0
    while not seen.finished:
        seen = from_json(as_json(look(user=lead, asked=parse("bag"), seen=seen, seconds=0)))
        steps += 1
    assert steps > 3
    assert (seen.looked, seen.found, seen.days, seen.sample) == (
        whole.looked, whole.found, whole.days, whole.sample,
    )  # fmt: skip
    # It ends at the newest so many, and says that there is more.
    monkeypatch.setattr(preview, "MOST", 8)
    part = _looked(lead, "bag")
    assert part.full
    assert 8 <= part.looked < 21


def test_only_what_one_may_see_and_what_would_be_a_mention(channel: Channel, lead: User) -> None:
    _said(make_channel(make_brand("bistro")), "a bag elsewhere")
    _said(channel, "a bag here")
    gone = _said(channel, "a bag that is gone")[0]
    Message.objects.filter(id=gone.id).update(deleted_at=timezone.now())
    private = _said(channel, "a bag in private")[0]
    Message.objects.filter(id=private.id).update(visibility="private")
    ours = say(channel, None, "our bag")
    Message.objects.filter(id=ours.id).update(sent_at=timezone.now())
    assert _looked(lead, "bag").found == 1
    # What was sampled and may no longer be seen is not shown.
    assert sample(user=lead, asked=parse("bag"), keys=[f"m{private.id}", f"m{gone.id}"]) == []
    PartnerAccount.objects.create(brand=channel.brand, handle="ana")
    assert _looked(lead, "bag", brand_id=channel.brand_id).found == 0


def test_posts_that_no_channel_heard_are_looked_at_once(channel: Channel, lead: User) -> None:
    now = timezone.now()
    heard = _said(channel, "a bag on a channel")[0]
    for brand, external_id, message in (
        (channel.brand, "p1", None), (channel.brand, "p2", heard), (make_brand("bistro"), "p3", None),
    ):  # fmt: skip
        post = Post.objects.create(
            network="elsewhere",
            external_id=external_id,
            text="a bag",
            lang="en",
            sent_at=now,
            message=message,
        )
        Mention.objects.create(brand=brand, post=post, sent_at=now)
    seen = _looked(lead, "bag")
    assert seen.found == 2
    assert {one.post.id for one in sample(user=lead, asked=parse("bag"), keys=seen.sample)} == {
        "p1", heard.external_id,
    }  # fmt: skip


def test_its_statements_do_not_grow_with_the_messages(channel: Channel, lead: User) -> None:
    counts = []
    for more in (5, 40):
        _said(channel, *(f"bag {number}" for number in range(more)))
        with CaptureQueriesContext(
            connection,
        ) as asked:
            _looked(lead, "bag")
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_long_texts_are_read_a_few_at_a_time(
    channel: Channel, lead: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    _said(channel, *(f"bag {number} " + "😡" * 100 for number in range(10)))
    whole = _looked(lead, "bag")
    monkeypatch.setattr(preview, "_PAGE_BYTES", 1000)
    seen, counts = begin(), []
    while not seen.finished:
        before = seen.looked
        seen = look(user=lead, asked=parse("bag"), seen=seen, seconds=0)
        counts.append(seen.looked - before)
    assert [count for count in counts if count] == [3, 3, 3, 1]
    assert (seen.found, seen.sample) == (whole.found, whole.sample)


def test_of_a_long_text_the_part_is_shown_that_is_why(channel: Channel, lead: User) -> None:
    text = "some words " * 2000 + "and then a bag"
    late, nowhere = _said(channel, text, "luggage " + "some words " * 2000 + "and a bag")
    asked = parse("bag AND then OR luggage AND bag")
    keys = [f"m{late.id}", f"m{nowhere.id}"]
    found, apart = sample(user=lead, asked=asked, keys=keys)
    assert {text[hit.start : hit.end] for hit in found.why} == {"bag", "then"}
    part = text[found.start : found.start + LONGEST_EXAMPLE]
    assert "then a bag" in part
    # No part of it is found by itself, yet it is.
    assert (apart.start, apart.why) == (0, ())


def test_a_sample_is_there_though_its_places_take_too_long(channel: Channel, lead: User) -> None:
    near = parse(" OR ".join(f"(lorem NEAR/9 ipsu{number})" for number in range(300)))
    keys = [f"m{one.id}" for one in _said(channel, *["lorem ipsu1 " * 8000] * 3)]
    found = sample(user=lead, asked=near, keys=keys, seconds=0)
    assert [(one.key, one.why) for one in found] == [(key, ()) for key in keys]
    assert sample(user=lead, asked=parse("elephant"), keys=keys, seconds=0) == []
