"""The rounds: something is killed at a random moment, again and again, while everybody works."""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.crash.check import Result, check, what_waits
from tests.crash.instance import PROCESSES, Instance

VICTIMS = (*PROCESSES, "postgres", "traffic")
# A worker that died holds its reply's lease for a minute; then there are the pauses between attempts.
QUIET_S = 300.0
WORK_S = 10.0


@dataclass
class Report:
    """How a run went."""

    rounds: int
    seed: int
    killed: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    quiet_after_s: float = 0.0
    result: Result = field(default_factory=Result)


class Traffic:
    """The process that posts and answers."""

    def __init__(self, instance: Instance, url: str, seed: int) -> None:
        self.instance, self.url, self.seed, self.starts = instance, url, seed, 0
        self.ledger = instance.data.with_suffix(".ledger")
        self.ledger.touch()
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        self.starts += 1
        with self.instance.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.crash.traffic", str(self.ledger), f"{self.seed}.{self.starts}"],
                env=script_environment(self.instance, self.url), stdout=log, stderr=log,
            )  # fmt: skip

    def kill(self) -> bool:
        self.process.kill()
        self.process.wait()
        self.process = self._start()
        return True

    def look_after(self) -> None:
        """Start it again if it ended by itself, as when the database was away at its start."""
        if self.process.poll() is not None:
            self.process = self._start()

    def stop_posting(self) -> None:
        self.ledger.with_suffix(".quiet").touch()

    def end(self) -> None:
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(15)
        self.process.kill()
        self.process.wait()

    def promised(self) -> list[tuple[str, int]]:
        """The ledger; a line cut short by a kill is none."""
        found = []
        for line in self.ledger.read_text().splitlines(keepends=True):
            kind, _space, number = line.rstrip("\n").partition(" ")
            if line.endswith("\n") and kind in {"post", "reply"} and number.isdecimal():
                found.append((kind, int(number)))
        return found


def script_environment(instance: Instance, url: str) -> dict[str, str]:
    return {**instance.environment, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "rapport.config.settings"}


def run(*, rounds: int, seed: int, data: Path, say: Callable[[str], None]) -> Report:
    """Do the rounds and check. Raises AssertionError when it does not become quiet."""
    report = Report(rounds=rounds, seed=seed)
    chance = random.Random(seed)
    instance = Instance(
        data,
        RAPPORT_UNDO_SECONDS="0",
        RAPPORT_POLL_SECONDS="1",
        # A run is a lifetime of failures in minutes; a person would see "failed" and press retry.
        RAPPORT_SEND_ATTEMPTS="50",
    )
    traffic: Traffic | None = None
    try:
        say(f"started in {instance.start():.1f} s")
        url = instance.postgres.running_url()
        assert url is not None
        subprocess.run(
            [sys.executable, "-m", "tests.crash.prepare", instance.base_url],
            env=script_environment(instance, url), check=True,
        )  # fmt: skip
        traffic = Traffic(instance, url, seed)
        wait_for_traffic(url)
        began, done = time.monotonic(), 0
        for number in range(rounds):
            set_idempotency(url, ignored=number % 2 == 1)
            traffic.look_after()
            if chance.random() < 0.75:
                # Mostly when there is work to interrupt; else whenever, as while things still start.
                done = wait_for_work(url, done, traffic)
            time.sleep(chance.uniform(0.0, 1.0))
            victim = kill_one(chance, instance, traffic)
            report.killed[victim] += 1
            if number % 10 == 9:
                say(f"{number + 1} rounds, {time.monotonic() - began:.0f} s")
        report.seconds = time.monotonic() - began
        say("quiet now ...")
        traffic.look_after()
        traffic.stop_posting()
        report.quiet_after_s = wait_until_quiet(url, traffic)
        report.result = check(url, traffic.promised())
    finally:
        if traffic is not None:
            traffic.end()
        instance.destroy()
    left = instance.leftovers()
    if left:
        report.result.broken.append(f"{len(left)} processes left behind, such as {left[0]}")
    return report


def kill_one(chance: random.Random, instance: Instance, traffic: Traffic) -> str:
    """Kill one that runs at this moment; returns its name."""
    while True:
        victim = chance.choice(VICTIMS)
        if traffic.kill() if victim == "traffic" else instance.kill(victim):
            return victim
        time.sleep(0.05)


def set_idempotency(url: str, *, ignored: bool) -> None:
    """In half of the rounds the network does not honour keys: asking it must do. Skipped while the
    database is away."""
    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url, connect_timeout=2) as connection:
        connection.execute("UPDATE practice_chaos SET ignore_idempotency = %s", [ignored])


def wait_for_work(url: str, before: int, traffic: Traffic) -> int:
    """Until more was heard and answered than before the last kill, but not long: what is dead does not
    work. Returns how much there is now."""
    deadline = time.monotonic() + WORK_S
    now = before
    while time.monotonic() < deadline:
        traffic.look_after()
        with (
            contextlib.suppress(psycopg.OperationalError),
            psycopg.connect(url, connect_timeout=2) as connection,
        ):
            row = connection.execute(
                "SELECT (SELECT count(*) FROM inbox_message) + (SELECT count(*) FROM ingest_rawevent)"
            ).fetchone()
            now = row[0] if row is not None else before
            if now >= before + 3:
                break
        time.sleep(0.1)
    return now


def wait_for_traffic(url: str) -> None:
    """Until somebody has posted, so that the first kill hits work."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url) as connection:
            row = connection.execute("SELECT count(*) FROM inbox_message").fetchone()
            if row is not None and row[0] > 3:
                return
        time.sleep(0.2)
    raise AssertionError("nobody posted within a minute")


def wait_until_quiet(url: str, traffic: Traffic) -> float:
    """Until nothing is under way; returns the seconds that took."""
    began = time.monotonic()
    waits: dict[str, int] = {}
    while time.monotonic() - began < QUIET_S:
        if traffic.process.poll() is not None:
            traffic.look_after()
        with contextlib.suppress(psycopg.OperationalError):
            waits = what_waits(url)
            if not any(waits.values()):
                return time.monotonic() - began
        time.sleep(0.5)
    raise AssertionError(f"still under way after {QUIET_S} s: {waits}")
