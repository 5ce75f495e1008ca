"""What a browser gets of our own files."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

STYLE, FONT = "web/css/base.css", "vendor/inter-latin-wght-normal.woff2"


def _get(name: str, **headers: str) -> tuple[dict[str, str], bytes]:
    answer = Client().get(f"/static/{name}", headers=headers)
    assert answer.status_code == 200
    return dict(answer.headers), b"".join(answer)


def _original(name: str) -> bytes:
    found = finders.find(name)
    assert isinstance(found, str)
    return Path(found).read_bytes()


def test_a_style_is_sent_compressed_to_who_takes_it() -> None:
    headers, body = _get(STYLE, **{"Accept-Encoding": "gzip, deflate, br"})
    assert (headers["Content-Encoding"], headers["Vary"]) == ("gzip", "Accept-Encoding")
    assert int(headers["Content-Length"]) == len(body) < len(_original(STYLE)) / 2
    assert gzip.decompress(body) == _original(STYLE)


def test_who_does_not_take_it_gets_it_plain_and_a_font_stays_as_it_is() -> None:
    headers, body = _get(STYLE)
    assert ("Content-Encoding" in headers, body) == (False, _original(STYLE))
    headers, body = _get(FONT, **{"Accept-Encoding": "gzip"})
    assert ("Content-Encoding" in headers, body) == (False, _original(FONT))


def test_a_file_that_was_not_changed_is_not_sent_again() -> None:
    headers, _body = _get(STYLE, **{"Accept-Encoding": "gzip"})
    again = Client().get(
        f"/static/{STYLE}", headers={"If-None-Match": headers["ETag"], "Accept-Encoding": "gzip"}
    )
    assert again.status_code == 304


@pytest.mark.parametrize("where", ["a file in the way", "a folder that is not there yet"])
def test_a_place_that_cannot_be_written_costs_no_page(where: str, tmp_path: Path, settings: Any) -> None:
    settings.STATIC_ROOT = tmp_path / "static"
    if where == "a file in the way":
        settings.STATIC_ROOT.write_bytes(b"")
    from rapport.config import statics

    statics._compressed.cache_clear()
    try:
        headers, body = _get(STYLE, **{"Accept-Encoding": "gzip"})
        assert (headers.get("Content-Encoding") == "gzip") == (where != "a file in the way")
        assert (gzip.decompress(body) if "Content-Encoding" in headers else body) == _original(STYLE)
    finally:
        statics._compressed.cache_clear()
