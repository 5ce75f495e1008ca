"""The filtered stream of X's double: rules of the app, one connection, heartbeats."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterator
from typing import Any

from rapport.networks.doubles import Answer, Request
from rapport.networks.x.tests.doorman import BEARER, Doorman, Refuse, body_of, only
from rapport.networks.x.tests.world import Post

FIELDS = {"tweet.fields", "expansions", "user.fields", "media.fields", "poll.fields", "backfill_minutes"}


class Streaming(Doorman):
    def __init__(self) -> None:
        super().__init__()
        self.rules: dict[str, dict[str, str]] = {}
        self.listener: queue.Queue[str | None] | None = None
        self._fields: Request | None = None

    def _app(self, request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {BEARER}":
            raise Refuse(401, "Unauthorized", "Unauthorized")

    def _rules(self, request: Request) -> Answer:
        self._app(request)
        found: dict[str, Any] = {
            "meta": {"sent": "2026-11-21T09:00:00.000Z", "result_count": len(self.rules)}
        }
        return Answer(200, {"data": list(self.rules.values()), **found} if self.rules else found)

    def _change_rules(self, request: Request) -> Answer:
        self._app(request)
        body = body_of(request)
        only(body, {"add", "delete"})
        if ("add" in body) == ("delete" in body):
            raise Refuse(400, "Invalid Request", "You must pass in either `add` or `delete` parameters.")
        for rule in body.get("add", []):
            if len(rule["value"]) > 1024 or any(rule["value"] == one["value"] for one in self.rules.values()):
                raise Refuse(400, "Invalid Request", "DuplicateRule")
            found = {"id": self.new_id(), "value": rule["value"], "tag": rule.get("tag", "")}
            self.rules[found["id"]] = found
        for rule_id in body.get("delete", {}).get("ids", []):
            del self.rules[rule_id]
        return Answer(201 if "add" in body else 200, {"meta": {"sent": "2026-11-21T09:00:00.000Z"}})

    def _stream(self, request: Request) -> Answer:
        self._app(request)
        only(request.query, FIELDS)
        if not self.rules:
            raise Refuse(409, "RuleConfigurationIssue", "You must define rules before connecting.")
        if self.listener is not None:
            raise Refuse(
                429, "ConnectionException", "This stream is currently at the maximum allowed connection limit.",
                "https://api.x.com/2/problems/streaming-connection", connection_issue="TooManyConnections",
            )  # fmt: skip
        self.listener, self._fields = queue.Queue(), request
        return Answer(200, lines=self._lines(self.listener))

    def _lines(self, listener: queue.Queue[str | None]) -> Iterator[str]:
        try:
            while True:
                try:
                    line = listener.get(timeout=0.1)
                except queue.Empty:
                    line = ""  # the heartbeat, quicker than the real one
                if line is None:
                    return
                yield line
        finally:
            self.listener = None

    def show(self, post: Post, *, tag: str) -> None:
        """The stream brings ``post``, which a rule with this tag asked for."""
        with self.lock:
            assert self.listener is not None
            assert self._fields is not None
            page = self.page_json(self._fields, [post], None)
            rules = [{"id": "1", "tag": tag}]
            shown = {"data": page["data"][0], "includes": page.get("includes", {}), "matching_rules": rules}
            self.listener.put(json.dumps(shown))

    def disconnect(self) -> None:
        with self.lock:
            assert self.listener is not None
            problem = {"title": "operational-disconnect", "disconnect_type": "UpstreamOperationalDisconnect"}
            self.listener.put(json.dumps({"errors": [problem]}))
            self.listener.put(None)
