"""A Jetstream: a WebSocket server with a past that is replayed from a cursor, by the README of the real one."""

from __future__ import annotations

import json
import threading
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve


class Jetstream:
    """``events`` is everything that happened; :meth:`happen` adds to it. ``twice``: each is sent again."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.asked: list[dict[str, list[str]]] = []
        self.twice = False
        self._changed = threading.Condition()
        self._closing = False
        self._server: Server
        self._thread: threading.Thread

    def __enter__(self) -> Jetstream:
        self._server = serve(self._handle, "127.0.0.1", 0)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        port = self._server.socket.getsockname()[1]
        self.url = f"ws://127.0.0.1:{port}/subscribe"
        return self

    def __exit__(self, *exc: object) -> None:
        self.hang_up()
        self._server.shutdown()
        self._thread.join()

    def happen(self, *events: dict[str, Any]) -> None:
        with self._changed:
            self.events += events
            self._changed.notify_all()

    def hang_up(self) -> None:
        """Connections end; new ones are taken."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def _handle(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        asked = parse_qs(urlsplit(connection.request.path).query)
        with self._changed:
            self.asked.append(asked)
            self._closing = False
            cursor = int(asked["cursor"][0]) if "cursor" in asked else None
            at = 0 if cursor is not None else len(self.events)
        try:
            while True:
                with self._changed:
                    while len(self.events) <= at and not self._closing:
                        self._changed.wait(60)
                    if self._closing:
                        return
                    fresh, at = self.events[at:], len(self.events)
                for event in fresh:
                    if cursor is not None and event["time_us"] < cursor:
                        continue
                    if not self._wanted(event, asked):
                        continue
                    for _copy in range(2 if self.twice else 1):
                        connection.send(json.dumps(event))
        except ConnectionClosed:
            return

    @staticmethod
    def _wanted(event: dict[str, Any], asked: dict[str, list[str]]) -> bool:
        """Account and identity events come whatever was asked for."""
        wanted = asked.get("wantedCollections")
        return event["kind"] != "commit" or not wanted or event["commit"]["collection"] in wanted
