"""Real processes, really killed. ``make crash`` does many more rounds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.crash.instance import Instance, running
from tests.crash.rounds import run

pytestmark = [pytest.mark.crash, pytest.mark.xdist_group("crash")]


@pytest.fixture
def place(started_before: Callable[[Path], Path]) -> Iterator[Path]:
    """A directory with the data of a Rapport that was stopped."""
    with tempfile.TemporaryDirectory(prefix="rapport-crash-") as name:
        started_before(Path(name, "data"))
        yield Path(name)


def test_nothing_is_lost_and_nothing_done_twice(place: Path) -> None:
    report = run(rounds=6, seed=2, data=place / "data", say=print)
    assert report.result.broken == []
    assert report.result.counts["messages"] > 10


def test_it_starts_stops_and_leaves_nothing_behind(place: Path, first_start: Instance) -> None:
    assert first_start.process is not None
    assert first_start.process.returncode == 0
    assert first_start.leftovers() == []
    with running(place / "data") as instance:
        second = _up(instance)
        assert second.returncode == 1
        assert "already runs" in second.stderr
        other = Instance(place / "other", RAPPORT_PORT=str(instance.port))
        busy = _up(other)
        assert busy.returncode == 1
        assert f"Port {instance.port}" in busy.stderr
        instance.stop()
        assert instance.process is not None
        assert instance.process.returncode == 0
        assert instance.leftovers() == []
        assert sorted(path.name for path in instance.data.iterdir()) == [
            "postgres",
            "schema.mark",
            "secrets.json",
            "static",
        ]
        sockets = [path.name for path in (instance.data / "postgres").iterdir() if ".s.PGSQL" in path.name]
        assert sockets == []


def test_everything_ends_when_the_supervisor_is_killed_and_starts_again(place: Path) -> None:
    with running(place / "data") as instance:
        assert instance.process is not None
        os.kill(instance.process.pid, signal.SIGKILL)
        instance.process.wait()
        deadline = time.monotonic() + 20
        while instance.leftovers() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert instance.leftovers() == []
        instance.start()
        # A pid file whose number belongs to somebody else by now.
        instance.process.kill()
        instance.process.wait()
        while instance.leftovers() and time.monotonic() < deadline + 20:
            time.sleep(0.1)
        (instance.data / "postgres" / "postmaster.pid").write_text(
            f"{os.getpid()}\n{instance.data}/postgres\n"
        )
        instance.start()


def _up(instance: Instance) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rapport.cli", "up"],
        env=instance.environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
