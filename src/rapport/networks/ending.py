"""When a process that listens is to end: calls that wait for a network are cut, for nobody waits for them.

What was under way has stored nothing yet, so it is asked for again by whoever goes on.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

_lock = threading.Lock()
_cuts: list[Callable[[], None]] = []
_over = threading.Event()
_thread = threading.local()


def end_calls() -> None:
    """Cut every call under way, and each that begins from now on. For the last seconds of a process."""
    with _lock:
        _over.set()
        waiting = list(_cuts)
    for cut in waiting:
        cut()


def ended() -> bool:
    """Whether calls are cut: what failed since says nothing about the network."""
    return _over.is_set()


@contextlib.contextmanager
def endable(cut: Callable[[], None]) -> Iterator[None]:
    """A call that ``cut``, from another thread, brings to its end. It is cut at once if the end has come."""
    if getattr(_thread, "spared", False):
        yield
        return
    with _lock:
        _cuts.append(cut)
        over = _over.is_set()
    if over:
        cut()
    try:
        yield
    finally:
        with _lock:
            _cuts.remove(cut)


@contextlib.contextmanager
def spared() -> Iterator[None]:
    """Calls of this thread that go on to their own end: what they bring could not be had again."""
    _thread.spared = True
    try:
        yield
    finally:
        _thread.spared = False
