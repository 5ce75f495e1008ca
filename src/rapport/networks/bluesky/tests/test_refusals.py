"""How Bluesky's refusals are read, also those that its own server here does not give."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import httpx
import pytest

from rapport.networks.bluesky.xrpc import Named, NonceWanted, NotAllowed, explain, seen_limit
from rapport.networks.errors import CredentialsGone, Refused, TryAgain


def answer(
    status: int, name: str = "", message: str = "", headers: dict[str, str] | None = None
) -> httpx.Response:
    body: Any = {"error": name, "message": message} if name else None
    return httpx.Response(status, json=body, headers=headers)


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (answer(400, "ExpiredToken", "Token has expired"), CredentialsGone),
        (answer(400, "InvalidToken", "Token could not be verified"), CredentialsGone),
        (answer(401, "invalid_token"), CredentialsGone),
        (answer(401, "AuthenticationRequired", "Invalid identifier or password"), CredentialsGone),
        (answer(401, "AccountTakedown", "Account has been taken down"), CredentialsGone),
        (answer(403, "AccountNotFound"), CredentialsGone),
        (answer(401, "AuthFactorTokenRequired"), Named),
        (answer(400, "InvalidToken", "Bad token method"), NotAllowed),
        (answer(403, "ScopeMissingError", "Missing required scope"), NotAllowed),
        (answer(400, "use_dpop_nonce"), NonceWanted),
        (answer(401, "x", headers={"WWW-Authenticate": 'DPoP error="use_dpop_nonce"'}), NonceWanted),
        (answer(400, "InvalidRequest", "Input/record must have text"), Named),
        (answer(404, "XRPCNotSupported"), Named),
        (answer(413, "PayloadTooLarge"), Named),
        (answer(301), Refused),
        (answer(502, "UpstreamFailure"), TryAgain),
        (answer(501, "MethodNotImplemented"), TryAgain),
        (answer(429, "RateLimitExceeded"), TryAgain),
    ],
)
def test_what_a_refusal_means(response: httpx.Response, error: type[Exception]) -> None:
    found = explain(response, writes=True)
    assert type(found) is error or (error is Refused and isinstance(found, Refused))
    assert str(found)


def test_only_what_may_have_been_done_leaves_doubt() -> None:
    for status, doubt in ((502, True), (429, False), (503, True)):
        found = explain(answer(status, "x"), writes=True)
        assert isinstance(found, TryAgain)
        assert found.doubt is doubt
    assert not getattr(explain(answer(502, "x"), writes=False), "doubt", True)


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [
        ({"RateLimit-Reset": "in a minute", "RateLimit-Remaining": "0"}, 50, 61),
        ({"RateLimit-Reset": "5", "RateLimit-Remaining": "0"}, 1, 1),
        ({"RateLimit-Reset": "9" * 30, "RateLimit-Remaining": "0"}, None, None),
        ({"Retry-After": "7", "RateLimit-Reset": "5", "RateLimit-Remaining": "0"}, 7, 7),
        ({}, None, None),
    ],
)
def test_when_to_come_back(headers: dict[str, str], low: int | None, high: int | None) -> None:
    in_a_minute = str(int(time.time()) + 60)
    given = {name: value.replace("in a minute", in_a_minute) for name, value in headers.items()}
    found = explain(answer(429, "RateLimitExceeded", headers=given), writes=True)
    assert isinstance(found, TryAgain)
    if low is None or high is None:
        assert found.after is None
    else:
        assert found.after is not None
        assert timedelta(seconds=low) <= found.after <= timedelta(seconds=high)


def test_points_of_the_write_budget_are_told_as_posts() -> None:
    headers = {"RateLimit-Reset": "1760000000", "RateLimit-Remaining": "4999"}
    (limit,) = seen_limit(answer(200, headers=headers), write=True)
    assert (limit.budget, limit.remaining) == ("write", 2499)
    assert seen_limit(answer(200, headers={**headers, "RateLimit-Remaining": "many"}), write=True) == []


@pytest.mark.parametrize("content", [b"", b"[]", b"<html>", b'{"error": 5, "message": []}', b"[" * 5000])
def test_answers_that_say_nothing_are_refusals_all_the_same(content: bytes) -> None:
    assert isinstance(explain(httpx.Response(400, content=content), writes=True), Refused)
