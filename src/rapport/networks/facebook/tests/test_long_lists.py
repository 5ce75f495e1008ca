"""Lists that are longer than one poll, and answers that are more than Meta makes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rapport.networks.errors import TryAgain
from rapport.networks.facebook.connector import FacebookConnector
from rapport.networks.facebook.tests.place import FacebookPlace
from rapport.networks.meta.tests.driving import drained
from rapport.networks.meta.tests.world import World


@pytest.fixture
def few_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    from rapport.networks.meta import walk

    monkeypatch.setattr(walk, "PAGES", 2)


def comments(world: World, count: int) -> set[str]:
    post = world.post.id
    return {
        world.add("comment", world.person, f"Number {n}", parent=post, root=post).id for n in range(count)
    }


def private(world: World, people: int, each: int = 1) -> set[str]:
    said = set()
    for n in range(people):
        conversation = world.conversation("messenger", f"64{n:08d}")
        for _count in range(each):
            mid = f"m_{'C' * 40}{world.number()}"
            said.add(mid)
            conversation.messages.insert(
                0,
                {
                    "id": mid, "created_time": world.now(), "from": {"id": conversation.person, "name": "P"},
                    "to": {"data": [world.page_author]}, "message": "Hello", "attachments": [],
                },
            )  # fmt: skip
    return said


def posts(world: World, count: int, kind: str) -> set[str]:
    made = [world.add_post(f"Number {n}", author=world.person) for n in range(count)]
    for one in made:
        one.kind = kind
    return {one.id for one in made}


def test_a_storm_below_one_post_is_heard_to_its_end(place: FacebookPlace, desk: FacebookConnector) -> None:
    said = comments(place.world, 2150)
    found, cursor = drained(desk, {})
    assert said <= found
    assert set(cursor) == {"seen"}


def test_every_conversation_is_heard(place: FacebookPlace, desk: FacebookConnector) -> None:
    said = private(place.world, 230)
    assert said <= drained(desk, {})[0]


def test_every_message_of_a_conversation_is_heard(place: FacebookPlace, desk: FacebookConnector) -> None:
    said = private(place.world, 1, each=870)
    assert said <= drained(desk, {})[0]


def test_every_tag_review_and_visitors_post_is_heard(place: FacebookPlace, desk: FacebookConnector) -> None:
    w = place.world
    said = posts(w, 60, "tagged_post") | posts(w, 80, "post")
    said |= {
        w.add("review", w.person, "Kind", extra={"recommendation_type": "positive"}).id for _ in range(60)
    }
    assert said <= drained(desk, {})[0]


@pytest.mark.usefixtures("few_pages")
def test_a_poll_takes_little_and_the_next_goes_on_where_it_stopped(
    place: FacebookPlace, desk: FacebookConnector
) -> None:
    w = place.world
    said = comments(w, 450) | posts(w, 60, "tagged_post") | private(w, 70) | private(w, 1, each=230)
    before = sum(w.calls.values())
    first = desk.poll({})
    assert first.more
    assert sum(w.calls.values()) - before <= 2
    later = comments(w, 3)  # while the look goes on
    found, cursor = drained(desk, first.cursor)
    found |= {one.key.partition(":")[2] for one in first.items}
    assert said <= found
    assert cursor == {"seen": first.cursor["seen"]}
    assert later <= drained(desk, cursor)[0]


@pytest.mark.usefixtures("few_pages")
def test_a_place_that_meta_has_forgotten_is_read_from_the_beginning(
    place: FacebookPlace, desk: FacebookConnector
) -> None:
    said = comments(place.world, 450)
    first = desk.poll({})
    place.world.faults_at["GET", "comments"] = {"code": 100, "message": "(#100) Invalid cursors values"}
    lost = desk.poll(first.cursor)
    assert not lost.more  # at the usual pace
    del place.world.faults_at["GET", "comments"]
    assert said <= drained(desk, dict(lost.cursor))[0]


@pytest.mark.usefixtures("few_pages")
def test_a_post_that_is_gone_meanwhile_holds_nothing_up(
    place: FacebookPlace, desk: FacebookConnector
) -> None:
    comments(place.world, 450)
    first = desk.poll({})
    del place.world.things[place.world.post.id]
    said = private(place.world, 1)
    _found, cursor = drained(desk, first.cursor)
    assert set(cursor) == {"seen"}
    assert said <= drained(desk, cursor)[0]


@pytest.mark.usefixtures("few_pages")
def test_a_look_that_goes_on_leaves_a_tight_budget_alone(
    place: FacebookPlace, desk: FacebookConnector
) -> None:
    comments(place.world, 450)
    place.world.usage = 95
    found = desk.poll({})
    assert not found.more
    assert found.next_after == timedelta(minutes=15)
    assert found.cursor["left"]


@pytest.mark.usefixtures("few_pages")
def test_history_cuts_no_comments_off(place: FacebookPlace, desk: FacebookConnector) -> None:
    said = comments(place.world, 450) | private(place.world, 1, each=330)
    found: set[str] = set()
    cursor, more = {}, True
    while more:
        page = desk.history(cursor, since=place.world.now() - timedelta(days=1))
        found |= {one.key.partition(":")[2] for one in page.items}
        cursor, more = page.cursor, page.more
    assert said <= found


@pytest.mark.parametrize("most", [1, 7])
def test_meta_is_asked_for_less_when_it_was_too_much(
    place: FacebookPlace, desk: FacebookConnector, most: int
) -> None:
    w = place.world
    said = posts(w, 9, "post") | comments(w, 40) | private(w, 4)
    w.most = {"feed": most, "conversations": most, "comments": 12}
    assert said <= drained(desk, {})[0]


def test_old_posts_are_watched_in_small_answers_too(place: FacebookPlace, desk: FacebookConnector) -> None:
    w = place.world
    for one in [w.post, *(w.add_post(f"Later {n}") for n in range(20))]:
        one.created -= timedelta(days=3)
    w.most = {"feed": 3}
    said = place.customer_says("Still on?")
    assert said in drained(desk, {})[0]


def test_when_even_one_is_too_much_it_is_a_fault_that_passes(
    place: FacebookPlace, desk: FacebookConnector
) -> None:
    place.world.most = {"feed": 0}
    before = sum(place.world.calls.values())
    with pytest.raises(TryAgain, match="reduce"):
        desk.poll({})
    assert sum(place.world.calls.values()) - before == 5  # 25, 12, 6, 3, 1
