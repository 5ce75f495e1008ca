"""So many requests are worked on at a time; the others wait their turn, first come first served.

Under ASGI every request gets a thread of its own. Two hundred at once would work on each other's time: the event
streams would hear nothing, and whoever waits for a database connection would be refused one. A request that waits
here costs nothing but its place, and an event stream, which waits by nature, takes none. Lists that a hint made
screens fetch wait in a line of their own, so that who opens a case is not behind all of them.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable
from typing import Final

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.decorators import async_only_middleware

# Below the database connections of cli/web.py, so that no request waits for one in vain.
MOST_AT_ONCE: Final = 10
# Rendering is the interpreter's, one at a time; meanwhile two others use the database.
LISTS_AT_ONCE: Final = 3
_Handler = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


class _Turns:
    """The two lines of one event loop."""

    def __init__(self) -> None:
        self.lists = asyncio.Semaphore(LISTS_AT_ONCE)
        self.others = asyncio.Semaphore(MOST_AT_ONCE)


_turns: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Turns] = weakref.WeakKeyDictionary()


@async_only_middleware
def in_turns(get_response: _Handler) -> _Handler:
    """Comes behind the static files, and behind the body: what arrives slowly keeps nobody waiting."""

    async def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path == reverse("live"):
            return await get_response(request)
        turns = _turns.setdefault(asyncio.get_running_loop(), _Turns())
        async with turns.lists if request.headers.get("HX-Target") == "list" else turns.others:
            return await get_response(request)

    return middleware
