"""A process that begins to match."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from rapport.inbox.tests.making import make_brand
from rapport.listening.post import Post
from rapport.mentions import matching
from rapport.mentions.tests.made import make_post
from rapport.mentions.tests.making import change_query, make_query

pytestmark = pytest.mark.django_db


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(matching, "_here", matching._Process())
    gc.unfreeze()
    yield
    gc.unfreeze()


def _found(text: str) -> list[tuple[int, int]]:
    (found,) = matching.find([Post("1", text)])
    return [(one.known.query_id, one.known.version_id) for one in found]


def test_it_begins_with_what_is_saved_and_takes_changes_over(begun: None) -> None:
    for _ in range(50):
        make_post("bag bag bag at the gate")
    brand = make_brand()
    query = make_query(brand, "bag AND zeppelin")
    old = query.version_id
    assert _found("a zeppelin took my bag") == [(query.pk, old)]
    matcher = matching.current_matcher()
    change_query(query, "zeppelin AND balloon")
    second = make_query(brand, "gate")
    assert _found("a zeppelin, a balloon, a gate") == [
        (query.pk, query.version_id),
        (second.pk, second.version_id),
    ]
    assert matching.current_matcher() is matcher


@pytest.mark.parametrize("many", [False, True])
def test_many_queries_are_kept_from_the_garbage_collector(
    begun: None, monkeypatch: pytest.MonkeyPatch, many: bool
) -> None:
    monkeypatch.setattr(matching, "_MANY", 1 if many else 2)
    make_query(make_brand(), "bag")
    assert _found("my bag")
    assert (gc.get_freeze_count() > 0) is many
