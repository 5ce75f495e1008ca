"""Files: who may see them, and that they are never run."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from rapport.inbox.tests.making import make_brand, make_case, make_channel, make_user
from rapport.media.actions import NewFile, content_type, keep
from rapport.media.models import StoredFile
from rapport.outbox.models import OutgoingFile

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def client_of(brand_slug: str) -> tuple[Client, int]:
    brand = make_brand(brand_slug)
    client = Client()
    client.force_login(make_user("Mara Kovač", brand=brand))
    return client, brand.id


def test_a_picture_is_shown_and_everything_else_only_downloaded() -> None:
    client, brand_id = client_of("aero")
    picture, page = keep(
        brand_id=brand_id,
        files=[NewFile("box.png", PNG), NewFile("../a/evil.html", b"<script>1</script>", "text/html")],
    )
    shown = client.get(f"/media/{picture}/")
    assert (shown.content, shown["Content-Type"]) == (PNG, "image/png")
    assert shown["Content-Disposition"] == 'inline; filename="box.png"'
    offered = client.get(f"/media/{page}/")
    assert offered["Content-Type"] == "application/octet-stream"
    assert offered["Content-Disposition"] == 'attachment; filename=".._a_evil.html"'
    for answer in (shown, offered):
        assert "sandbox" in answer["Content-Security-Policy"]
        assert answer["X-Content-Type-Options"] == "nosniff"


def test_another_brands_people_and_strangers_find_nothing() -> None:
    _, brand_id = client_of("aero")
    (file,) = keep(brand_id=brand_id, files=[NewFile("box.png", PNG)])
    other, _ = client_of("other")
    assert other.get(f"/media/{file}/").status_code == 404
    assert Client().get(f"/media/{file}/").status_code == 302


@pytest.mark.parametrize(
    ("content", "claimed", "is_"),
    [
        (PNG, "text/html", "image/png"),
        (b"<svg onload=alert(1)>", "image/svg+xml", "application/octet-stream"),
        (b"hello", "text/plain; charset=utf-8", "text/plain"),
        (b"he\0llo", "text/plain", "application/octet-stream"),
        (b"%PDF-1.7 ", "image/png", "application/pdf"),
    ],
)
def test_bytes_decide_what_a_file_is(content: bytes, claimed: str, is_: str) -> None:
    assert content_type(content, claimed=claimed) == is_


def reply_with(content: bytes) -> HttpResponse:
    """A reply on the practice network with one file."""
    brand = make_brand("aero")
    case = make_case(make_channel(brand, "practice"))
    client = Client()
    client.force_login(make_user("Mara Kovač", brand=brand))
    return client.post(  # type: ignore[return-value]
        f"/desk/all/case/{case.id}/reply/",
        {
            "text": "Look.", "visibility": "public", "alt": [" A box "],
            "files": [SimpleUploadedFile("box.png", content, "image/png")],
        },
        HTTP_HX_REQUEST="true",
    )  # fmt: skip


def test_a_reply_with_a_file_is_queued_with_its_description() -> None:
    assert reply_with(PNG).status_code == 200
    file = OutgoingFile.objects.select_related("file").get()
    assert (file.alt, file.file.name, file.file.content_type) == ("A box", "box.png", "image/png")


def test_a_file_that_the_network_does_not_take_is_refused_in_words() -> None:
    answer = reply_with(b"%PDF-1.7 ")
    assert answer.status_code == 422
    assert "of a kind that this network does not take" in answer.content.decode()
    assert not StoredFile.objects.exists()
    assert not OutgoingFile.objects.exists()
