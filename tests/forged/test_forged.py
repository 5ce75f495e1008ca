"""Every address that takes something is fed what no page of ours would send: no error of ours, and nothing of
another brand changes. ``python -m tests.forged 100000`` does it a hundred thousand times."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axes.utils import reset

from rapport.web.tests.doors_world import World, make_world
from tests.forged.attack import TARGETS, attack

EXAMPLES = 8
AREAS = sorted({door.route.partition("/")[0] for door, _method in TARGETS})


@pytest.fixture
def world(db: None) -> Iterator[World]:
    yield make_world()
    reset()


@pytest.mark.slow
@pytest.mark.parametrize("area", AREAS)
def test_nothing_that_is_sent_is_an_error_of_ours_or_reaches_another_brand(world: World, area: str) -> None:
    for number, (door, method) in enumerate(TARGETS):
        if door.route.partition("/")[0] == area:
            attack(world, door, method, examples=EXAMPLES, seed=number)
