"""What networks count, in numbers worked out by hand; that nothing longer leaves is tested for all of them together."""

from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest

from rapport.networks.base import Account, OutgoingMessage, Visibility
from rapport.networks.bluesky import chat, posting
from rapport.networks.bluesky.posting import check_length
from rapport.networks.errors import CredentialsGone, Refused
from rapport.networks.registry import connector_class

FAMILY = "👩\u200d👩\u200d👦"  # one for the eye, 18 bytes


def _counted(network: str, text: str, way: Visibility, *, to: str = "", **settings: Any) -> int:
    connector = connector_class(network)(
        Account(external_id="1", handle="care", credentials={}, settings=settings)
    )
    return connector.length(connector.written(text, way, to=to), way)


@pytest.mark.parametrize(
    ("network", "text", "public", "private"),
    [
        ("instagram", "Žao mi je 😀", 11, 15),
        ("instagram", "ขอโทษ", 5, 15),
        ("x", "漢字 https://example.com/a-long-way-down", 28, 38),
        ("x", "sorry 😀", 8, 7),
        ("bluesky", FAMILY * 100, 100, 100),
        # 3,006 bytes are more than 3,000, however few characters they are; in private there are 10,000.
        ("bluesky", FAMILY * 167, 301, 167),
        ("bluesky", FAMILY * 556, 1001, 1001),
        ("facebook", FAMILY, 5, 5),
    ],
)
def test_public_and_private_count_as_the_network_does(
    network: str, text: str, public: int, private: int
) -> None:
    assert (_counted(network, text, "public"), _counted(network, text, "private")) == (public, private)


@pytest.mark.parametrize(
    ("text", "to", "counts"),
    [
        ("Hello", "", 5),
        ("Hello", "ana", 10),
        ("Hello", "@ana@far.example", 10),  # the server's name is not counted
        ("Hello @ana", "ana", 10),  # named already
        ("Hello @ana@social.example", "ana", 10),
        ("Hello @ana", "ana@far.example", 15),  # another Ana
    ],
)
def test_a_mastodon_reply_counts_the_name_that_is_put_in_front(text: str, to: str, counts: int) -> None:
    for way in ("public", "private"):
        found = _counted("mastodon", text, way, to=to, server="https://social.example", software="mastodon")
        assert found == counts


def test_where_a_server_counts_every_letter_the_whole_name_counts() -> None:
    settings = {"server": "https://social.example", "software": "pleroma"}
    assert _counted("mastodon", "Hello", "public", to="ana@far.example", **settings) == len(
        "@ana@far.example Hello"
    )


def test_instagram_refuses_itself_just_what_is_too_long() -> None:
    connector = connector_class("instagram")(
        Account(external_id="1", handle="care", credentials={}, settings={})
    )

    def send(text: str) -> None:
        connector.send(
            OutgoingMessage(
                idempotency_key="3f1c9f0e-8f3b-4a38-9d1f-0a4ad7c3a001",
                text=text,
                visibility="private",
                parent_visibility="private",
                recipient_id="2",
                created_at=datetime(2026, 11, 21, 12, tzinfo=UTC),
            )
        )

    full = "ก" * 333 + "a"
    assert connector.length(full, "private") == connector.rules.limit("private")
    with pytest.raises(CredentialsGone):  # it was about to call
        send(full)
    with pytest.raises(Refused, match="bytes"):
        send(f"{full}a")


@pytest.mark.parametrize("place", [posting, chat], ids=["post", "message"])
@pytest.mark.parametrize("script", ["a", "ก", FAMILY], ids=["letters", "Thai", "families"])
def test_bluesky_refuses_itself_just_what_counts_as_too_long(place: ModuleType, script: str) -> None:
    limits = place.MAX_GRAPHEMES, place.MAX_BYTES
    most = max(n for n in range(1, limits[0] + 2) if place.length(script * n) <= limits[0])
    check_length(script * most, *limits)
    with pytest.raises(Refused):
        check_length(script * (most + 1), *limits)
