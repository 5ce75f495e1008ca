"""Hints from the database to every open screen of this process.

One connection per process listens; each screen has a short queue. A screen that does not keep up, or a
moment without the listening connection, costs nothing but one "look at everything".
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
import weakref
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, Final

import psycopg
from django.db import connection as django_connection

from rapport.lib.live import DESK
from rapport.web.gathering import Gathering
from rapport.web.gathering import Hint as Hint

_log = logging.getLogger(__name__)
QUEUE_SIZE: Final = 100
_HEARTBEAT_S: Final = 20.0  # a quiet connection is asked this often whether it still lives
_BACKOFF_S: Final = (0.2, 0.5, 1, 2, 5)


@dataclass(frozen=True)
class Hello:
    """From here on nothing is missed: fetch everything once."""


@dataclass(frozen=True)
class Paused:
    """The database cannot be heard now; :class:`Hello` follows when it can again."""


@dataclass(frozen=True)
class Look:
    """Somebody came to a case, left it, or began or stopped to write there; for these screens alone."""

    brand_id: int
    case_id: int
    screens: frozenset[str]


Item = Hello | Paused | Hint | Look


class Screen:
    """One open screen's queue. Bounded: when it is full it holds a single :class:`Hello` instead.

    ``name``: what the screen calls itself, "" when it has nothing to do with cases.
    """

    def __init__(self, name: str = "") -> None:
        self.name = name
        self._queue: asyncio.Queue[Item] = asyncio.Queue(QUEUE_SIZE)

    def put(self, item: Item) -> None:
        """Add ``item``, or fold everything into one "look at everything"."""
        if self._queue.full() or isinstance(item, Hello):
            while not self._queue.empty():
                self._queue.get_nowait()
            self._queue.put_nowait(item if isinstance(item, Paused) else Hello())
        else:
            self._queue.put_nowait(item)

    async def get_all(self) -> list[Item]:
        """All there is, waiting for the first."""
        items = [await self._queue.get()]
        while not self._queue.empty():
            items.append(self._queue.get_nowait())
        return items


class Hub:
    """Listens while at least one screen is open, and hands each hint to all of them."""

    def __init__(self) -> None:
        self._screens: set[Screen] = set()
        self._task: asyncio.Task[None] | None = None
        self._heard_by: asyncio.Task[None] | None = None  # the task that listens at this moment

    @contextlib.asynccontextmanager
    async def screen(self, name: str = "") -> AsyncIterator[Screen]:
        """A queue for as long as the block runs. Its first item is Hello once nothing can be missed."""
        screen = Screen(name)
        self._screens.add(screen)
        if self._task is not None and self._heard_by is self._task:
            screen.put(Hello())
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._listen(), name="rapport-live")
        try:
            yield screen
        finally:
            self._screens.discard(screen)
            if not self._screens and self._task is not None:
                self._task.cancel()
                self._task = None

    def _tell(self, item: Item) -> None:
        for screen in self._screens:
            if not isinstance(item, Look) or screen.name in item.screens:
                screen.put(item)

    async def _listen(self) -> None:
        failures = 0
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(**_address(), autocommit=True) as connection:
                    await connection.execute(f"LISTEN {DESK}")
                    failures = 0
                    self._heard_by = asyncio.current_task()
                    self._tell(Hello())
                    await self._relay(connection)
            except (psycopg.Error, OSError) as error:
                _log.warning("live updates are paused: %s", str(error).strip())
            finally:
                # A task that ends late must not speak for the one that took its place.
                if self._heard_by is asyncio.current_task():
                    self._heard_by = None
            self._tell(Paused())
            await asyncio.sleep(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])
            failures += 1

    async def _relay(self, connection: psycopg.AsyncConnection[Any]) -> None:
        gathering = Gathering()
        while True:
            wait = gathering.wait(now=time.monotonic(), screens=len(self._screens))
            if wait is not None and wait <= 0:
                for hint in await _with_holders(connection, gathering.take(now=time.monotonic())):
                    self._tell(hint)
                continue
            heard = False
            async for notify in connection.notifies(timeout=wait or _HEARTBEAT_S, stop_after=1):
                heard = True
                item = read_hint(notify.payload)
                if isinstance(item, Hint):
                    gathering.add(item)
                elif item is not None:
                    self._tell(item)
            if wait is None and not heard:
                await connection.execute("SELECT 1")


async def _with_holders(connection: psycopg.AsyncConnection[Any], hints: list[Hint]) -> list[Hint]:
    """The hints, and who has their cases: a list of one's own cases need not be fetched for those of others."""
    of_lists = [bool(hint.case_ids) and not hint.thread and not hint.mentions for hint in hints]
    cases = [case_id for hint, asks in zip(hints, of_lists, strict=True) if asks for case_id in hint.case_ids]
    if not cases:
        return hints
    asked = await connection.execute("SELECT id, assignee_id FROM inbox_case WHERE id = ANY(%s)", [cases])
    holder = dict(await asked.fetchall())
    return [
        replace(hint, holders=frozenset(one for case_id in hint.case_ids if (one := holder.get(case_id))))
        if asks
        else hint
        for hint, asks in zip(hints, of_lists, strict=True)
    ]


def read_hint(payload: str) -> Hint | Look | None:
    """A notification's hint; None for one that is not ours."""
    try:
        data = dict(json.loads(payload))
        if "look" in data:
            names = frozenset(str(name) for name in data["screens"])
            return Look(int(data["brand"]), int(data["look"]), names)
        people = tuple(int(user_id) for user_id in data.get("people", ()))
        cases = tuple(int(case_id) for case_id in data["cases"])
        mentions = bool(data.get("mentions"))
        return Hint(int(data["brand"]), cases, people, bool(data.get("thread")), mentions)
    except (ValueError, KeyError, TypeError):
        _log.warning("a notification on %s could not be read", DESK)
        return None


def _address() -> dict[str, Any]:
    # Django's own parameters, without what only its cursors need.
    params = django_connection.get_connection_params()
    return {
        key: value
        for key, value in params.items()
        if key not in {"cursor_factory", "context", "prepare_threshold"}
    } | {"connect_timeout": 5}


_hubs: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = weakref.WeakKeyDictionary()


def hub() -> Hub:
    """The hub of the running event loop."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())
