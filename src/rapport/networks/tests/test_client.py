"""Every way a call can end is an answer or one of the three errors; private addresses are never called."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from rapport.networks.client import Api, usual
from rapport.networks.doubles import Answer, Double, Request
from rapport.networks.errors import CredentialsGone, NetworkError, Refused, TryAgain
from rapport.networks.http import is_public


class Mirror(Double):
    """Answers as the path says, and with what it was asked."""

    def answer(self, request: Request) -> Answer:
        kind, _, value = request.path.strip("/").partition("/")
        if kind == "status":
            return Answer(int(value), {"error": "no"}, {"Retry-After": request.query.get("after", "")})
        if kind == "junk":
            return Answer(200, b"<html>")
        if kind == "moved":
            return Answer(302, None, {"Location": f"{self.url}/status/200"})
        if kind == "empty":
            return Answer(204)
        return Answer(
            200,
            {
                "query": dict(request.query),
                "body": request.body.decode(errors="replace"),
                "form": request.form,
            },
        )


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    double = Mirror()
    with double:
        yield double


@pytest.mark.parametrize(
    ("status", "error", "doubt"),
    [(401, CredentialsGone, None), (400, Refused, None), (403, Refused, None), (404, Refused, None),
     (302, Refused, None), (429, TryAgain, False), (408, TryAgain, True), (500, TryAgain, True),
     (503, TryAgain, True)],
)  # fmt: skip
def test_a_refusal_is_one_of_the_three(
    mirror: Mirror, status: int, error: type[NetworkError], doubt: bool | None
) -> None:
    with pytest.raises(error) as refused:
        Api(mirror.url).call("POST", f"status/{status}", json_body={}, writes=True)
    assert str(status) in str(refused.value)
    if isinstance(refused.value, TryAgain):
        assert refused.value.doubt is doubt


def test_what_is_accepted_is_an_answer(mirror: Mirror) -> None:
    assert Api(mirror.url).call("DELETE", "status/404", accept=(404,)).status_code == 404
    assert Api(mirror.url).json("DELETE", "empty") is None


@pytest.mark.parametrize(
    ("value", "seconds"), [("7", 7), ("999999999999", 86_400), ("soon", None), ("-1", None)]
)
def test_the_networks_wish_to_wait_is_read_and_bounded(
    mirror: Mirror, value: str, seconds: int | None
) -> None:
    with pytest.raises(TryAgain) as later:
        Api(mirror.url).call("GET", "status/429", params={"after": value})
    assert later.value.after == (None if seconds is None else timedelta(seconds=seconds))


def test_it_may_be_told_as_a_date(mirror: Mirror) -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(minutes=2), usegmt=True)
    with pytest.raises(TryAgain) as later:
        Api(mirror.url).call("GET", "status/503", params={"after": at})
    assert later.value.after is not None
    assert timedelta(seconds=110) < later.value.after <= timedelta(minutes=2)


def test_an_unreadable_answer_leaves_doubt_only_after_writing(mirror: Mirror) -> None:
    for writes in (False, True):
        with pytest.raises(TryAgain) as unread:
            Api(mirror.url).json("POST", "junk", json_body={}, writes=writes)
        assert unread.value.doubt is writes


def test_redirects_are_not_followed(mirror: Mirror) -> None:
    with pytest.raises(Refused):
        Api(mirror.url).call("GET", "moved")
    assert [one.path for one in mirror.requests] == ["/moved"]


def test_bodies_and_parameters_arrive_as_meant(mirror: Mirror) -> None:
    api = Api(mirror.url, headers={"Authorization": "Bearer x"})
    assert api.json("GET", "echo?a=1")["query"] == {"a": "1"}
    assert api.json("GET", "echo", params=[("a", "1"), ("b", "ž")])["query"] == {"a": "1", "b": "ž"}
    assert api.json("POST", "echo", form={"text": "Žao & nam"})["form"] == {"text": "Žao & nam"}
    sent: dict[str, Any] = {"form": {"alt": "x"}, "files": {"file": ("box.png", b"\x89PNG", "image/png")}}
    api.call("POST", "echo", **sent)
    assert mirror.requests[-1].files == {"file": b"\x89PNG"}
    assert mirror.requests[-1].headers["authorization"] == "Bearer x"


def test_an_absent_network_leaves_no_doubt_and_a_broken_answer_does(mirror: Mirror) -> None:
    api = Api(mirror.url)
    with mirror.outage(), pytest.raises(TryAgain) as absent:
        api.call("POST", "echo", json_body={}, writes=True)
    assert not absent.value.doubt
    with mirror.answers_lost(lambda request: True), pytest.raises(TryAgain) as broken:
        api.call("POST", "echo", json_body={}, writes=True)
    assert broken.value.doubt


@pytest.mark.parametrize("address", ["not an address", "ftp://x/", "http://[::1", "http://x\x00y/"])
def test_an_impossible_address_is_refused(address: str) -> None:
    with pytest.raises(NetworkError):
        Api(address).call("GET", "me")


def test_a_private_address_is_never_sent_anything(mirror: Mirror, settings: Any) -> None:
    settings.RAPPORT_PRIVATE_ADDRESSES = False
    for address in (mirror.url, mirror.url.replace("127.0.0.1", "localhost")):
        with pytest.raises(Refused, match="private network"):
            Api(address, headers={"Authorization": "Bearer secret"}).call("POST", "echo", json_body={})
    assert mirror.requests == []
    assert Api(mirror.url, private_ok=True).call("GET", "echo").status_code == 200


@pytest.mark.parametrize(
    ("address", "public"),
    [("93.184.216.34", True), ("2606:2800:220:1::", True), ("127.0.0.1", False), ("10.1.2.3", False),
     ("169.254.169.254", False), ("100.64.0.1", False), ("0.0.0.0", False), ("224.0.0.1", False), ("::1", False),
     ("fe80::1%eth0", False), ("fc00::1", False), ("::ffff:127.0.0.1", False), ("::ffff:8.8.8.8", True),
     ("64:ff9b::7f00:1", False), ("2002:7f00:1::", False), ("localhost", False), ("", False)],
)  # fmt: skip
def test_only_addresses_of_the_internet_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_a_reason_is_cut_to_what_people_read() -> None:
    import httpx

    error = usual(httpx.Response(400), writes=False, reason="x" * 5000)
    assert len(str(error)) == 300
