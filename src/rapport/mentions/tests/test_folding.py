"""What repeats another mention is shown under it, whatever the order in which they come."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from rapport.brands.models import Brand
from rapport.inbox.tests.making import make_brand, make_user
from rapport.mentions.acts import Pick, mute_authors, undo
from rapport.mentions.hearing import Heard, hear
from rapport.mentions.likeness import likeness
from rapport.mentions.models import Gone, Match, Mention, Mute, MuteKind, Post
from rapport.mentions.settling import mute
from rapport.mentions.tests.making import at, heard, make_query
from rapport.staff.models import Role

DAY = 24 * 60
LONG = "aero lost my bags again and nobody at the desk could say where they went"
OTHER = "aero brought me home on time and the crew was kind to all of us tonight"


@pytest.fixture
def brand(db: None) -> Brand:
    brand = make_brand()
    make_query(brand, "aero")
    return brand


def folded() -> dict[str, str | None]:
    rows = Mention.objects.values_list("post__external_id", "folded_into__post__external_id")
    return dict(rows)


def sums(post_id: str) -> tuple[int, int]:
    return Mention.objects.values_list("copies", "reach").get(post__external_id=post_id)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (LONG, f"RT @ana: {LONG.upper()}!! https://example.com/x", True),
        (f"{LONG} 12", f"@bo {LONG} 13 🙂", True),
        (LONG, f"{LONG} today", False),
        (LONG, OTHER, False),
        ("aero is great", "aero is great", False),  # many say that by themselves
        ("航空会社が荷物をなくしたのでとても困っていますどうすればいいですか", "航空会社が荷物をなくしたのでとても困っていますどうすればいいですか！", True),
    ],
)  # fmt: skip
def test_texts_say_the_same(one: str, other: str, same: bool) -> None:
    assert (likeness(one) == likeness(other) != "") is same


def test_copies_of_a_week_are_one(brand: Brand) -> None:
    batch = [
        heard("1", LONG, followers=10),
        heard("2", f"{LONG}!", minutes=5, followers=3, author="bo"),
        heard("3", LONG, minutes=7 * DAY, author="cy"),
        heard("4", LONG, minutes=7 * DAY + 1, author="di", followers=1),
        heard("5", LONG, minutes=9 * DAY, author="ed", followers=2),
    ]
    for one in batch:
        hear([one], source_key="source:1")
    assert folded() == {"1": None, "2": "1", "3": "1", "4": None, "5": "4"}
    assert sums("1") == (2, 13)
    assert sums("4") == (1, 3)


def test_an_original_that_comes_late_gathers_its_reposts(brand: Brand) -> None:
    repost = {"is_repost": True, "original_id": "o"}
    hear([heard("r2", "aero x", minutes=9, followers=2, **repost)], source_key="source:1")
    hear([heard("r1", "aero x", minutes=8, followers=1, **repost)], source_key="source:1")
    assert folded() == {"r1": None, "r2": "r1"}
    hear([heard("o", f"{LONG} x", minutes=7, followers=5)], source_key="source:1")
    assert folded() == {"o": None, "r1": "o", "r2": "o"}
    assert sums("o") == (2, 8)
    # The original was itself a copy.
    hear([heard("p", f"{LONG} x", minutes=1, followers=100)], source_key="source:1")
    assert folded() == {"p": None, "o": "p", "r1": "p", "r2": "p"}
    assert (sums("p"), sums("o")) == ((3, 108), (0, 5))
    # It is taken back: everything is as it was.
    hear([heard("p", "", deleted=True)], source_key="source:1")
    assert folded() == {"o": None, "r1": "o", "r2": "o"}
    assert sums("o") == (2, 8)


def test_what_is_muted_hides_nobody_else(brand: Brand) -> None:
    hear([heard("1", LONG, followers=5), heard("2", LONG, minutes=1, author="bo")], source_key="source:1")
    first = Mention.objects.get(post__external_id="1")
    with transaction.atomic():
        mute([first.id], muted=True)
    assert folded() == {"1": None, "2": None}
    hear([heard("3", LONG, minutes=2, author="cy")], source_key="source:1")
    assert folded() == {"1": None, "2": None, "3": "2"}
    with transaction.atomic():
        mute([first.id], muted=False)
    assert folded() == {"1": None, "2": "1", "3": "1"}
    assert sums("1") == (2, 5)


def said(one: Heard) -> datetime:
    assert one.post.created_at is not None
    return one.post.created_at


def expected(posts: Sequence[Heard]) -> dict[str, tuple[str | None, int, int]]:
    """Head, copies and reach by the rule's own words, of what is left in the end."""
    newest: dict[str, Heard] = {}
    for one in posts:
        key = (one.deleted, one.edited_at or at(-1))
        if one.post.id not in newest or key > (
            newest[one.post.id].deleted,
            newest[one.post.id].edited_at or at(-1),
        ):
            newest[one.post.id] = one
    kept = sorted(
        (one for one in newest.values() if not one.deleted and "aero" in one.post.text),
        key=lambda one: (said(one), one.post.id),
    )  # fmt: skip
    head: dict[str, str | None] = {}
    for one in kept:
        if one.original_id:
            continue
        alike = [
            other for other in kept
            if not other.original_id and head.get(other.post.id, "") is None
            and likeness(other.post.text) == likeness(one.post.text) != ""
        ]  # fmt: skip
        last = alike[-1] if alike else None
        near = last is not None and said(one) - said(last) <= timedelta(days=7)
        head[one.post.id] = last.post.id if last is not None and near else None
    for one in kept:
        if one.original_id:
            original = next((o for o in kept if o.post.id == one.original_id and not o.original_id), None)
            first = next(o for o in kept if o.original_id == one.original_id)
            root = head[original.post.id] or original.post.id if original else first.post.id
            head[one.post.id] = root if root != one.post.id else None
    followers = {one.post.id: one.post.followers or 0 for one in kept}
    found = {}
    for post_id, root in head.items():
        under = [other for other, into in head.items() if into == post_id]
        found[post_id] = (root, len(under), followers[post_id] + sum(followers[other] for other in under))
    return found


@st.composite
def histories(draw: st.DrawFn) -> list[Heard]:
    """Some posts with their edits and deletions, which people wrote by copying one another."""
    told: list[Heard] = []
    for number in range(draw(st.integers(1, 7))):
        post_id = f"p{number}"
        same: dict[str, Any] = {
            "minutes": draw(st.integers(0, 20)) * DAY,
            "author": draw(st.sampled_from("xyz")),
        }
        if number and draw(st.booleans()):
            same |= {"original_id": f"p{draw(st.integers(0, number - 1))}", "is_repost": True}
            if any(one.post.id == same["original_id"] and one.original_id for one in told):
                del same["original_id"], same["is_repost"]
        for version in range(draw(st.integers(1, 3))):
            text = draw(st.sampled_from([LONG, LONG, OTHER, "aero", "nothing of it"]))
            edited = at(version) if version else None
            told.append(heard(post_id, text, edited_at=edited, followers=draw(st.integers(0, 99)), **same))
        if draw(st.integers(0, 5)) == 0:
            told.append(heard(post_id, "", deleted=True, **same))
    return told


class AnyOrder(TestCase):
    def tables(self) -> dict[str, Any]:
        return {
            "mentions": {
                row[0]: row[1:]
                for row in Mention.objects.values_list(
                    "post__external_id", "state", "kinds", "relevance", "reach", "copies", "fold_key", "sent_at",
                    "folded_into__post__external_id",
                )
            },
            "posts": sorted(
                Post.objects.values_list("external_id", "text", "author", "followers", "sent_at", "edited_at",
                                         "deleted_at", "likeness", "original_external_id"),
                key=str,
            ),
            "matches": sorted(
                Match.objects.values_list("mention__post__external_id", "query__name", "version__number", "why"),
                key=str,
            ),
            "gone": sorted(Gone.objects.values_list("external_id", "edited_at"), key=str),
        }  # fmt: skip

    @given(histories(), st.integers(0, 2**32), st.booleans())
    @settings(
        max_examples=40, deadline=None, phases=(Phase.generate,), suppress_health_check=[HealthCheck.too_slow]
    )
    def test_any_order_and_any_repetition_gives_the_same(
        self, told: list[Heard], seed: int, muting: bool
    ) -> None:
        brand = make_brand()
        make_query(brand, "aero", name="one")
        make_query(brand, "bags OR crew", name="two", kind="topic")
        if muting:
            Mute.objects.create(brand=brand, kind=MuteKind.AUTHOR, value="x")
        chance = random.Random(seed)
        results = []
        for _time in range(2):
            order = [*told, *chance.sample(told, chance.randint(0, len(told)))]
            chance.shuffle(order)
            cuts = sorted({0, len(order), *(chance.randint(0, len(order)) for _ in range(3))})
            for start, end in itertools.pairwise(cuts):
                hear(order[start:end], source_key="source:1")
            results.append(self.tables())
            if not muting:
                rows = Mention.objects.values_list(
                    "post__external_id", "folded_into__post__external_id", "copies", "reach"
                )
                assert {row[0]: row[1:] for row in rows} == expected(told)
            Post.objects.all().delete()
            Gone.objects.all().delete()
        assert results[0] == results[1]


def test_who_is_muted_hides_nobody_who_copied_them(brand: Brand) -> None:
    lead = make_user(brand=brand, role=Role.LEAD)
    hear([heard("1", LONG, author="bo"), heard("2", LONG, minutes=1, author="cy"),
          heard("3", "aero", author="bo")], source_key="source:1")  # fmt: skip
    done = mute_authors(user=lead, picks=[Pick(Mention.objects.get(post__external_id="3").id)])
    assert folded() == {"1": None, "2": None, "3": None}
    assert Mention.objects.get(post__external_id="2").state == "new"
    assert done.act_id is not None
    undo(user=lead, act_id=done.act_id)
    assert folded() == {"1": None, "2": "1", "3": None}
