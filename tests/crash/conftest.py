from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.crash.instance import Instance


@pytest.fixture(scope="session")
def first_start() -> Iterator[Instance]:
    """A Rapport that was started from nothing, and stopped.

    In a directory that other test runs leave alone: pytest closes its own to other users when it starts, and as
    root the database runs as another user.
    """
    with tempfile.TemporaryDirectory(prefix="rapport-crash-") as name:
        instance = Instance(Path(name) / "data")
        try:
            instance.start()
            instance.stop()
        finally:
            instance.destroy()
        yield instance


@pytest.fixture(scope="session")
def started_before(first_start: Instance) -> Callable[[Path], Path]:
    """Make ``path`` a data directory of which Rapport was stopped: its tables are there, and empty."""

    def copy(path: Path) -> Path:
        # With their owners, whom the database minds.
        subprocess.run(["cp", "-a", str(first_start.data), str(path)], check=True)
        return path

    return copy
