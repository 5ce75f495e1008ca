"""From a post on the practice network to the agent's screen, on a real instance under load.

The whole way is real: the network's API takes the post and calls our webhook, the raw event is
stored, a worker processes it, the hint reaches an open event stream, and the screen fetches its list.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx
from tests.crash.instance import Instance

from bench.place import quantile, table

_MARK = re.compile(r"bench-post-(\d+)-")


class _Screen:
    """An agent's open desk: an event stream, and a fetch of the list after each hint."""

    def __init__(self, base_url: str, password: str) -> None:
        self.seen: dict[int, float] = {}
        self.closed = threading.Event()
        self._hinted = threading.Event()
        self._client = httpx.Client(base_url=base_url, timeout=30, trust_env=False)
        page = self._client.get("/login/")
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert found, "the login page has no form"
        answer = self._client.post(
            "/login/",
            data={"username": "bench@example.com", "password": password, "csrfmiddlewaretoken": found[1]},
            headers={"Referer": f"{base_url}/login/"},
        )
        assert answer.status_code == 302, answer.status_code
        for work in (self._listen, self._fetch):
            threading.Thread(target=work, daemon=True).start()

    def _listen(self) -> None:
        # The last screen is still open when the instance stops, as a browser would be.
        with (
            contextlib.suppress(httpx.RemoteProtocolError),
            self._client.stream("GET", "/live/", timeout=None) as stream,
        ):
            for line in stream.iter_lines():
                if line.startswith("data:"):
                    self._hinted.set()
                if self.closed.is_set():
                    return

    def _fetch(self) -> None:
        while not self.closed.is_set():
            if not self._hinted.wait(1):
                continue
            self._hinted.clear()
            text = self._client.get("/desk/all/", headers={"HX-Request": "true"}).text
            now = time.perf_counter()
            for number in map(int, _MARK.findall(text)):
                self.seen.setdefault(number, now)


def _write(base_url: str, tokens: list[str], *, rate: float, seconds: float) -> dict[int, float]:
    """Post at an even ``rate`` per second; returns when the network accepted each post."""
    accepted: dict[int, float] = {}
    numbers = itertools.count()
    began = time.perf_counter()
    lock = threading.Lock()

    def write() -> None:
        with httpx.Client(base_url=base_url, timeout=30, trust_env=False) as client:
            while True:
                with lock:
                    number = next(numbers)
                due = began + number / rate
                if due - began > seconds:
                    return
                time.sleep(max(0.0, due - time.perf_counter()))
                answer = client.post(
                    "/practice/api/v1/posts",
                    json={
                        "text": f"@benchbrand bench-post-{number}- where is my bag?",
                        "visibility": "public",
                        "in_reply_to": None,
                        "recipient_id": None,
                        "client_ref": "",
                    },
                    headers={"Authorization": f"Bearer {tokens[number % len(tokens)]}"},
                )
                answer.raise_for_status()
                accepted[number] = time.perf_counter()

    writers = [threading.Thread(target=write) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    return accepted


def run(*, seconds: float = 60, rates: tuple[float, ...] = (1, 5, 10)) -> str:
    """Measure at each rate of posts per second, and return a section of Markdown."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="rapport-bench-") as folder:
        instance = Instance(Path(folder) / "data")
        try:
            instance.start("--demo")
            deadline = time.monotonic() + 120
            while "Log in as" not in instance.tail() and time.monotonic() < deadline:
                time.sleep(0.5)  # the demo is still being made, on the same cores
            made = subprocess.run(
                [sys.executable, "-m", "bench.world"],
                env=instance.environment | {"PYTHONPATH": str(Path(__file__).parent.parent)},
                check=True,
                capture_output=True,
            )
            world = json.loads(made.stdout)
            for rate in rates:
                screen = _Screen(instance.base_url, world["password"])
                time.sleep(1)
                accepted = _write(instance.base_url, world["tokens"], rate=rate, seconds=seconds)
                deadline = time.perf_counter() + 30
                while len(screen.seen) < len(accepted) and time.perf_counter() < deadline:
                    time.sleep(0.1)
                screen.closed.set()
                waits = [screen.seen[n] - at for n, at in accepted.items() if n in screen.seen]
                missing = len(accepted) - len(waits)
                figures = [statistics.median(waits), quantile(waits, 0.95), quantile(waits, 0.99), max(waits)]
                rows.append(
                    [f"{rate:g}", str(len(accepted)), *(f"{f * 1000:.0f}" for f in figures), str(missing)]
                )
                print(f"{rate:g} posts/s: median, p95, p99, max {rows[-1][2:6]} ms, never shown {missing}")
        finally:
            instance.destroy()
    return (
        "## From a post to the agent's screen\n\n"
        f"Milliseconds from the practice network accepting a post to an agent's list showing it, {seconds:g} s at each "
        "rate: webhook, raw event, worker, hint, event stream, fetched list. The network itself, the demo's simulated "
        "customers and the measuring client run on the same cores.\n\n"
        + table(["posts/s", "posts", "median", "p95", "p99", "max", "never shown"], rows)
        + "\n\nLimit: one web process does four things for each post here (the network's API, its webhook, the event "
        "stream, the list); its CPU is used up first.\n"
    )
