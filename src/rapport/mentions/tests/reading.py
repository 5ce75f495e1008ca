"""The real listener, for tests of sources that run end to end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connections

from rapport.mentions.listeners import Sharing, Sources


@contextmanager
def listening(sharing: Sharing | None = None) -> Iterator[Sources]:
    """A listener that reads while inside, and has ended afterwards."""
    found = Sources(most=5, sharing=sharing)
    thread = threading.Thread(target=found.run)
    thread.start()
    try:
        yield found
    finally:
        found.stop()
        thread.join(20)
        connections.close_all()
    assert not thread.is_alive()


def eventually(check: Callable[[], bool], what: str, *, within_s: float = 20) -> None:
    """Wait for something that another thread brings about."""
    deadline = time.monotonic() + within_s
    while not check():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
