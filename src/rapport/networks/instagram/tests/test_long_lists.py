"""Lists that are longer than one poll, and answers that are more than Meta makes."""

from __future__ import annotations

import pytest

from rapport.networks.instagram.connector import InstagramConnector
from rapport.networks.instagram.tests.place import InstagramPlace
from rapport.networks.meta.tests.driving import drained
from rapport.networks.meta.tests.world import World


@pytest.fixture
def few_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    from rapport.networks.meta import walk

    monkeypatch.setattr(walk, "PAGES", 2)


def comments(world: World, count: int) -> set[str]:
    medium, person = world.medium.id, world.instagram_person
    return {
        world.add("ig_comment", person, f"Number {n}", parent=medium, root=medium).id for n in range(count)
    }


def tags(world: World, count: int) -> set[str]:
    person = world.instagram_person
    return {world.add("medium", person, "On board", extra={"tags_us": True}).id for _count in range(count)}


def private(world: World, people: int) -> set[str]:
    said = set()
    for n in range(people):
        conversation = world.conversation("instagram", f"64{n:08d}")
        mid = f"aWdfZAG1f{'C' * 90}{world.number()}"
        said.add(mid)
        conversation.messages.insert(
            0,
            {
                "id": mid, "created_time": world.now(), "from": {"id": conversation.person, "username": "p"},
                "to": {"data": [world.instagram]}, "message": "Hello", "attachments": [],
            },
        )  # fmt: skip
    return said


def test_a_storm_below_one_post_is_heard_to_its_end(place: InstagramPlace, desk: InstagramConnector) -> None:
    said = comments(place.world, 1060)
    found, cursor = drained(desk, {})
    assert said <= found
    assert set(cursor) == {"seen"}


def test_every_conversation_and_tag_is_heard(place: InstagramPlace, desk: InstagramConnector) -> None:
    said = private(place.world, 230) | tags(place.world, 60)
    assert said <= drained(desk, {})[0]


@pytest.mark.usefixtures("few_pages")
def test_a_poll_takes_little_and_the_next_goes_on_where_it_stopped(
    place: InstagramPlace, desk: InstagramConnector
) -> None:
    said = comments(place.world, 230) | tags(place.world, 60) | private(place.world, 60)
    first = desk.poll({})
    assert first.more
    found, cursor = drained(desk, first.cursor)
    assert said <= found | {one.key.partition(":")[2] for one in first.items}
    assert cursor == {"seen": first.cursor["seen"]}


def test_meta_is_asked_for_less_when_it_was_too_much(place: InstagramPlace, desk: InstagramConnector) -> None:
    said = comments(place.world, 70) | tags(place.world, 9) | private(place.world, 4)
    place.world.most = {"media": 1, "tags": 2, "conversations": 3, "comments": 20}
    assert said <= drained(desk, {})[0]
