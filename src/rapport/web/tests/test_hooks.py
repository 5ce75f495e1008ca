import json
import time

import pytest
from django.conf import settings
from django.test import Client

from rapport.brands.models import Channel
from rapport.ingest.models import RawEvent
from rapport.networks.practice.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, signature
from rapport.networks.x.webhooks import signature as x_signature
from rapport.staff.models import Role
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


def _x(desk: Desk, account: str, app: str) -> Channel:
    return Channel.objects.create(
        brand=desk.brand, network="x", external_id=account, handle=f"@{account}",
        credentials={"access_token": "t", "consumer_secret": app},
    )  # fmt: skip


def test_two_apps_of_x_have_an_address_each_for_challenges_and_deliveries(desk: Desk) -> None:
    one, two, also_two = _x(desk, "11", "app one"), _x(desk, "22", "app two"), _x(desk, "23", "app two")
    for channel, app in ((one, "app one"), (two, "app two"), (also_two, "app two")):
        answer = Client().get(f"/hooks/x/{channel.id}", {"crc_token": "abc"})
        assert json.loads(answer.content) == {"response_token": x_signature(app, b"abc")}

    def deliver(path: str, app: str, account: str) -> int:
        body = json.dumps({"for_user_id": account, "favorite_events": [{"id": account}]}).encode()
        headers = {"x-twitter-webhooks-signature": x_signature(app, body)}
        return Client().post(path, body, content_type="application/json", headers=headers).status_code

    assert deliver(f"/hooks/x/{one.id}", "app one", "11") == 200
    assert deliver(f"/hooks/x/{two.id}", "app two", "22") == 200
    assert deliver(f"/hooks/x/{two.id}", "app two", "23") == 200
    assert set(RawEvent.objects.values_list("channel_id", flat=True)) == {one.id, two.id, also_two.id}
    # Neither speaks for the other's accounts, and X keeps an address whose answers are kind.
    RawEvent.objects.all().delete()
    assert deliver(f"/hooks/x/{one.id}", "app two", "22") == 401
    assert deliver(f"/hooks/x/{one.id}", "app one", "22") == 200
    assert not RawEvent.objects.exists()
    # The shared address takes deliveries of both.
    assert deliver("/hooks/x", "app one", "11") == deliver("/hooks/x", "app two", "22") == 200
    assert RawEvent.objects.count() == 2


def test_the_pages_show_the_address_of_the_app(desk: Desk) -> None:
    channel = _x(desk, "11", "app one")
    page = desk.client(Role.ADMIN).get(f"/channels/{channel.id}/").content.decode()
    assert f"/hooks/x/{channel.id}" in page
    assert '/hooks/x"' not in page
    guide = desk.client(Role.ADMIN).get("/channels/connect/x/").content.decode()
    assert "Each app has an address of its own" in guide
    assert "/hooks/x" not in guide
