"""Which part of a long thread an address or a screen asks for."""

from __future__ import annotations

from django.http import HttpRequest

from rapport.inbox.queries.thread import Window
from rapport.web.numbers import whole_number


def window_of(request: HttpRequest) -> Window:
    """``older`` and ``newer`` are cursors that a page gave out, ``m`` and ``answer`` messages, ``end`` is the
    newest. A screen that already shows a part says in X-Thread-Since which message it begins with."""
    given = request.GET
    if given.get("older"):
        return Window(older=given["older"])
    if given.get("newer"):
        return Window(newer=given["newer"])
    since = whole_number(request.headers.get("X-Thread-Since", ""))
    if since:
        return Window(since=since)
    around = whole_number(given.get("m", "")) or whole_number(given.get("answer", ""))
    return Window(around=around or None, newest=bool(given.get("end")))
