"""The stream of hints to one screen, as server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Final

from asgiref.sync import sync_to_async
from django.contrib.auth import SESSION_KEY, aget_user
from django.db import connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_safe

from rapport.staff.access import brand_ids_for
from rapport.staff.models import User
from rapport.staff.permissions import Permission
from rapport.web.live import Hello, Hint, Item, Look, Paused, hub

_KEEPALIVE_S: Final = 15.0
_RECHECK_S: Final = 60.0
# More open screens than anybody looks at; without a limit one login could hold every socket we have.
_MOST_STREAMS: Final = 40
_open: Counter[int] = Counter()  # by user; only ever touched in the event loop


@require_safe
async def live(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Hints about the brands this person may see, until they leave.

    Events: ``hello`` (fetch everything once), ``hint`` ({"cases": [ids]}, no ids: everything; "thread": only those cases' own pages),
    ``mentions`` ({"brand": id}: its mentions came or changed), ``look`` ({"case": id}: who looks at it changed, for the screen that the address names),
    ``paused``, ``bye`` (logged out). 429 above a number of streams for one person. HEAD asks whether there would be a stream.
    """
    seen = await _who(request)
    if seen is None:
        return HttpResponse("Log in first.\n", status=401, content_type="text/plain")
    if request.method == "HEAD":
        return HttpResponse(content_type="text/event-stream")
    if _open[seen.user_id] >= _MOST_STREAMS:
        return HttpResponse("Too many open screens.\n", status=429, content_type="text/plain")
    response = StreamingHttpResponse(_events(request, seen), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"  # nginx would hold events back
    return response


@dataclass(frozen=True)
class _Seen:
    user_id: int
    brand_ids: frozenset[int]
    at: float


async def _who(request: HttpRequest) -> _Seen | None:
    """What the person behind the session may see now; None when they are logged out.

    A stream lives for hours, and a database connection must not be held all that time.
    """
    session = type(request.session)(request.session.session_key)
    request.session = session  # read anew: the session may have ended since
    if await session.aget(SESSION_KEY) is None:
        return None
    user = await aget_user(request)
    if not isinstance(user, User) or not user.is_active:
        return None
    brand_ids = await sync_to_async(brand_ids_for)(user, Permission.VIEW_CASES)
    await sync_to_async(_let_go)()
    return _Seen(user.id, frozenset(brand_ids), time.monotonic())


def _let_go() -> None:
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


@contextlib.contextmanager
def _counted(user_id: int) -> Iterator[None]:
    _open[user_id] += 1
    try:
        yield
    finally:
        _open[user_id] -= 1
        if not _open[user_id]:
            del _open[user_id]


async def _events(request: HttpRequest, seen: _Seen) -> AsyncIterator[str]:
    with _counted(seen.user_id):
        yield "retry: 1000\n\n"
        async with hub().screen(request.GET.get("screen", "")[:16]) as screen:
            while True:
                items: list[Item | None]
                try:
                    async with asyncio.timeout(_KEEPALIVE_S):
                        items = list(await screen.get_all())
                except TimeoutError:
                    items = [None]
                if time.monotonic() - seen.at > _RECHECK_S:
                    now = await _who(request)
                    if now is None:
                        yield "event: bye\ndata: {}\n\n"
                        return
                    if now.brand_ids != seen.brand_ids:
                        items = [Hello()]
                    seen = now
                if text := "".join(_event(item, seen) for item in items):
                    yield text


def _event(item: Item | None, seen: _Seen) -> str:
    match item:
        case None:
            return ": still here\n\n"
        case Hello():
            return "event: hello\ndata: {}\n\n"
        case Paused():
            return "event: paused\ndata: {}\n\n"
        case Hint(brand_id=brand_id, case_ids=case_ids, people=people) if brand_id in seen.brand_ids and (
            not people or seen.user_id in people
        ):
            if item.mentions:
                return f"event: mentions\ndata: {json.dumps({'brand': brand_id})}\n\n"
            told = {"brand": brand_id, "cases": case_ids, **({"thread": True} if item.thread else {})}
            if item.holders is not None:
                told["mine"] = seen.user_id in item.holders
            return f"event: hint\ndata: {json.dumps(told)}\n\n"
        case Look(brand_id=brand_id, case_id=case_id) if brand_id in seen.brand_ids:
            return f"event: look\ndata: {json.dumps({'case': case_id})}\n\n"
        case _:
            return ""
