"""Threads that keep their database connection from task to task: opening one costs the server a process."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """``count`` threads, and as many connections at most. After an error a thread opens its connection anew."""

    def __init__(self, count: int, *, name: str) -> None:
        self._opened: list[BaseDatabaseWrapper] = []
        self._executor = ThreadPoolExecutor(count, thread_name_prefix=name, initializer=self._begin)

    def submit(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run ``work`` in one of the threads, as soon as one is free."""

        def run() -> T:
            try:
                return work(*args, **kwargs)
            except BaseException:
                connections.close_all()
                raise

        return self._executor.submit(run)

    def close(self) -> None:
        """Begin nothing more, wait for what runs, and close the connections."""
        self._executor.shutdown(wait=True, cancel_futures=True)
        for opened in self._opened:
            opened.close()

    def _begin(self) -> None:
        # Whoever closes the threads closes their connections too, which Django must be told of.
        wrapper = connections[DEFAULT_DB_ALIAS]
        wrapper.inc_thread_sharing()
        self._opened.append(wrapper)
