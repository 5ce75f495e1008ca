"""The filtered stream of X's double: rules of the app, one connection, heartbeats.

https://docs.x.com/x-api/posts/filtered-stream/introduction (pay per use: 1,000 rules of 1,024 characters, one connection;
backfill with an Enterprise contract), https://docs.x.com/x-api/stream/update-stream-rules, and for the bodies of refusals
those that are on record: https://github.com/xdevplatform/twitter-api-typescript-sdk/issues/9 (no rules),
https://github.com/mastashake08/discord-twitter-bot/issues/7 (a rule that is there).
"""

from __future__ import annotations

import json
import queue
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from rapport.networks.doubles import Answer, Request
from rapport.networks.x.tests.doorman import BEARER, Doorman, Refuse, body_of, only
from rapport.networks.x.tests.ruling import finds, problem_of
from rapport.networks.x.tests.world import PROBLEMS, Post

FIELDS = {"tweet.fields", "expansions", "user.fields", "media.fields", "poll.fields", "backfill_minutes"}
SENT = {"sent": "2026-11-21T09:00:00.000Z"}


class Streaming(Doorman):
    """``together``: one rule that cannot be read keeps all of its call from being added."""

    def __init__(self) -> None:
        super().__init__()
        self.rules: dict[str, dict[str, str]] = {}
        self.listener: queue.Queue[str | None] | None = None
        self.most_rules = 1000
        self.together = True
        self._fields: Request | None = None
        self._streamed: list[Post] = []

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
        only(request.query, {"dry_run"})
        if ("add" in body) == ("delete" in body):
            raise Refuse(400, "Invalid Request", "You must pass in either `add` or `delete` parameters.")
        if "delete" in body:
            for rule_id in body["delete"]["ids"]:
                del self.rules[rule_id]
            return Answer(200, {"meta": SENT})
        if len(self.rules) + len(body["add"]) > self.most_rules:
            raise Refuse(
                422, "RulesCapExceeded", f"You may have {self.most_rules} rules.", PROBLEMS + "rule-cap"
            )
        return self._add_rules(body["add"], dry_run=request.query.get("dry_run") == "true")

    def _add_rules(self, wanted: list[dict[str, str]], *, dry_run: bool) -> Answer:
        there = {one["value"]: one["id"] for one in self.rules.values()}
        errors: list[dict[str, Any]] = []
        made: list[dict[str, str]] = []
        for rule in wanted:
            problem = problem_of(rule["value"])
            if problem:
                kind = {"title": "UnprocessableEntity", "type": PROBLEMS + "invalid-rules"}
                errors.append({"value": rule["value"], "details": [problem], **kind})
            elif rule["value"] in there:
                kind = {"title": "DuplicateRule", "type": PROBLEMS + "duplicate-rules"}
                errors.append({"value": rule["value"], "id": there[rule["value"]], **kind})
            else:
                made.append({"id": self.new_id(), "value": rule["value"], "tag": rule.get("tag", "")})
        if self.together and any("details" in one for one in errors):
            made = []
        if not dry_run:
            self.rules |= {one["id"]: one for one in made}
        summary = {"created": len(made), "not_created": len(errors)}
        body: dict[str, Any] = {"meta": {**SENT, "summary": summary}}
        body |= {"data": made} if made else {}
        body |= {"errors": errors} if errors else {}
        return Answer(201 if made or not errors else 400, body)

    def _stream(self, request: Request) -> Answer:
        self._app(request)
        only(request.query, FIELDS)
        minutes = int(request.query.get("backfill_minutes", "0"))
        if minutes and not self.enterprise:
            raise Refuse(
                403, "Client Forbidden", "backfill_minutes is for Enterprise.", PROBLEMS + "client-forbidden"
            )
        if not self.rules:
            raise Refuse(
                409, "ConnectionException",
                "You must define rules using the POST /2/tweets/search/stream/rules endpoint before connecting.",
                PROBLEMS + "streaming-connection", connection_issue="RuleConfigurationIssue",
            )  # fmt: skip
        if self.listener is not None:
            raise Refuse(
                429, "ConnectionException", "This stream is currently at the maximum allowed connection limit.",
                "https://api.x.com/2/problems/streaming-connection", connection_issue="TooManyConnections",
            )  # fmt: skip
        self.listener, self._fields = queue.Queue(), request
        if minutes:
            for post in self._streamed:
                if self.now() - post.at.timestamp() < timedelta(minutes=min(minutes, 5)).total_seconds():
                    self._bring(post)
        return Answer(200, lines=self._lines(self.listener))

    def _lines(self, listener: queue.Queue[str | None]) -> Iterator[str]:
        try:
            while True:  # until the connection breaks, which the heartbeat notices
                try:
                    line = listener.get(timeout=0.1)
                except queue.Empty:
                    line = ""  # the heartbeat, quicker than the real one
                if line is None:
                    return
                yield line
        finally:
            self.listener = None

    def happen(self, post: Post) -> None:
        """The stream brings ``post`` if a rule finds it, now or to whoever asks for the last minutes."""
        with self.lock:
            self._streamed.append(post)
            if self.listener is not None:
                self._bring(post)

    def _bring(self, post: Post) -> None:
        reposted = post.reposts is not None
        found = [
            {"id": one["id"], "tag": one["tag"]}
            for one in self.rules.values()
            if finds(one["value"], self.text_of(post), by=self.people[post.by].username, reposted=reposted)
        ]
        if found:
            self._show(post, found)

    def show(self, post: Post, *, tag: str) -> None:
        """The stream brings ``post``, which a rule with this tag asked for."""
        with self.lock:
            self._show(post, [{"id": "1", "tag": tag}])

    def _show(self, post: Post, rules: list[dict[str, str]]) -> None:
        assert self._fields is not None
        page = self.page_json(self._fields, [post], None)
        more = {name: page[name] for name in ("includes", "errors") if name in page}
        self.send(json.dumps({"data": page["data"][0], **more, "matching_rules": rules}))

    def send(self, line: str) -> None:
        """These very letters."""
        with self.lock:
            assert self.listener is not None
            self.listener.put(line)

    def disconnect(self) -> None:
        with self.lock:
            problem = {
                "title": "operational-disconnect", "disconnect_type": "UpstreamOperationalDisconnect",
                "detail": "This stream has been disconnected upstream for operational reasons.",
                "type": PROBLEMS + "operational-disconnect",
            }  # fmt: skip
            self.send(json.dumps({"errors": [problem]}))
            assert self.listener is not None
            self.listener.put(None)
