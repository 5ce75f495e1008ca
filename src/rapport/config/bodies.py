"""Request bodies, bounded before anything reads them.

Django's ASGI handler writes a whole body to disk before the first view runs, so a limit in a view comes
too late for one that never ends or that trickles.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]  # frameworks type the messages differently

# A client that sends nothing for so long in the middle of a body has gone or plays for time. Seconds.
PATIENCE_S = 30.0


class _Refused(Exception):
    def __init__(self, status: int, words: bytes) -> None:
        self.status, self.words = status, words


class BoundedBodies:
    """Answers 413 to a body above ``limit`` bytes and 408 to one that stops coming."""

    def __init__(self, app: App, *, limit: int, patience_s: float = PATIENCE_S) -> None:
        self._app, self._limit, self._patience_s = app, limit, patience_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = complete = False
        taken = 0

        async def bounded() -> Message:
            nonlocal complete, taken
            if complete:
                return await receive()  # the event stream waits here for the client to leave
            try:
                message = await asyncio.wait_for(receive(), self._patience_s)
            except TimeoutError:
                raise _Refused(408, b"The request did not arrive completely in time.\n") from None
            taken += len(message.get("body", b""))
            if taken > self._limit:
                raise _Refused(413, b"The request is larger than this server accepts.\n")
            complete = message["type"] != "http.request" or not message.get("more_body", False)
            return message

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            if _announced(scope) > self._limit:
                raise _Refused(413, b"The request is larger than this server accepts.\n")
            await self._app(scope, bounded, noted)
        except _Refused as refused:
            if not started:
                headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
                await send({"type": "http.response.start", "status": refused.status, "headers": headers})
                await send({"type": "http.response.body", "body": refused.words})


def _announced(scope: Scope) -> int:
    """The length the client announced; 0 when it announced none, or nonsense."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and len(value) < 20:
            return int(value)
    return 0
