"""Some thousand pairs of what ``python -m tests.listening`` asks a million of."""

from __future__ import annotations

import pytest
from bench.matching import real_posts

from tests.listening.pairs import disagreements, generated_posts, generated_queries


def test_matcher_and_reference_agree_on_generated_posts() -> None:
    queries = generated_queries(100, seed=11)
    wrong, asked, matched = disagreements(queries, generated_posts(queries, 80, seed=11))
    assert wrong == []
    assert asked == 8000
    assert matched > 25


def test_matcher_and_reference_agree_on_real_posts() -> None:
    posts = real_posts()
    if not posts:
        pytest.skip("there are no shared posts; set RAPPORT_SHARED_DATA to the folder that has them")
    queries = generated_queries(60, seed=5)
    wrong, _, _ = disagreements(queries, posts[:: len(posts) // 300])
    assert wrong == []
