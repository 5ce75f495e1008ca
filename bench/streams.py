"""Three listeners on one NATS stream, one of them killed (-9) every few seconds: is everything there, once, and how
fast is it against one process without a stream."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.place import fresh_database, table

if TYPE_CHECKING:
    from rapport.mentions.sources.nats_stream import NatsStream

LISTENERS = 3
KILL_S = 4.0
QUERIES = 200
# One post in so many has the word that one query asks for, so it is known how many must be stored.
ONE_IN = 20
WORD = "zebrafinch"
# Nothing new is stored for so long, although something is left: then it is lost.
STUCK_S = 120.0
START_S = 180.0


@dataclass(frozen=True)
class Run:
    """What one way did. ``seconds`` until everything was stored."""

    name: str
    posts: int
    wanted: int
    found: int
    twice: int
    heard: int
    kills: int
    seconds: float

    @property
    def lost(self) -> int:
        return self.wanted - self.found


def run(*, quick: bool, posts: int | None = None) -> str:
    """Measure with so many posts each way, print, and return the section."""
    from rapport.mentions.tests.nats_server import program

    executable = program()
    if executable is None:
        print("streams: nats-server is not installed (Debian: apt-get install nats-server); nothing measured")
        return ""
    posts = posts or (100_000 if quick else 1_000_000)
    with fresh_database():
        runs = measure(executable, posts=posts, kill_s=KILL_S)
    for one in runs:
        print(one, flush=True)
    return _section(runs)


def measure(executable: str, *, posts: int, kill_s: float, seed: int = 7) -> list[Run]:
    """One process alone, one behind a stream, three, and three that are killed; on the database that is set up."""
    from bench.matching import real_posts
    from rapport.mentions.tests.nats_server import NatsServer

    prepare()
    texts = [one.text for one in real_posts()[:20_000]] or ["Late again, and nobody says why"]
    runs = []
    with tempfile.TemporaryDirectory(prefix="rapport-streams-") as folder:
        file = Path(folder) / "alone.jsonl"
        write(file, texts, posts, "alone")
        runs.append(_alone(file, posts))
        for name, listeners, every in (
            ("one", 1, None),
            ("three", LISTENERS, None),
            ("killed", LISTENERS, kill_s),
        ):
            file = Path(folder) / f"{name}.jsonl"
            write(file, texts, posts, name)
            with NatsServer(executable) as server:
                runs.append(
                    shared(
                        server.url,
                        file,
                        posts,
                        name,
                        listeners=listeners,
                        kill_s=every,
                        rng=random.Random(seed),
                    )
                )
            file.unlink()
    return runs


def prepare(*, queries: int = QUERIES) -> None:
    """A brand with queries as people write them, and one that finds what was counted."""
    from bench.queries import sources
    from rapport.brands.models import Brand
    from rapport.mentions.tests.making import make_query

    brand = Brand.objects.create(slug="bench", name="Bench")
    make_query(brand, WORD)
    for number, text in enumerate(sources(queries)):
        # Of what they find nothing is known beforehand, so they ask for a word more that no post has.
        make_query(brand, f"({text}) AND nowhere_to_be_found", name=f"query {number}")


def write(file: Path, texts: list[str], posts: int, name: str) -> None:
    with file.open("w", encoding="utf-8") as out:
        for number in range(posts):
            text = texts[number % len(texts)]
            if number % ONE_IN == 0:
                text = f"{text} {WORD} {number}"
            one = {"id": f"{name}-{number}", "text": text, "author": f"u{number % 5000}", "lang": "en",
                   "created_at": "2026-11-01T12:00:00Z", "network": name}  # fmt: skip
            out.write(json.dumps(one) + "\n")


def _alone(file: Path, posts: int) -> Run:
    from rapport.cli.listen_file import listen_to

    began = time.perf_counter()
    with file.open("rb") as opened:
        listen_to(
            opened,
            str(file),
            network="alone",
            sharing=None,
            bad=lambda _line: None,
            progress=lambda _told: None,
        )
    return _counted("alone", posts, kills=0, seconds=time.perf_counter() - began)


def shared(
    url: str,
    file: Path,
    posts: int,
    name: str,
    *,
    listeners: int,
    kill_s: float | None,
    rng: random.Random,
    at_least: int = 0,
) -> Run:
    """This process reads the file and hands it on; so many listeners store it, one killed every ``kill_s``.

    ``at_least``: so many are killed before it may end.
    """
    from django.db import connections

    from rapport.cli.listen_file import listen_to
    from rapport.mentions.sources.nats_stream import NatsStream

    stream = NatsStream(url)
    done = threading.Event()

    def read() -> None:
        try:
            with file.open("rb") as opened:
                listen_to(
                    opened, str(file), network=name, sharing=stream, bad=lambda _line: None,
                    progress=lambda _told: None,
                )  # fmt: skip
        finally:
            done.set()
            connections.close_all()

    with _listening(url, listeners) as processes:
        _wait_for_members(listeners)
        began = time.perf_counter()
        reader = threading.Thread(target=read)
        reader.start()
        kills = _until_stored(stream, done, processes, url, kill_s=kill_s, rng=rng, at_least=at_least)
        seconds = time.perf_counter() - began
        reader.join()
    stream.close()
    return _counted(name, posts, kills=kills, seconds=seconds)


def _until_stored(
    stream: NatsStream,
    done: threading.Event,
    processes: list[subprocess.Popen[bytes]],
    url: str,
    *,
    kill_s: float | None,
    rng: random.Random,
    at_least: int,
) -> int:
    """Kill and start listeners until the reader is done and the stream is empty; returns how many were killed."""
    kills = 0
    next_kill = time.monotonic() + (kill_s or 0)
    moved, left = time.monotonic(), -1
    while not (done.is_set() and left == 0 and kills >= at_least):
        time.sleep(0.1)
        before, left = left, stream.left()
        if left != before or not done.is_set():
            moved = time.monotonic()
        if time.monotonic() - moved > STUCK_S:
            raise TimeoutError(f"{left} bundles stay in the stream")
        # Somebody must be left to go on, for the machine may take longer to start one than we to kill it.
        if kill_s is not None and time.monotonic() >= next_kill and _members() > 1:
            number = rng.randrange(len(processes))
            processes[number].send_signal(signal.SIGKILL)
            processes[number].wait()
            processes[number] = _listener(url)
            kills += 1
            next_kill = time.monotonic() + kill_s
    return kills


@contextmanager
def _listening(url: str, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    processes = [_listener(url) for _ in range(count)]
    try:
        yield processes
    finally:
        for one in processes:
            one.kill()
            one.wait()


def _listener(url: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "RAPPORT_STREAM": url, "RAPPORT_STREAMS": "0"}
    return subprocess.Popen(
        [sys.executable, "-m", "rapport.cli", "listen"],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def _wait_for_members(count: int) -> None:
    until = time.monotonic() + START_S
    while _members() < count:
        if time.monotonic() > until:
            raise TimeoutError("the listeners do not begin")
        time.sleep(0.1)


def _members() -> int:
    """How many listeners share the stream now."""
    from django.db import connection

    from rapport.mentions.sharing import LOCK, MEMBER

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND objid = %s",
            [LOCK, MEMBER],
        )
        return int(cursor.fetchone()[0])


def _counted(name: str, posts: int, *, kills: int, seconds: float) -> Run:
    from django.db.models import Sum

    from rapport.mentions.models import Denominator, Mention, Post, Source

    wanted = {f"{name}-{number}" for number in range(0, posts, ONE_IN)}
    found = list(Post.objects.filter(network=name).values_list("external_id", flat=True))
    mentions = Mention.objects.filter(post__network=name).count()
    source = Source.objects.get(kind="file", options__path__endswith=f"/{name}.jsonl")
    heard = Denominator.objects.filter(source_key=f"source:{source.pk}").aggregate(n=Sum("heard"))["n"] or 0
    twice = len(found) - len(set(found)) + max(0, mentions - len(found))
    return Run(name, posts, len(wanted), len(wanted & set(found)), twice, heard, kills, seconds)


def _section(runs: list[Run]) -> str:
    alone = runs[0].seconds
    words = {
        "alone": "one process, no stream", "one": "one listener on a stream", "three": "three listeners on a stream",
        "killed": "the same, one killed (-9) every few seconds",
    }  # fmt: skip
    rows = [
        [
            words[one.name], f"{one.posts:,}", f"{one.kills}", f"{one.lost}", f"{one.twice}", f"{one.heard - one.posts:+,}",
            f"{one.posts / one.seconds:,.0f}", f"{alone / one.seconds:.2f}",
        ]
        for one in runs
    ]  # fmt: skip
    head = [
        "",
        "posts",
        "kills",
        "lost",
        "stored twice",
        "counted too often",
        "posts/s",
        "against one process",
    ]
    return (
        "## Streams shared by processes\n\n"
        f"A file is read by one process and handed on through NATS JetStream (`RAPPORT_STREAM`) to listeners that match it "
        f"with {QUERIES + 1} queries and store one post in {ONE_IN}. Reader, NATS, listeners and PostgreSQL share the "
        "cores of this machine, so what is seen here is that nothing is lost, and what the way through the stream costs; "
        "more throughput than one process needs more cores.\n\n" + table(head, rows)
    )
