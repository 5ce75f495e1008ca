"""Pages are sent compressed: on a slow line a case with its thread took half a second to arrive."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

# What is compressed can be guessed by its length (BREACH). Django adds random bytes and masks the CSRF token anew in every
# page, which makes that slow, not impossible; so pages that may show another secret, such as a webhook's, are not here.
WITHOUT_SECRETS: Final = ("/desk/", "/mentions/", "/notices/", "/figures/", "/account/", "/login/")


class CompressedPages(GZipMiddleware):
    """The HTML of pages without secrets, for browsers that take gzip. Event streams and files are left as they are."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        html = response.get("Content-Type", "").startswith("text/html")
        if response.streaming or not html or not request.path.startswith(WITHOUT_SECRETS):
            return response
        return super().process_response(request, response)
