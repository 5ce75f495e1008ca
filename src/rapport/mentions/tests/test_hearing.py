"""What is heard is matched and stored once, whatever comes again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from rapport.brands.models import Brand
from rapport.inbox.tests.making import make_brand, make_channel
from rapport.mentions.hearing import hear
from rapport.mentions.models import Denominator, Gone, Match, Mention, MentionState, PartnerAccount, Post
from rapport.mentions.tests.making import at, change_query, heard, make_query

pytestmark = pytest.mark.django_db
SOURCE = "source:1"


@pytest.fixture
def brand() -> Brand:
    return make_brand()


def states() -> dict[str, str]:
    return dict(Mention.objects.values_list("post__external_id", "state"))


def test_what_matches_is_stored_with_why_and_the_rest_is_counted(brand: Brand) -> None:
    query = make_query(brand, "aero lounge")
    batch = [
        heard("1", "The Aero lounge is closed", lang="en", followers=7),
        heard("2", "Nothing to do with it", lang="en"),
    ]
    assert hear(batch, source_key=SOURCE) == 1
    assert hear(batch, source_key=SOURCE) == 1

    mention = Mention.objects.select_related("post").get()
    assert (mention.brand_id, mention.post.external_id, mention.state) == (brand.id, "1", "new")
    assert (mention.kinds, mention.reach, mention.copies) == (["brand"], 7, 0)
    match = Match.objects.get()
    assert (match.mention_id, match.query_id, match.version_id) == (mention.id, query.pk, query.version_id)
    assert match.why == [["text", 4, 8, "aero"], ["text", 9, 15, "lounge"]]
    assert Post.objects.count() == 1
    counted = Denominator.objects.get()
    # What matched is counted once, what did not as often as its source told it.
    assert (counted.source_key, counted.lang, counted.heard, counted.matched) == (SOURCE, "en", 3, 1)
    assert counted.at == at(0)


def test_one_mention_of_a_brand_however_many_of_its_queries_match(brand: Brand) -> None:
    other = make_brand("zeta")
    make_query(brand, "aero")
    make_query(brand, "lounge", kind="topic")
    make_query(other, "lounge", kind="competitor")
    hear([heard("1", "aero lounge")], source_key=SOURCE)
    found = {m.brand_id: m for m in Mention.objects.prefetch_related("matches")}
    assert found[brand.id].kinds == ["brand", "topic"]
    assert found[brand.id].matches.count() == 2
    assert found[other.id].kinds == ["competitor"]


def test_a_changed_query_is_live_with_the_next_batch(brand: Brand) -> None:
    query = make_query(brand, "aero")
    hear([heard("1", "zeta"), heard("2", "aero")], source_key=SOURCE)
    change_query(query, "zeta")
    hear([heard("3", "zeta"), heard("4", "aero")], source_key=SOURCE)
    assert set(states()) == {"2", "3"}
    assert set(Match.objects.values_list("version__number", flat=True)) == {1, 2}
    query.state = "paused"
    query.save(update_fields=["state"])
    change_query(query, "zeta")
    assert hear([heard("5", "zeta")], source_key=SOURCE) == 0


def test_an_edit_is_matched_again(brand: Brand) -> None:
    make_query(brand, "aero")
    make_query(brand, "zeta")
    hear([heard("1", "aero"), heard("2", "aero"), heard("3", "aero")], source_key=SOURCE)
    Mention.objects.filter(post__external_id="3").update(state=MentionState.SEEN, handled_at=at(1))
    edits = [heard("1", "zeta", edited_at=at(5)), heard("2", "nothing", edited_at=at(5)),
             heard("3", "nothing", edited_at=at(5))]  # fmt: skip
    hear(edits, source_key=SOURCE)
    hear([heard("1", "aero"), heard("2", "aero")], source_key=SOURCE)  # the old words come late
    posts = {post.external_id: post for post in Post.objects.all()}
    assert set(posts) == {"1", "3"}
    assert (posts["1"].text, posts["1"].edited_at) == ("zeta", at(5))
    assert [match.why for match in Match.objects.filter(mention__post=posts["1"])] == [
        [["text", 0, 4, "zeta"]]
    ]
    # What somebody dealt with stays with what they saw; its words are those of now.
    assert Match.objects.filter(mention__post=posts["3"]).count() == 1
    assert states() == {"1": "new", "3": "seen"}
    assert Mention.objects.get(post=posts["1"]).version == 2


def test_a_deletion_follows_and_may_come_first(brand: Brand) -> None:
    make_query(brand, "aero")
    hear([heard("1", "aero"), heard("2", "aero")], source_key=SOURCE)
    Mention.objects.filter(post__external_id="2").update(state=MentionState.SPAM, handled_at=at(1))
    hear([heard(one, "", deleted=True) for one in ("1", "2", "3")], source_key=SOURCE)
    hear([heard(one, "aero") for one in ("1", "2", "3")], source_key=SOURCE)
    assert states() == {"2": "spam"}
    assert Post.objects.get().deleted_at is not None
    assert set(Gone.objects.values_list("external_id", flat=True)) == {"1", "3"}


def test_our_own_and_partners_accounts_are_no_mentions(brand: Brand) -> None:
    other = make_brand("zeta")
    ours = make_channel(brand)
    PartnerAccount.objects.create(brand=brand, network="", handle="agency")
    make_query(brand, "aero")
    make_query(other, "aero")
    hear(
        [
            heard("1", "aero", author="x", author_id=ours.external_id),
            heard("2", "aero", author=ours.handle.upper()),
            heard("3", "aero", author="Agency", author_id="anybody"),
            heard("4", "aero", author="ana"),
        ],
        source_key=SOURCE,
    )
    found = Mention.objects.values_list("brand_id", "post__external_id")
    assert {post for brand_id, post in found if brand_id == brand.id} == {"4"}
    assert {post for brand_id, post in found if brand_id == other.id} == {"1", "2", "3", "4"}


def test_hostile_posts_are_stored_as_far_as_can_be(brand: Brand) -> None:
    make_query(brand, "aero")
    hear(
        [
            heard("1\x00", "aero \x00 \ud800", author="x" * 900, url="https://" + "a" * 3000, lang="y" * 99,
                  followers=2**80, likes=-3, tags=("t" * 5000,)),
            heard("2", "aero", created_at=at(0) + timedelta(days=365 * 5000)),
            heard("3", "aero", created_at=None),
        ],
        source_key=SOURCE,
    )  # fmt: skip
    first = Post.objects.get(author__startswith="x")
    assert (first.likes, first.followers) == (0, 10**12)
    assert all(post.sent_at <= post.arrived_at for post in Post.objects.all())
    with pytest.raises(ValueError, match="its id"):
        hear([heard("", "aero")], source_key=SOURCE)


def test_what_many_with_endless_followers_repeat_is_still_counted(brand: Brand) -> None:
    make_query(brand, "aero")
    text = "aero lost my bags again and nobody at the desk could say where they went"
    hear(
        [heard(str(n), text, minutes=n, author=f"a{n}", followers=2**80) for n in range(3)], source_key=SOURCE
    )
    assert Mention.objects.get(copies=2).reach == 3 * 10**12


def test_a_query_saved_after_an_edit_finds_the_edited_words(brand: Brand) -> None:
    make_query(brand, "zeta")
    edit = heard("1", "aero", edited_at=at(5))
    hear([edit, heard("2", "", deleted=True)], source_key=SOURCE)
    assert set(Gone.objects.values_list("external_id", flat=True)) == {"1", "2"}
    make_query(brand, "aero")
    hear([heard("1", "aero", edited_at=at(4)), heard("2", "aero", edited_at=at(5))], source_key=SOURCE)
    assert states() == {}
    hear([edit], source_key=SOURCE)
    assert states() == {"1": "new"}


def test_strangers_cannot_make_slots_without_end(brand: Brand) -> None:
    make_query(brand, "aero")
    now = timezone.now()
    said = [heard(f"old{n}", "x", created_at=at(0) - timedelta(days=3000 + n)) for n in range(5)]
    said += [
        heard(f"odd{n}", "x", created_at=now, lang=lang) for n, lang in enumerate(("xx1", "y" * 16, "?", ""))
    ]
    said += [
        heard(f"is{n}", "x", created_at=now, lang=lang) for n, lang in enumerate(("pt-BR", "PT_pt", "pt"))
    ]
    month = now - timedelta(days=40)
    said += [heard(f"m{n}", "x", created_at=month.replace(minute=n * 10)) for n in range(6)]
    hear(said, source_key=SOURCE)
    hour = month.replace(minute=0, second=0, microsecond=0)
    old = datetime(1970, 1, 1, tzinfo=UTC)
    assert {(one.at, one.lang, one.heard) for one in Denominator.objects.filter(at__lte=hour)} == {
        (old, "", 5), (hour, "", 6),
    }  # fmt: skip
    recent = Denominator.objects.filter(at__gt=hour)
    assert sorted((one.lang, one.heard) for one in recent) == [("", 4), ("pt", 3)]
