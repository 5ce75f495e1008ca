"""What an address asks for, in characters that a database can compare."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import async_only_middleware

# PostgreSQL takes no NUL in any text. What is typed into a form is made storable by the action that stores it; what an
# address asks for is only compared, in many places, and matches nothing.
_NUL: Final = "%00"
_NOTHING: Final = "%EF%BF%BD"  # as lib.text.storable writes it


@async_only_middleware
def comparable_addresses(
    get_response: Callable[[HttpRequest], Awaitable[HttpResponseBase]],
) -> Callable[[HttpRequest], Awaitable[HttpResponseBase]]:
    """No value of ``request.GET`` has a NUL, and no part of the path: it is U+FFFD."""

    async def passed_on(request: HttpRequest) -> HttpResponseBase:
        asked = request.META.get("QUERY_STRING", "")
        if _NUL in asked:
            request.META["QUERY_STRING"] = asked.replace(_NUL, _NOTHING)
        if "\0" in request.path_info:  # a token, say, which is noted when it is a wrong one
            request.path = request.path.replace("\0", "\ufffd")
            request.path_info = request.META["PATH_INFO"] = request.path_info.replace("\0", "\ufffd")
        return await get_response(request)

    return passed_on
