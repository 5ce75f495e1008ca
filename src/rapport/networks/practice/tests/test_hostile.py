"""What no honest client sends to the network's API."""

import base64
from collections.abc import Callable
from typing import Any

import httpx
import pytest

Api = Callable[..., httpx.Response]

HOSTILE: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "accounts/me/posts?client_ref=%00", {}),
    ("GET", "accounts/a%00b", {}),
    ("GET", "accounts/me/posts?cursor=" + base64.urlsafe_b64encode(b"[" * 20_000).decode(), {}),
    ("GET", "events?cursor=" + base64.urlsafe_b64encode(b"[" * 20_000).decode(), {}),
    ("GET", "events?cursor=" + base64.urlsafe_b64encode(b'{"after": 1e999}').decode(), {}),
    ("GET", "events?cursor=%F0", {}),
    ("GET", "events?limit=" + "9" * 5000, {}),
    ("GET", f"posts/{'9' * 30}/thread", {}),
    ("POST", f"posts/{'9' * 30}/repost", {}),
    ("DELETE", f"subscriptions/{'9' * 30}", {}),
    ("POST", "posts", {"json": {"text": "x", "visibility": []}}),
    ("POST", "posts", {"json": {"text": "x", "visibility": {"a": 1}}}),
    ("POST", "posts", {"content": b'{"text": "x", "lang": "\\u0000"}'}),
    ("POST", "posts", {"content": b'{"text": "x", "lang": "\\ud800"}'}),
    ("POST", "posts", {"content": b'{"text": "x", "client_ref": "\\u0000"}'}),
    ("POST", "posts", {"content": b'{"text": "x", "client_ref": "\\ud800"}'}),
    ("POST", "posts", {"json": {"text": "x"}, "headers": {"Idempotency-Key": b"\xff" * 64}}),
    ("POST", "posts", {"json": {"text": "x", "in_reply_to": "9" * 18}}),
    ("POST", "posts", {"json": {"text": "x", "in_reply_to": [1]}}),
    ("POST", "posts", {"json": {"text": "x", "recipient_id": "9" * 18, "visibility": "private"}}),
    ("POST", "posts", {"content": b'{"text": ' + b"9" * 5000 + b"}"}),
    ("POST", "subscriptions", {"content": b'{"url": "http://a/\\u0000", "secret": "0123456789abcdef"}'}),
    ("POST", "subscriptions", {"content": b'{"url": "http://a/\\ud800", "secret": "0123456789abcdef"}'}),
    ("POST", "subscriptions", {"content": b'{"url": "http://a/", "secret": "0123456789abcdef\\ud800"}'}),
    ("POST", "subscriptions", {"content": b'{"url": "http://a/", "secret": "0123456789abcdef\\u0000"}'}),
    ("POST", "subscriptions", {"json": {"url": "http://[::1", "secret": "0123456789abcdef"}}),
    ("PATCH", "chaos", {"json": {"slow_ms": 1e300}}),
    ("PATCH", "chaos", {"json": {"slow_ms": 10**30}}),
    ("PATCH", "chaos", {"json": {"outage": []}}),
    ("PATCH", "chaos", {"content": b'{"duplicate_rate": NaN}'}),
    ("PATCH", "chaos", {"json": {"pk": 7}}),
]


@pytest.mark.parametrize(("method", "path", "options"), HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_call_is_never_an_error_of_ours(api: Api, method: str, path: str, options: Any) -> None:
    assert api(method, path, **options).status_code < 500
