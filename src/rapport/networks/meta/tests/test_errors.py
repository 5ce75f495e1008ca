from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from rapport.networks.errors import CredentialsGone, NetworkError, Refused, TryAgain
from rapport.networks.meta.errors import Missing, NotPermitted, explain
from rapport.networks.meta.limits import busiest, regain, seen_limits


def refusal(status: int = 400, headers: dict[str, str] | None = None, **error: Any) -> httpx.Response:
    return httpx.Response(status, json={"error": {"message": "words", **error}}, headers=headers)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"code": 190, "error_subcode": 463}, CredentialsGone),
        ({"code": 190}, CredentialsGone),
        ({"code": 102}, CredentialsGone),
        ({"code": 100, "message": "Invalid appsecret_proof provided in the API argument"}, CredentialsGone),
        ({"code": 4}, TryAgain),
        ({"code": 17}, TryAgain),
        ({"code": 32}, TryAgain),
        ({"code": 613}, TryAgain),
        ({"code": 80001}, TryAgain),
        ({"code": 368}, TryAgain),
        ({"code": 1}, TryAgain),
        ({"code": 2}, TryAgain),
        ({"code": 9, "is_transient": True}, TryAgain),
        ({"code": 10, "error_subcode": 2018278}, Refused),
        ({"code": 10, "error_subcode": 2534022}, Refused),
        ({"code": 10}, NotPermitted),
        ({"code": 200}, NotPermitted),
        ({"code": 299}, NotPermitted),
        ({"code": 506}, Refused),
        ({"code": 551}, Refused),
        ({"code": 10900}, Refused),
        ({"code": 10903}, Refused),
        ({"code": 100, "error_subcode": 33}, Missing),
        ({"code": 803}, Missing),
        ({"code": 100}, Refused),
        ({"code": "190"}, Refused),
        ({"code": True}, Refused),
    ],
)
def test_a_code_is_one_of_the_three_errors(error: dict[str, Any], expected: type[NetworkError]) -> None:
    assert type(explain(refusal(**error), writes=True)) is expected


@pytest.mark.parametrize(("code", "doubt"), [(1, True), (2, True), (4, False), (32, False), (368, False)])
def test_only_a_fault_of_theirs_leaves_a_doubt(code: int, doubt: bool) -> None:
    found = explain(refusal(500, code=code), writes=True)
    assert isinstance(found, TryAgain)
    assert found.doubt is doubt


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": "no"}', b'{"error": null}', b"[" * 5000])
def test_what_is_no_error_body_is_left_to_the_usual_reading(body: bytes) -> None:
    assert explain(httpx.Response(502, content=body), writes=True) is None


def test_the_users_words_are_preferred_and_bounded() -> None:
    found = explain(refusal(code=100, error_user_msg="Say it shorter. " * 100), writes=False)
    assert str(found).startswith("Say it shorter.")
    assert len(str(found)) <= 300


BLOCKED = {
    "123": [{"type": "pages", "call_count": 100, "total_time": 20, "estimated_time_to_regain_access": 19}]
}


def test_the_wait_is_the_longest_that_the_headers_name() -> None:
    response = refusal(code=32, headers={"X-Business-Use-Case-Usage": json.dumps(BLOCKED)})
    found = explain(response, writes=True)
    assert isinstance(found, TryAgain)
    assert found.after == regain(response) == timedelta(minutes=19)
    unsaid = explain(refusal(code=4), writes=True)
    assert isinstance(unsaid, TryAgain)
    assert unsaid.after == timedelta(minutes=5)


def test_limits_are_read_from_the_tightest_budget() -> None:
    response = httpx.Response(
        200, headers={"X-App-Usage": '{"call_count": 28, "total_time": 90, "total_cputime": 1}'}
    )
    assert busiest(response) == 90
    assert {one.remaining for one in seen_limits(response)} == {20}


@pytest.mark.parametrize(
    "value",
    ["", "{", "[]", "null", '{"call_count": "x"}', '{"call_count": -1}', '{"call_count": 1e999}', "[" * 5000],
)
def test_odd_headers_say_nothing(value: str) -> None:
    response = httpx.Response(200, headers={"X-App-Usage": value, "X-Business-Use-Case-Usage": value})
    assert seen_limits(response) == []
    assert regain(response) is None
