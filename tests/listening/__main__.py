"""``python -m tests.listening --pairs 1000000``: ask matcher and reference, and print where they disagree."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping

from bench.matching import real_posts

from rapport.listening.post import Post
from rapport.listening.query import Query
from tests.listening.pairs import disagreements, generated_posts, generated_queries

_QUERIES, _POSTS = 500, 400


def main() -> int:
    """Parse the arguments and ask; 1 when there was a disagreement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=1_000_000, help="generated queries times posts")
    parser.add_argument("--real", type=int, default=0, help="queries to ask of every real post")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    asked = wrong = 0
    seed = arguments.seed
    while asked < arguments.pairs:
        queries = generated_queries(_QUERIES, seed)
        wrong += _report("generated", queries, generated_posts(queries, _POSTS, seed))
        asked += _QUERIES * _POSTS
        seed += 1
    if arguments.real:
        queries = generated_queries(arguments.real, arguments.seed)
        wrong += _report("real", queries, real_posts())
    return 1 if wrong else 0


def _report(name: str, queries: Mapping[int, Query], posts: Iterable[Post]) -> int:
    found, pairs, matched = disagreements(queries, posts)
    print(f"{name}: {pairs:,} pairs, {matched:,} matched, {len(found)} disagreements", flush=True)
    for source, post in found[:5]:
        print(f"  {source}\n  {post}")
    return len(found)


if __name__ == "__main__":
    sys.exit(main())
