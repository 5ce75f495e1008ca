"""Bodies that are too large or never end are refused before anything is kept of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from rapport.config.bodies import BoundedBodies, Message, Receive, Scope, Send


async def _reads_all(scope: Scope, receive: Receive, send: Send) -> None:
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


def _answer(
    parts: Iterable[bytes], *, headers: list[tuple[bytes, bytes]] | None = None, stall: bool = False
) -> list[Message]:
    """What the client gets for a body in ``parts``; with ``stall`` the end never comes."""
    said: list[Message] = []
    waiting = list(parts)

    async def receive() -> Message:
        if not waiting:
            await asyncio.Event().wait()
        part = waiting.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(waiting) or stall}

    async def send(message: Message) -> None:
        said.append(message)

    app = BoundedBodies(_reads_all, limit=10, patience_s=0.05)
    asyncio.run(app({"type": "http", "headers": headers or []}, receive, send))
    return said


def test_a_body_within_the_limit_passes() -> None:
    assert _answer([b"12345", b"67890"])[1]["body"] == b"10"


@pytest.mark.parametrize("parts", [[b"12345678901"], [b"1234567890", b"1"], [b"1"] * 1000])
def test_a_larger_body_is_refused_whether_it_says_so_or_not(parts: list[bytes]) -> None:
    assert _answer(parts)[0]["status"] == 413


def test_an_announced_length_is_believed_before_a_byte_is_read() -> None:
    assert _answer([], headers=[(b"content-length", b"11")])[0]["status"] == 413
    assert _answer([b"1"], headers=[(b"content-length", b"-1")])[0]["status"] == 200


def test_a_body_that_stops_coming_is_given_up() -> None:
    assert _answer([b"1"], stall=True)[0]["status"] == 408
