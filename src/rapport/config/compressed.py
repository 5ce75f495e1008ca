"""Pages are sent compressed: on a slow line a case with its thread took half a second to arrive."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class CompressedPages(GZipMiddleware):
    """HTML for browsers that take gzip. Event streams and files are left as they are.

    What is compressed can be guessed by its length (BREACH), so Django adds random bytes and masks the CSRF token
    anew in every page. That makes guessing slow, not impossible, for pages that show another secret, such as the
    webhook's in the settings of alerts.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.streaming or not response.get("Content-Type", "").startswith("text/html"):
            return response
        return super().process_response(request, response)
