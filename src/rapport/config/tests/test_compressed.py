"""What a browser gets of our pages."""

from __future__ import annotations

import gzip

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import Client, RequestFactory

from rapport.config.compressed import CompressedPages

TAKES = {"Accept-Encoding": "gzip, deflate, br"}


@pytest.mark.django_db
def test_a_page_is_sent_compressed_to_who_takes_it() -> None:
    plain, packed = Client().get("/login/"), Client().get("/login/", headers=TAKES)
    assert "Content-Encoding" not in plain
    assert packed["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed["Vary"]
    assert int(packed["Content-Length"]) == len(packed.content) < len(plain.content)
    assert b"csrfmiddlewaretoken" in gzip.decompress(packed.content)


def test_a_page_that_may_show_a_secret_is_not_compressed() -> None:
    for path, packed in (("/desk/", True), ("/channels/1/", False), ("/brands/aero/alerts/", False)):
        request = RequestFactory().get(path, headers=TAKES)
        answer = CompressedPages(lambda _request: HttpResponse(b"<p>" * 1000))(request)
        assert answer.has_header("Content-Encoding") == packed, path


@pytest.mark.parametrize(
    "answer",
    [
        StreamingHttpResponse([b"event: hint\n\n" * 100], content_type="text/event-stream"),
        StreamingHttpResponse([b"<p>" * 1000], content_type="text/html"),
        HttpResponse(b"GIF89a" * 1000, content_type="image/gif"),
        HttpResponse(b"<p>short</p>"),
    ],
)
def test_streams_pictures_and_what_is_short_stay_as_they_are(answer: HttpResponseBase) -> None:
    request = RequestFactory().get("/desk/", headers=TAKES)
    assert "Content-Encoding" not in CompressedPages(lambda _request: answer)(request)
