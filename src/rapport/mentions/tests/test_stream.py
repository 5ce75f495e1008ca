"""The stream: each mention once, in order, whatever it is narrowed to, and cheaply."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rapport.brands.models import Brand
from rapport.inbox.tests.making import START, make_brand, make_user
from rapport.lib.errors import Invalid, NotFound
from rapport.mentions import stream
from rapport.mentions.models import Mention, MentionState, Post, QueryKind
from rapport.mentions.stream import (
    MentionRow,
    StreamFilters,
    list_mentions,
    new_count,
    state_counts,
)
from rapport.mentions.stream_detail import choices, mention_detail
from rapport.mentions.tests.made import make_mention, make_post, make_query
from rapport.staff.models import Membership, Role, User

pytestmark = pytest.mark.django_db
MANY = 3000


@pytest.fixture
def brand() -> Brand:
    return make_brand()


@pytest.fixture
def agent(brand: Brand) -> User:
    return make_user(brand=brand)


def fill(brand: Brand, many: int = MANY, states: tuple[str, ...] = ("new", "new", "seen")) -> None:
    """Mentions with ties in every order; each tenth is folded into the one before it."""
    posts = Post.objects.bulk_create(
        Post(network="somewhere", external_id=f"{brand.slug}{n}", text=f"post {n} bag", lang="en" if n % 2 else "de",
             sent_at=START + timedelta(minutes=n // 3))
        for n in range(many)
    )  # fmt: skip
    made = Mention.objects.bulk_create(
        Mention(brand=brand, post=post, state=states[n % len(states)], kinds=["brand"], relevance=n % 7,
                reach=(n * 37) % 500, sent_at=post.sent_at)
        for n, post in enumerate(posts)
    )  # fmt: skip
    for before, one in zip(made[::10], made[1::10], strict=False):
        one.folded_into = before
    Mention.objects.bulk_update(made[1::10], ["folded_into"])


def walk(user: User, filters: StreamFilters, limit: int = 190) -> Iterator[MentionRow]:
    after = None
    while True:
        page = list_mentions(user=user, filters=filters, after=after, limit=limit)
        yield from page.rows
        after = page.next_cursor
        if after is None:
            return


@pytest.mark.parametrize("order", ["newest", "relevance", "reach"])
def test_pages_show_each_once_in_order_over_brands_and_states(brand: Brand, agent: User, order: str) -> None:
    other, hidden = make_brand("other"), make_brand("hidden")
    Membership.objects.create(user=agent, brand=other, role=Role.VIEWER)
    for one in (brand, other, hidden):
        fill(one, MANY // 3)
    shown = [row.id for row in walk(agent, StreamFilters(state="", order=order))]
    column = {"newest": [], "relevance": ["-relevance"], "reach": ["-reach"]}[order]
    expected = Mention.objects.filter(brand__in=[brand, other], folded_into=None).order_by(
        *column, "-sent_at", "-id"
    )
    assert shown == list(expected.values_list("id", flat=True))
    assert len(shown) > 1500


def test_a_page_of_thousands_reads_one_index_and_no_more_rows_than_it_shows(
    brand: Brand, agent: User
) -> None:
    fill(brand)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE mentions_mention; ANALYZE mentions_post")
    for order, index in (("newest", "mention_list"), ("relevance", "mention_by_relevance"),
                         ("reach", "mention_by_reach")):  # fmt: skip
        with CaptureQueriesContext(connection) as ran:
            list_mentions(user=agent, filters=StreamFilters(order=order))
        sql = next(one["sql"] for one in ran if "LATERAL" in one["sql"])
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) " + sql)
            plan = "\n".join(row[0] for row in cursor.fetchall())
        assert f"using {index} on" in plan, plan
        assert "Seq Scan on mentions_mention" not in plan
        assert "actual rows=41" in plan


def test_narrowing(brand: Brand, agent: User) -> None:
    query = make_query(brand, "bag", kind=QueryKind.COMPETITOR)
    post = make_post(
        "Lost BAG at the gate", lang="de", network="elsewhere", sent_at=START + timedelta(days=1)
    )
    wanted = make_mention(brand, post, query=query)
    make_mention(brand)
    make_mention(brand, state=MentionState.SPAM)
    for filters in (
        StreamFilters(query_id=query.id),
        StreamFilters(kind="competitor"),
        StreamFilters(lang="de"),
        StreamFilters(network="elsewhere"),
        StreamFilters(since=START + timedelta(hours=1)),
        StreamFilters(text="gate bag"),
        StreamFilters(brand_id=brand.id, text="%"),
    ):
        ids = [row.id for row in walk(agent, filters)]
        assert ids == ([] if filters.text == "%" else [wanted.id]), filters
    assert [row.id for row in walk(agent, StreamFilters(brand_id=brand.id + 1))] == []
    assert choices(user=agent) == {
        "queries": [query],
        "networks": ["elsewhere", "somewhere"],
        "langs": ["de", "en"],
    }


def test_why_it_was_found_is_in_the_row_and_in_the_detail_with_what_is_folded(
    brand: Brand, agent: User
) -> None:
    query = make_query(brand, "bag", name="Bags")
    mention = make_mention(brand, make_post("My bag"), query=query, copies=1)
    copy = make_mention(brand, folded_into=mention)
    [row] = walk(agent, StreamFilters())
    detail = mention_detail(user=agent, mention_id=mention.id)
    assert row.found == detail.found
    [found] = row.found
    assert (found.name, found.number, found.terms, found.why) == (
        "Bags",
        1,
        ("bag",),
        (("text", 3, 6, "bag"),),
    )
    assert detail.copies == (copy,)
    with pytest.raises(NotFound):
        mention_detail(user=make_user(brand=make_brand("other")), mention_id=mention.id)


def test_counts_leave_out_copies_and_other_brands(brand: Brand, agent: User) -> None:
    first = make_mention(brand)
    make_mention(brand, folded_into=first)
    make_mention(brand, state=MentionState.SEEN)
    make_mention(make_brand("other"))
    counts = state_counts(user=agent)
    assert {state: n for state, n in counts.items() if n} == {"new": 1, "seen": 1}
    assert new_count(user=agent) == 1


@pytest.mark.parametrize(
    "cursor", ["", "x", "[]", "[1]", '["2026-03-01T12:00:00+00:00","1"]', '["never",1]', "[null,1]", '["2026-13-01T99:00:00Z",1]', "{}",
               '["2026-03-01T12:00:00+00:00",99999999999999999999]'],
)  # fmt: skip
def test_a_made_up_cursor_is_refused(brand: Brand, agent: User, cursor: str) -> None:
    if cursor == "":
        assert list_mentions(user=agent, filters=StreamFilters(), after=cursor).rows == ()
        return
    with pytest.raises(Invalid):
        list_mentions(user=agent, filters=StreamFilters(), after=cursor)


@pytest.mark.parametrize("order", ["newest", "relevance", "reach"])
def test_a_narrowed_list_goes_on_where_a_page_stopped_looking(
    brand: Brand, agent: User, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    monkeypatch.setattr(stream, "LOOKED", 7)
    fill(brand, 60)
    query = make_query(brand)
    wanted = [make_mention(brand, make_post("a rare word", lang="hr", sent_at=START + timedelta(minutes=n)),
                           query=query, relevance=n % 3, reach=n) for n in (0, 5, 20)]  # fmt: skip
    ids = sorted(one.id for one in wanted)
    for filters in (
        StreamFilters(text="rare", order=order),
        StreamFilters(lang="hr", order=order),
        StreamFilters(query_id=query.id, order=order),
        StreamFilters(query_id=query.id, state="", text="rare", order=order),
    ):
        rows = list(walk(agent, filters, limit=2))
        assert sorted(row.id for row in rows) == ids, filters
        assert [row.sent_at for row in rows] == sorted((row.sent_at for row in rows), reverse=True) or (
            order == "relevance"
        )


def test_where_nothing_fits_it_looks_on_by_itself_and_then_says_how_far(
    brand: Brand, agent: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "LOOKED", 7)
    fill(brand, 90, states=("new",))
    rare = make_mention(brand, make_post("a rare word", sent_at=START - timedelta(minutes=1)))
    near = make_mention(brand, make_post("a near word", sent_at=START + timedelta(minutes=24)))
    page = list_mentions(user=agent, filters=StreamFilters(text="near"))
    assert ([row.id for row in page.rows], page.looked) == ([near.id], 0)
    page = list_mentions(user=agent, filters=StreamFilters(text="rare"))
    assert (page.rows, page.looked) == ((), 35)
    seen = 0
    while not page.rows:
        seen += page.looked
        assert page.next_cursor is not None
        page = list_mentions(user=agent, filters=StreamFilters(text="rare"), after=page.next_cursor)
    assert ([row.id for row in page.rows], seen) == ([rare.id], 70)


def test_one_query_s_list_reads_its_matches(brand: Brand, agent: User) -> None:
    fill(brand)
    query = make_query(brand)
    make_mention(brand, query=query)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE mentions_mention; ANALYZE mentions_post; ANALYZE mentions_match")
    with CaptureQueriesContext(connection) as ran:
        list_mentions(user=agent, filters=StreamFilters(query_id=query.id))
    sql = next(one["sql"] for one in ran if "LATERAL" in one["sql"])
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) " + sql)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Seq Scan on mentions_mention" not in plan, plan
    assert "mention_list" not in plan, plan


def test_words_of_a_post_that_its_author_deleted_find_nothing(brand: Brand, agent: User) -> None:
    mention = make_mention(brand, make_post("a secret", deleted_at=START))
    assert [row.id for row in walk(agent, StreamFilters())] == [mention.id]
    assert [row.id for row in walk(agent, StreamFilters(text="secret"))] == []
