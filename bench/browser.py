"""As little of a browser as two hundred of them need on the cores they share with the server: HTTP over a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class Gone(Exception):
    """The server closed the connection."""


@dataclass
class Browser:
    """One person's: a cookie, and connections that are kept for one request after the other."""

    host: str
    port: int
    session: str
    _idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list, repr=False)

    _TOKEN = "c" * 32

    def _head(self, method: str, path: str, headers: dict[str, str], length: int | None) -> bytes:
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: {self.host}:{self.port}",
            f"Cookie: rapport_session={self.session}; csrftoken={self._TOKEN}",
            f"X-CSRFToken: {self._TOKEN}",
            *(f"{name}: {value}" for name, value in headers.items()),
            *([] if length is None else [f"Content-Length: {length}"]),
        ]
        return "\r\n".join([*lines, "", ""]).encode()

    async def _send(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> Answer:
        reader, writer = (
            self._idle.pop() if self._idle else await asyncio.open_connection(self.host, self.port)
        )
        try:
            writer.write(
                self._head(method, path, headers, None if body is None else len(body)) + (body or b"")
            )
            status, found = await _answer_head(reader)
            if found.get("transfer-encoding") == "chunked":
                text = b"".join([piece async for piece in _chunks(reader)])
            else:
                text = await reader.readexactly(int(found.get("content-length", 0)))
        except BaseException:
            writer.close()
            raise
        self._idle.append((reader, writer))
        return Answer(status, found, text)

    async def ask(
        self, path: str, headers: dict[str, str], *, method: str = "GET", body: bytes | None = None
    ) -> Answer:
        """One request. Kept connections that the server has closed are opened anew, once. Raises Gone or OSError."""
        for again in (bool(self._idle), False):
            try:
                return await self._send(method, path, headers, body)
            except (Gone, OSError, asyncio.IncompleteReadError) as error:
                self.close()
                if not again:
                    raise Gone(str(error)) from error
        raise AssertionError

    async def events(self, path: str) -> AsyncIterator[tuple[str, str]]:
        """The stream's events, as name and data, until the server ends it. Raises Gone or OSError."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            writer.write(self._head("GET", path, {"Accept": "text/event-stream"}, None))
            status, _headers = await _answer_head(reader)
            if status != 200:
                raise Gone(f"status {status}")
            name, rest = "message", b""
            async for piece in _chunks(reader):
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    if line.startswith(b"event: "):
                        name = line[7:].decode()
                    elif line.startswith(b"data: "):
                        yield name, line[6:].decode()
        except asyncio.IncompleteReadError as error:
            raise Gone("the stream ended") from error
        finally:
            writer.close()

    def close(self) -> None:
        """Let go of what is kept."""
        while self._idle:
            self._idle.pop()[1].close()


async def _answer_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        raise Gone("no answer") from error
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.split(": ", 1) for line in lines if line)
    return int(first.split(" ", 2)[1]), {name.lower(): value for name, value in pairs}


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while size := int(await reader.readline() or b"0", 16):
        yield await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readline()
