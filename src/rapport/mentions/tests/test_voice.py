"""Share of voice, counted another way by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rapport.brands.models import Brand
from rapport.inbox.models import Turn
from rapport.inbox.tests.making import START, make_brand, make_channel, make_user
from rapport.lib.errors import NotFound
from rapport.mentions.handling import make_case
from rapport.mentions.models import Denominator, Match, Mention, MentionState, Query, QueryKind
from rapport.mentions.tests.made import make_mention, make_post, make_query
from rapport.mentions.voice import Compared, compare
from rapport.staff.models import User

pytestmark = pytest.mark.django_db


def also(mention: Mention, query: Query) -> None:
    Match.objects.create(mention=mention, query=query, version=query.version, sent_at=mention.sent_at)


def test_each_query_its_part_with_what_it_is_a_part_of() -> None:
    brand = make_brand()
    channel = make_channel(brand)
    lead = make_user(brand=brand, role="lead")
    one, two = make_query(brand, "bag"), make_query(brand, "case")
    rival = make_query(brand, "ship", kind=QueryKind.COMPETITOR)
    make_query(brand, "sea", kind=QueryKind.TOPIC)
    day = timedelta(days=1)
    first = make_mention(brand, make_post("bag", author="ana", author_id_there="a"), query=one, reach=10)
    also(first, two)
    make_mention(
        brand,
        make_post("bag", author="ana", author_id_there="a", lang="de", sent_at=START + day),
        query=one,
        reach=5,
    )
    make_mention(brand, make_post("ship"), query=rival)
    make_mention(brand, make_post("bag"), query=one, state=MentionState.SPAM)
    make_mention(brand, make_post("bag", sent_at=START + 5 * day), query=one)
    make_mention(make_brand("other"), make_post("bag"), query=make_query(make_brand("third"), "bag"))
    Denominator.objects.create(source_key="channels", at=START, heard=400, matched=4)
    make_case(user=lead, mention_id=first.id)
    assert Turn.objects.count() == 1
    Turn.objects.update(answered_at=START + timedelta(minutes=5), response_s=300)
    found = _compare(brand, lead)
    assert (found.whole, found.heard) == (3, 400)
    assert [(v.query, v.mentions, v.authors, v.reach) for v in found.voices] == [
        (None, 2, 1, 15), (one, 2, 1, 15), (two, 1, 1, 10), (rival, 1, 1, 0),
    ]  # fmt: skip
    assert [round(v.share or 0, 3) for v in found.voices] == [0.667, 0.667, 0.333, 0.333]
    assert found.voices[0].languages == (("de", 1), ("en", 1))
    assert found.voices[0].days == (1, 1)
    assert (found.answers.cases, found.answers.answered, found.answers.median_s) == (1, 1, 300)
    assert channel.cases.count() == 1
    with pytest.raises(NotFound):
        _compare(brand, make_user(brand=make_brand("fourth")))


def _compare(brand: Brand, user: User) -> Compared:
    dates = [START.date(), (START + timedelta(days=1)).date()]
    return compare(
        user=user,
        brand=brand,
        since=START - timedelta(hours=12),
        until=START + timedelta(hours=36),
        dates=dates,
    )
