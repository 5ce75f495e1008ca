"""All listening queries against real posts: posts per second on one core, against other ways to do it.

Each size runs in a process of its own, so that its memory is its own. The posts are in the shared data, which are no
part of the repository; ``RAPPORT_SHARED_DATA`` says where, else ``shared/data`` beside it.
"""

from __future__ import annotations

import csv
import gc
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil

from bench.baselines import SubstringLoop, TreesOnHits
from bench.place import quantile, table
from bench.queries import sources
from rapport.listening.batch import ready
from rapport.listening.matcher import BATCH, Matcher
from rapport.listening.parse import parse
from rapport.listening.post import Post

SIZES = (10_000, 100_000)
_TEXTS = ("text", "tweet", "texts", "tweets")


def shared_data() -> Path:
    """Where the shared data are, or would be."""
    return Path(os.environ.get("RAPPORT_SHARED_DATA") or Path(__file__).parents[2] / "shared" / "data")


def real_posts() -> list[Post]:
    """Every post of the shared data; empty when it is not there."""
    texts = (text for path in sorted(shared_data().glob("**/*.csv")) for text in _texts(path))
    return [Post(str(number), text) for number, text in enumerate(texts)]


def _texts(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        column = next((name for name in rows.fieldnames or () if name.lower() in _TEXTS), None)
        if column is not None:
            yield from (row[column] or "" for row in rows)


def measure(size: int, *, quick: bool) -> dict[str, float]:
    """All figures of one size, in this process."""
    posts = real_posts()
    before = _megabytes()
    queries = {number: parse(source) for number, source in enumerate(sources(size))}
    parsed = _megabytes()
    like = [post.text for post in posts[:: max(1, len(posts) // 2000)]]
    began = time.process_time()
    matcher = Matcher(queries, like=like)
    figures = {"posts": len(posts), "built": time.process_time() - began, "trees_mb": parsed - before}
    rounds = 1 if quick or size > 10_000 else 3
    gc.freeze()  # as a process that listens does, which keeps its queries for long
    matcher.match_many(posts)  # once, as a process that has run for a while
    figures["ours"] = max(_rate(lambda: matcher.match_many(posts), len(posts)) for _ in range(rounds))
    figures["ours_mb"] = _megabytes() - parsed
    figures["matches"] = sum(map(len, matcher.match_many(posts))) / len(posts)
    trees = TreesOnHits(queries)
    gc.freeze()  # theirs too
    words = ready(posts)
    batches = [
        b"\x02".join(word.encode() for word in words[at : at + BATCH]) for at in range(0, len(words), BATCH)
    ]
    figures["scan"] = max(
        _rate(
            lambda: [trees.automaton.find_matches_as_indexes(one, overlapping=True) for one in batches],
            len(posts),
        )
        for _ in range(rounds)
    )
    figures["normalise"] = max(_rate(lambda: ready(posts), len(posts)) for _ in range(rounds))
    if size <= 10_000:
        some = slice(None, None, max(1, len(posts) * size // (1_000_000 if quick else 5_000_000)))
        few, said = posts[some], words[some]
        ours = [{match.query_id for match in found} for found in matcher.match_many(few)]
        for name, other in (("trees", trees), ("loop", SubstringLoop(queries))):
            began = time.process_time()
            found = list(map(other.match, few, said))
            figures[name] = len(few) / (time.process_time() - began)
            if found != ours:
                raise AssertionError(f"the matcher and the way of {name} differ")
        figures["compared"] = len(few)
    figures.update(_edits(matcher, size, posts[:BATCH]))
    return figures


def _rate(work: Callable[[], object], posts: int) -> float:
    """Posts per second of this process's CPU."""
    began = time.process_time()
    work()
    return posts / (time.process_time() - began)


def _megabytes() -> float:
    return float(psutil.Process().memory_info().rss) / 2**20


def _edits(matcher: Matcher, size: int, posts: Sequence[Post]) -> dict[str, float]:
    """Milliseconds from an edit to the first match by it; and the longest batch while all is made anew behind."""
    live = []
    for number in range(200):
        word = f"edited{number}"
        query = parse(f"{word} NOT never")
        began = time.perf_counter()
        matcher.changed({number % size: query})
        found = matcher.match(Post("edit", f"this was {word} now"))
        live.append((time.perf_counter() - began) * 1000)
        if number % size not in [match.query_id for match in found]:
            raise AssertionError("an edited query was not live")
    matcher.settle()
    usual = max(_batch(matcher, posts) for _ in range(30))
    matcher.changed({size + number: parse(f"more{number}") for number in range(300)})
    merging = threading.Thread(target=matcher.settle)
    merging.start()
    longest = 0.0
    while merging.is_alive():
        longest = max(longest, _batch(matcher, posts))
    return {
        "live": statistics.median(live),
        "live_p95": quantile(live, 0.95),
        "usual": usual,
        "longest": longest,
    }


def _batch(matcher: Matcher, posts: Sequence[Post]) -> float:
    """Milliseconds for one batch."""
    began = time.perf_counter()
    matcher.match_many(posts)
    return (time.perf_counter() - began) * 1000


def run(*, quick: bool = False) -> str:
    """Measure, and return a section of Markdown; says so when there are no posts."""
    if not real_posts():
        print("matching: no posts; RAPPORT_SHARED_DATA says where they are")
        return ""
    sizes = SIZES[:1] if quick else SIZES
    found = {}
    for size in sizes:
        done = subprocess.run(
            [sys.executable, "-m", "bench.matching", str(size), *(["--quick"] if quick else [])],
            check=True,
            stdout=subprocess.PIPE,
        )
        found[size] = json.loads(done.stdout)
        print(f"matching, {size:,} queries: {found[size]}", flush=True)
    return _section(found)


def _section(found: dict[int, dict[str, float]]) -> str:
    def row(name: str, key: str, form: str = ",.0f") -> list[str]:
        return [name, *(format(one[key], form) if key in one else "" for one in found.values())]

    def ratio(name: str, key: str) -> list[str]:
        return [
            name,
            *(f"**{one['ours'] / one[key]:,.2f}×**" if key in one else "" for one in found.values()),
        ]

    first = next(iter(found.values()))
    rows = [
        row("posts/s, normalising and everything", "ours"),
        row("(a) every query's tree on the hits of one automaton, posts/s", "trees", ",.1f"),
        ratio("ours / (a)", "trees"),
        row("(b) a substring loop per query, posts/s", "loop", ",.1f"),
        ratio("ours / (b)", "loop"),
        row("(c) the automaton of all words of all queries alone, posts ready, posts/s", "scan"),
        ratio("ours / (c)", "scan"),
        row("normalising alone, posts/s", "normalise"),
        row("posts on which (a) and (b) were compared and found the same", "compared"),
        row("matches per post", "matches", ".2f"),
        row("made ready in, s", "built", ".2f"),
        row("memory of the matcher, MB", "ours_mb"),
        row("memory of the parsed queries beside it, MB", "trees_mb"),
        row("an edited query live after, ms, median", "live", ".1f"),
        row("the same, p95", "live_p95", ".1f"),
        row(f"the longest of 30 batches of {BATCH} posts, ms", "usual", ".1f"),
        row("the longest batch while all queries are made ready anew behind, ms", "longest", ".1f"),
    ]
    return (
        "## Matching listening queries\n\n"
        f"Generated boolean queries (`bench/queries.py`) against {first['posts']:,.0f} real posts in nine languages and more, "
        f"one core, batches of {BATCH}; posts per second of CPU, the best of three rounds after one to warm up (with 100,000 queries of one). (a) and (b) "
        "keep posts normalised and are timed on a sample.\n\n"
        + table(["queries", *(f"{size:,}" for size in found)], rows)
        + f"\n\nLimit: Python for each rule whose anchor is seen, and normalising texts.{_not_reached(found)}\n"
    )


def _not_reached(found: dict[int, dict[str, float]]) -> str:
    """What was aimed at and these figures do not reach, as a sentence; "" when all is, or nothing was measured of it."""
    first, last = found[min(found)], found[max(found)]
    missed = []
    if first["ours"] < first["scan"] * 0.35:
        missed.append(f"35% of (c) (here {first['ours'] / first['scan']:.0%})")
    if len(found) > 1:
        slower, memory = first["ours"] / last["ours"], last["ours_mb"] + last["trees_mb"]
        if slower > 3:
            missed.append(f"{max(found):,} queries at most three times slower (here {slower:.1f} times)")
        if memory > 300:
            missed.append(f"less than 300 MB for them with what was parsed (here {memory:.0f})")
        if last["longest"] > 3 * last["usual"]:
            missed.append(
                f"no batch more than three times the usual longest while they are made ready anew (here {last['longest']:.0f} ms)"
            )
    return f" Aimed at and not reached: {', '.join(missed)}." if missed else ""


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), quick="--quick" in sys.argv)))
