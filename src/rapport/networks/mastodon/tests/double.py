"""A server of the Mastodon API on 127.0.0.1; it can be one of three kinds."""

from __future__ import annotations

import contextlib
import json
import queue
import threading
from collections.abc import Iterator
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Response
from websockets.sync.server import Server, ServerConnection, serve

from rapport.networks import doubles
from rapport.networks.doubles import Answer, Request
from rapport.networks.mastodon.tests.answers import Answers
from rapport.networks.mastodon.tests.world import Flavour, Person, Post, World, new_token


class Double(doubles.Double):
    """One server. ``world`` is what happens on it; the public attributes are its bad days."""

    def __init__(self, flavour: Flavour) -> None:
        super().__init__()
        self.flavour = flavour
        self.world = World(flavour, push=self._push, lock=self.lock)
        self.tokens: dict[str, tuple[Person, set[str]]] = {}
        self.apps: dict[str, dict[str, Any]] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.limit = self.remaining = 100_000  # calls in five minutes; operators may allow more than 300
        self.never_ready = False  # files are worked on for ever
        self.websocket = flavour.websocket
        self.failing: set[str] = set()  # paths that answer 500
        self.listened = threading.Event()  # a stream of ours is open on this side too
        self._ws: Server | None = None
        self._ws_port = 0
        self._listeners: list[tuple[Person, queue.Queue[str | None]]] = []

    def answer(self, request: Request) -> Answer:
        return Answers(self, request).answer()

    def start(self) -> None:
        super().start()
        if self.flavour.websocket:
            self._ws = serve(
                self._talk, "127.0.0.1", self._ws_port, process_request=self._admit, close_timeout=0.2
            )
            self._ws_port = self._ws.socket.getsockname()[1]
            threading.Thread(target=self._ws.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.drop_listeners()
        if self._ws is not None:
            self._ws.shutdown()
            self._ws = None
        super().stop()

    @property
    def streaming(self) -> str:
        """The streaming server's address, as the instance tells it."""
        return f"ws://127.0.0.1:{self._ws_port}" if self.websocket else self.url.replace("http", "ws")

    def token_for(self, person: Person, scopes: str = "read write") -> str:
        token = new_token()
        with self.lock:
            self.tokens[token] = (person, set(scopes.split()))
        return token

    # Stream -----------------------------------------------------------------------------------------
    def drop_listeners(self) -> None:
        """End every stream, as a restart of the streaming server does."""
        with self.lock:
            for _person, one in self._listeners:
                one.put(None)

    def events(self, person: Person) -> Iterator[str]:
        """Lines of an event stream, with a heartbeat."""
        mine = self._listen(person)
        try:
            yield ":)"
            while True:
                try:
                    said = mine.get(timeout=0.2)
                except queue.Empty:
                    yield ":thump"
                    continue
                if said is None:
                    return
                found = json.loads(said)
                yield from (f"event: {found['event']}", f"data: {found['payload']}", "")
        finally:
            self._forget(mine)

    def _push(self, event: str, what: Any) -> None:
        """To whom it may concern: the mentioned, the author and whoever was told."""
        for person, one in self._listeners:
            if isinstance(what, Post):
                concerned = person is what.author or person in what.mentions
                payload = what.id if event == "delete" else json.dumps(self.world.post_wire(what))
            else:
                concerned = what["to"] == person.id
                payload = json.dumps(self.world.notification_wire(what))
            if concerned:
                one.put(json.dumps({"stream": ["user"], "event": event, "payload": payload}))

    def _listen(self, person: Person) -> queue.Queue[str | None]:
        one: queue.Queue[str | None] = queue.Queue()
        with self.lock:
            self._listeners.append((person, one))
        self.listened.set()
        return one

    def _forget(self, one: queue.Queue[str | None]) -> None:
        with self.lock:
            self._listeners = [found for found in self._listeners if found[1] is not one]

    def _admit(self, connection: ServerConnection, request: Any) -> Response | None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not self.websocket:
            return connection.respond(404, "Not found\n")
        if token not in self.tokens:
            return connection.respond(401, "Missing access token\n")
        if not request.path.startswith("/api/v1/streaming?stream=user"):
            return connection.respond(400, "Unknown stream\n")
        return None

    def _talk(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        token = connection.request.headers["Authorization"].removeprefix("Bearer ")
        mine = self._listen(self.tokens[token][0])
        with contextlib.suppress(ConnectionClosed):
            while (said := mine.get()) is not None:
                connection.send(said)
        self._forget(mine)
