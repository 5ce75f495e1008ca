"""Several web processes on one port: one that is killed is missed by nobody, and comes back."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.crash.instance import Instance, running

pytestmark = [pytest.mark.crash, pytest.mark.xdist_group("crash")]

PATIENCE_S = 60.0


def _webs(instance: Instance) -> list[int]:
    """The web processes that hold a connection-taking socket on the port."""
    assert instance.process is not None
    found = []
    for child in psutil.Process(instance.process.pid).children():
        with contextlib.suppress(psutil.Error):
            listens = any(
                one.status == psutil.CONN_LISTEN and one.laddr.port == instance.port
                for one in child.net_connections()
            )
            if child.cmdline()[-1:] == ["web"] and listens:
                found.append(child.pid)
    return found


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_page_answers_while_one_of_two_is_killed(
    tmp_path: Path, started_before: Callable[[Path], Path]
) -> None:
    with running(started_before(tmp_path / "data"), RAPPORT_WEB_PROCESSES="2") as instance:
        _until(lambda: len(_webs(instance)) == 2)
        first = _webs(instance)
        os.kill(first[0], signal.SIGKILL)
        _until(instance.answers)
        assert first[1] in _webs(instance)
        _until(lambda: len(set(_webs(instance)) - {first[0]}) == 2)
        os.kill(first[1], signal.SIGKILL)
        _until(instance.answers)
    assert not instance.leftovers()
