import json
import time

import pytest
from django.conf import settings
from django.test import Client

from rapport.ingest.models import RawEvent
from rapport.networks.practice.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, signature
from rapport.web.tests.conftest import Desk

SECRET = "between us"


@pytest.fixture
def hook(desk: Desk) -> str:
    desk.channel.credentials = {"webhook_secret": SECRET}
    desk.channel.save()
    return f"/hooks/practice/{desk.channel.id}"


def _headers(body: bytes, secret: str = SECRET, at: float | None = None) -> dict[str, str]:
    timestamp = str(int(at if at is not None else time.time()))
    return {
        TIMESTAMP_HEADER: timestamp,
        SIGNATURE_HEADER: signature(secret=secret, timestamp=timestamp, body=body),
    }


def _post(path: str, body: bytes, **kwargs: object):  # type: ignore[no-untyped-def]
    return Client(enforce_csrf_checks=True).post(
        path,
        body,
        content_type="application/json",
        headers=_headers(body, **kwargs),  # type: ignore[arg-type]
    )


def _body(*events: object) -> bytes:
    return json.dumps({"events": events}).encode()


def test_a_signed_delivery_is_stored_once_however_often_it_comes(hook: str) -> None:
    body = _body({"id": "evt-1", "type": "ping"}, {"id": "evt-2", "type": "ping"})
    assert [_post(hook, body).status_code for _time in range(3)] == [200, 200, 200]
    assert RawEvent.objects.count() == 2


@pytest.mark.parametrize(
    "kwargs", [{"secret": "guessed"}, {"secret": ""}, {"at": 0}, {"at": 4_000_000_000}], ids=str
)
def test_a_delivery_that_is_not_the_networks_is_refused(hook: str, kwargs: dict[str, object]) -> None:
    assert _post(hook, _body({"id": "1", "type": "ping"}), **kwargs).status_code == 401
    assert not RawEvent.objects.exists()


HOSTILE = [
    b"",
    b"not json",
    b"[]",
    b"null",
    b'{"events": 7}',
    b'{"events": [7]}',
    b'{"events": [{"type": "x"}]}',
    b'{"events": {"id": 1}}',
    b"\xff\xfe\x00",
    b'{"events": "' + b"a" * 1000 + b'"}',
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b'{"events": [' + b"1," * 5000 + b"1]}",
]


@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("signed", [True, False])
def test_a_hostile_body_is_never_an_error_of_ours(hook: str, body: bytes, signed: bool) -> None:
    answer = _post(hook, body) if signed else Client().post(hook, body, content_type="text/plain")
    assert answer.status_code in {400, 401}
    assert not RawEvent.objects.exists()


def test_bytes_that_postgresql_cannot_hold_are_stored_all_the_same(hook: str) -> None:
    body = b'{"events": [{"id": "nul", "type": "ping", "text": "a\\u0000b\\ud800c"}]}'
    assert _post(hook, body).status_code == 200
    assert RawEvent.objects.get().payload["text"] == "a\ufffdb\ufffdc"


def test_too_large_is_said_before_it_is_read(hook: str) -> None:
    client = Client()
    answer = client.generic("POST", hook, b"x", CONTENT_LENGTH=str(settings.RAPPORT_MAX_REQUEST_BYTES + 1))
    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/hooks/practice/999999", "/hooks/nowhere/{id}", "/hooks/file/{id}"])
def test_a_channel_that_is_not_there(desk: Desk, hook: str, path: str) -> None:
    assert _post(path.format(id=desk.channel.id), _body()).status_code == 404


def test_a_network_without_webhooks(desk: Desk) -> None:
    desk.channel.network = "file"
    desk.channel.save()
    assert _post(f"/hooks/file/{desk.channel.id}", _body()).status_code == 404


def test_credentials_that_cannot_be_read_ask_the_network_to_come_again(
    desk: Desk, hook: str, settings: pytest.FixtureRequest
) -> None:
    from cryptography.fernet import Fernet

    settings.RAPPORT_ENCRYPTION_KEYS = (Fernet.generate_key().decode(),)  # type: ignore[attr-defined]
    assert _post(hook, _body({"id": "1", "type": "ping"})).status_code == 503
    assert not RawEvent.objects.exists()
