"""A server of the Mastodon API on 127.0.0.1, strict about what it accepts; it can be one of three kinds."""

from __future__ import annotations

import contextlib
import email.parser
import email.policy
import hashlib
import json
import queue
import socketserver
import threading
import time
from base64 import urlsafe_b64encode
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Response
from websockets.sync.server import Server, ServerConnection, serve

from rapport.networks.mastodon.tests.world import Flavour, Person, Post, Refusal, World, new_token, tags_in

LIMIT = 300
_LIMIT_WINDOW_S = 300


class Double:
    """One server. ``world`` is what happens on it; the switches below are its bad days."""

    def __init__(self, flavour: Flavour) -> None:
        self.flavour, self.world = flavour, World(flavour)
        self.world.push = self._push
        self.tokens: dict[str, tuple[Person, set[str]]] = {}
        self.apps: dict[str, dict[str, Any]] = {}
        self.codes: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, str]] = []
        self.keys: list[str] = []
        self.remaining = LIMIT
        self.break_after_posting = False
        self.never_ready = False  # files are worked on for ever
        self.websocket = flavour.websocket
        self.failing: set[str] = set()  # paths that answer 500
        self._http: ThreadingHTTPServer | None = None
        self._ws: Server | None = None
        self._listeners: list[tuple[Person, queue.Queue[str | None]]] = []
        self._port = self._ws_port = 0

    # Life -------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Listen; again on the same port after :meth:`stop`."""
        double = self

        class Handler(_Handler):
            server_double = double

        self._http = _Http(("127.0.0.1", self._port), Handler)
        self._port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        if self.flavour.websocket:
            self._ws = serve(
                self._talk, "127.0.0.1", self._ws_port, process_request=self._admit, close_timeout=0.2
            )
            self._ws_port = self._ws.socket.getsockname()[1]
            threading.Thread(target=self._ws.serve_forever, daemon=True).start()

    def stop(self) -> None:
        with self.world.lock:
            for _person, one in self._listeners:
                one.put(None)
        if self._ws is not None:
            self._ws.shutdown()
            self._ws = None
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
            self._http = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def streaming(self) -> str:
        return f"ws://127.0.0.1:{self._ws_port}" if self.websocket else self.url.replace("http", "ws")

    def token_for(self, person: Person, scopes: str = "read write") -> str:
        token = new_token()
        self.tokens[token] = (person, set(scopes.split()))
        return token

    # Stream -----------------------------------------------------------------------------------------
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

    def listen(self, person: Person) -> queue.Queue[str | None]:
        one: queue.Queue[str | None] = queue.Queue()
        with self.world.lock:
            self._listeners.append((person, one))
        return one

    def listening(self) -> int:
        with self.world.lock:
            return len(self._listeners)

    def drop_listeners(self) -> None:
        """End every stream, as a restart of the streaming server does."""
        with self.world.lock:
            for _person, one in self._listeners:
                one.put(None)

    def forget(self, one: queue.Queue[str | None]) -> None:
        with self.world.lock:
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
        mine = self.listen(self.tokens[token][0])
        with contextlib.suppress(ConnectionClosed):
            while (said := mine.get()) is not None:
                connection.send(said)
        self.forget(mine)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is nobody's error."""


class _Handler(BaseHTTPRequestHandler):
    server_double: Double
    protocol_version = "HTTP/1.1"
    server: socketserver.BaseServer

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

    def _answer(self) -> None:
        self.close_connection = True
        double, parts = self.server_double, urlsplit(self.path)
        self._path = parts.path
        self.params = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        length = int(self.headers.get("Content-Length") or 0)
        self.raw = self.rfile.read(length) if length else b""
        if self._path == "/api/v1/streaming/user":
            self._stream()
            return
        with double.world.lock:
            double.calls.append((self.command, self._path))
            body: Any
            headers: dict[str, str]
            try:
                status, body, headers = self._route()
            except Refusal as refusal:
                body = refusal.reason if isinstance(refusal, _Plain) else {"error": refusal.reason}
                status, headers = refusal.status, {}
            except _Silence:
                return
        self._send(status, body, headers)

    def _send(self, status: int, body: Any, headers: dict[str, str]) -> None:
        plain = isinstance(body, str)
        content = body.encode() if plain else json.dumps(body).encode()
        self.send_response_only(status)
        self.send_header("Date", formatdate(usegmt=True))
        self.send_header("Content-Type", "text/html" if plain else "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        if self.server_double.flavour.limits and self._path.startswith("/api/"):
            reset = time.gmtime(time.time() + _LIMIT_WINDOW_S)
            self.send_header("X-RateLimit-Limit", str(LIMIT))
            self.send_header("X-RateLimit-Remaining", str(max(self.server_double.remaining, 0)))
            self.send_header("X-RateLimit-Reset", time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", reset))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    # Who asks ---------------------------------------------------------------------------------------
    def _who(self, scope: str) -> Person:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        flavour = self.server_double.flavour
        if token not in self.server_double.tokens:
            raise _said(*flavour.bad_token)
        person, scopes = self.server_double.tokens[token]
        if scope not in scopes and scope.split(":")[0] not in scopes:
            raise _said(*flavour.out_of_scope)
        return person

    def _body(self) -> dict[str, Any]:
        kind = self.headers.get("Content-Type", "").split(";")[0]
        if kind == "application/json":
            found = json.loads(self.raw)
            if not isinstance(found, dict):
                raise Refusal(400, "Bad request")
            return found
        if kind == "application/x-www-form-urlencoded":
            return {name: values[-1] for name, values in parse_qs(self.raw.decode()).items()}
        raise Refusal(415, "Unsupported media type")

    # Where it goes ----------------------------------------------------------------------------------
    def _route(self) -> tuple[int, Any, dict[str, str]]:
        double, world = self.server_double, self.server_double.world
        if self._path in double.failing:
            raise Refusal(500, "Something went wrong on our end")
        if double.flavour.limits and self._path.startswith("/api/"):
            if double.remaining <= 0:
                raise Refusal(429, "Too many requests")
            double.remaining -= 1
        match [self.command, *self._path.strip("/").split("/")]:
            case ["GET", ".well-known", "nodeinfo"]:
                # The host is a proxy's idea of ours, as often.
                return 200, {"links": [{"rel": "…/2.0", "href": "https://inner.example/nodeinfo/2.0"}]}, {}
            case ["GET", "nodeinfo", "2.0"]:
                return 200, {"version": "2.0", "software": {"name": double.flavour.name}}, {}
            case ["GET", ".well-known", "oauth-authorization-server"] if double.flavour.pkce:
                return 200, {"code_challenge_methods_supported": ["S256"]}, {}
            case ["GET", "api", "v1", "instance"]:
                return 200, self._instance_v1(), {}
            case ["GET", "api", "v2", "instance"]:
                if not double.flavour.instance_v2:
                    raise Refusal(500, "Internal server error")
                return 200, self._instance_v2(), {}
            case ["POST", "api", "v1", "apps"]:
                return 200, self._app(self._body()), {}
            case ["GET", "oauth", "authorize"]:
                return self._authorize()
            case ["POST", "oauth", "token"]:
                return 200, self._token(self._body()), {}
            case ["GET", "api", "v1", "accounts", "verify_credentials"]:
                return 200, world.person_wire(self._who("read"), source=True), {}
            case ["PATCH", "api", "v1", "accounts", "update_credentials"]:
                broad = double.flavour.name == "takahe"
                return 200, self._profile(self._who("write" if broad else "write:accounts")), {}
            case ["GET", "api", "v1", "accounts", account_id]:
                self._who("read:accounts")
                return 200, world.person_wire(self._person(account_id)), {}
            case ["GET", "api", "v1", "accounts", account_id, "statuses"]:
                return self._statuses_of(self._person(account_id), self._who("read:statuses"))
            case ["GET", "api", "v1", "notifications"]:
                me = self._who("read:notifications")
                mine = [one for one in world.notifications if one["to"] == me.id]
                return self._page([world.notification_wire(one) for one in mine])
            case ["GET", "api", "v1", "conversations"]:
                me = self._who("read:conversations")
                return 200, world.conversations_of(me) if double.flavour.conversations else [], {}
            case ["GET", "api", "v1", "timelines", "home"]:
                me = self._who("read:statuses")
                return self._page([world.post_wire(one) for one in world.posts.values() if one.author is me])
            case ["GET", "api", "v1", "timelines", "public"]:
                self._who("read:statuses")
                local = self.params.get("local") == "true"
                return self._public(lambda one: not local or not one.author.domain)
            case ["GET", "api", "v1", "timelines", "tag", tag]:
                self._who("read:statuses")
                return self._public(lambda one: tag in [found.lower() for found in tags_in(one.text)])
            case ["POST", "api", "v2" | "v1", "media"]:
                return self._upload(self._who("write:media"))
            case ["GET", "api", "v1", "media", media_id]:
                return self._media(media_id, self._who("read"))
            case ["POST", "api", "v1", "statuses"]:
                return self._post(self._who("write:statuses"))
            case ["GET", "api", "v1", "statuses", post_id]:
                return 200, world.post_wire(self._seen(post_id, self._who("read:statuses"))), {}
            case ["PUT", "api", "v1", "statuses", post_id]:
                post = self._own(post_id, self._who("write:statuses"))
                world.change(post, self._body())
                return 200, world.post_wire(post), {}
            case ["DELETE", "api", "v1", "statuses", post_id]:
                post = self._own(post_id, self._who("write:statuses"))
                wire = world.post_wire(post)
                world.remove(post)
                return 200, wire, {}
            case ["GET", "api", "v1", "statuses", post_id, "context"]:
                me = self._who("read:statuses")
                above, below = world.around(self._seen(post_id, me), me)
                wire = {
                    "ancestors": [world.post_wire(one) for one in above],
                    "descendants": [world.post_wire(one) for one in below],
                }
                return 200, wire, {}
        raise Refusal(404, "Record not found")

    # Instance and login -----------------------------------------------------------------------------
    def _instance_v1(self) -> dict[str, Any]:
        double = self.server_double
        found: dict[str, Any] = {
            "uri": double.world.domain,
            "version": double.flavour.version,
            "urls": {"streaming_api": double.streaming} if double.flavour.websocket else {},
            "configuration": {
                "statuses": {
                    "max_characters": double.flavour.max_characters,
                    "max_media_attachments": 4,
                    "characters_reserved_per_url": 25 if double.flavour.ulids else 23,
                },
                "media_attachments": {
                    "supported_mime_types": ["image/jpeg", "image/png", "image/webp"],
                    "image_size_limit": 10_485_760,
                },
            },
        }
        return found

    def _instance_v2(self) -> dict[str, Any]:
        old = self._instance_v1()
        old["configuration"]["urls"] = {"streaming": self.server_double.streaming}
        old["configuration"]["accounts"] = {"max_note_length": 500}
        return {
            "domain": self.server_double.world.domain,
            "version": old["version"],
            "configuration": old["configuration"],
        }

    def _app(self, body: dict[str, Any]) -> dict[str, Any]:
        for needed in ("client_name", "redirect_uris"):
            if not body.get(needed):
                raise Refusal(422, f"Validation failed: {needed} can't be blank")
        app = {
            "id": new_token(), "client_id": new_token(), "client_secret": new_token(),
            "redirect_uris": body["redirect_uris"], "scopes": body.get("scopes") or "read",
        }  # fmt: skip
        self.server_double.apps[app["client_id"]] = app
        # Some echo the scopes as a list, some not at all.
        echoed = {} if self.server_double.flavour.ulids else {"scopes": app["scopes"].split()}
        return {name: app[name] for name in ("id", "client_id", "client_secret")} | echoed

    def _authorize(self) -> tuple[int, Any, dict[str, str]]:
        """The person in front of the browser says yes; as an account named in ``_as``, or no."""
        asked = self.params
        app = self.server_double.apps.get(asked.get("client_id", ""))
        if app is None or asked.get("response_type") != "code":
            raise Refusal(401, "Client authentication failed due to unknown client")
        if asked.get("redirect_uri") != app["redirect_uris"]:
            raise Refusal(401, "The redirect uri included is not valid.")
        if not set(asked.get("scope", "read").split()) <= set(app["scopes"].split()):
            raise Refusal(400, "The requested scope is invalid, unknown, or malformed.")
        code = new_token()
        self.server_double.codes[code] = dict(asked)
        back = {"code": code} | ({"state": asked["state"]} if "state" in asked else {})
        return 302, "", {"Location": f"{asked['redirect_uri']}?{urlencode(back)}"}

    def _token(self, body: dict[str, Any]) -> dict[str, Any]:
        app = self.server_double.apps.get(body.get("client_id", ""))
        asked = self.server_double.codes.pop(body.get("code", ""), None)
        if app is None or app["client_secret"] != body.get("client_secret"):
            raise Refusal(401, "invalid_client")
        if asked is None or asked["redirect_uri"] != body.get("redirect_uri"):
            raise Refusal(400, "invalid_grant")
        if "code_challenge" in asked and self.server_double.flavour.pkce:
            digest = hashlib.sha256(body.get("code_verifier", "").encode()).digest()
            if urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
                raise Refusal(400, "invalid_grant")
        person = self._person_named("care")
        token = self.server_double.token_for(person, asked.get("scope", "read"))
        return {"access_token": token, "token_type": "Bearer", "scope": asked.get("scope", "read")}

    # Accounts and lists -----------------------------------------------------------------------------
    def _person(self, account_id: str) -> Person:
        for one in self.server_double.world.people:
            if one.id == account_id:
                return one
        raise Refusal(404, "Record not found")

    def _person_named(self, name: str) -> Person:
        return next(one for one in self.server_double.world.people if one.username == name)

    def _profile(self, me: Person) -> dict[str, Any]:
        body = self._body()
        me.name = body.get("display_name", me.name)
        me.note = body.get("note", me.note)
        if len(me.note) > 500:
            raise Refusal(422, "Validation failed: Note character limit of 500 exceeded")
        if "fields_attributes" in body:
            me.fields = list(body["fields_attributes"].values())
        return self.server_double.world.person_wire(me, source=True)

    def _statuses_of(self, person: Person, viewer: Person) -> tuple[int, Any, dict[str, str]]:
        world = self.server_double.world
        posts = [one for one in world.posts.values() if one.author is person and world.visible(one, viewer)]
        if not self.server_double.flavour.own_private_listed:
            posts = [one for one in posts if one.visibility in {"public", "unlisted"}]
        return self._page([world.post_wire(one) for one in posts])

    def _public(self, wanted: Any) -> tuple[int, Any, dict[str, str]]:
        world = self.server_double.world
        return self._page(
            [
                world.post_wire(one)
                for one in world.posts.values()
                if one.visibility == "public" and wanted(one)
            ]
        )

    def _page(self, oldest_first: list[dict[str, Any]]) -> tuple[int, Any, dict[str, str]]:
        """By ids, which only the server can order; the links name another scheme, as behind a proxy."""
        limit = min(int(self.params.get("limit", 20)), 40)
        order = {one["id"]: index for index, one in enumerate(oldest_first)}

        def after(wanted: str) -> list[dict[str, Any]]:
            if wanted in order:
                return oldest_first[order[wanted] + 1 :]
            return [one for one in oldest_first if _order(one["id"]) > _order(wanted)]

        found = oldest_first
        if "max_id" in self.params:
            newer = after(self.params["max_id"])
            found = [one for one in found if one not in newer and one["id"] != self.params["max_id"]]
        if "min_id" in self.params:
            page = after(self.params["min_id"])[:limit]
        else:
            page = found[-limit:] if limit else []
        page = page[::-1]
        if not page:
            return 200, [], {}
        base = self.server_double.url.replace("http://", "https://") + self._path
        links = f'<{base}?max_id={page[-1]["id"]}>; rel="next", <{base}?min_id={page[0]["id"]}>; rel="prev"'
        return 200, page, {"Link": links}

    # Posts ------------------------------------------------------------------------------------------
    def _seen(self, post_id: str, viewer: Person) -> Post:
        post = self.server_double.world.posts.get(post_id)
        if post is None or not self.server_double.world.visible(post, viewer):
            raise Refusal(404, "Record not found")
        return post

    def _own(self, post_id: str, me: Person) -> Post:
        post = self._seen(post_id, me)
        if post.author is not me:
            takahe = self.server_double.flavour.name == "takahe"
            raise (
                Refusal(401, "Not the author of this status") if takahe else Refusal(404, "Record not found")
            )
        return post

    def _post(self, me: Person) -> tuple[int, Any, dict[str, str]]:
        double = self.server_double
        key = self.headers.get("Idempotency-Key", "")
        double.keys.append(key)
        post = double.world.publish(me, self._body(), key=key)
        if double.break_after_posting:
            raise _Silence
        return 200, double.world.post_wire(post), {}

    def _upload(self, me: Person) -> tuple[int, Any, dict[str, str]]:
        double, world = self.server_double, self.server_double.world
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + self.raw)
        parts = {part.get_param("name", header="content-disposition"): part for part in message.iter_parts()}
        if "file" not in parts or not parts["file"].get_payload(decode=True):
            raise Refusal(422, "Validation failed: File can't be blank")
        if parts["file"].get_content_type() not in {"image/png", "image/jpeg", "image/webp"}:
            raise Refusal(422, "Validation failed: File content type is invalid")
        alt = parts["description"].get_payload(decode=True).decode() if "description" in parts else ""
        media_id = world.new_id()
        working = 2 if double.flavour.slow_media else 0
        world.media[media_id] = {
            "owner": me.id, "alt": alt, "working": 10**9 if double.never_ready else working
        }  # fmt: skip
        return 202 if world.media[media_id]["working"] else 200, world.media_wire(media_id), {}

    def _media(self, media_id: str, me: Person) -> tuple[int, Any, dict[str, str]]:
        world = self.server_double.world
        found = world.media.get(media_id)
        if found is None or found["owner"] != me.id:
            raise Refusal(404, "Record not found")
        found["working"] = max(found["working"] - 1, 0)
        return 206 if found["working"] else 200, world.media_wire(media_id), {}

    # Server-sent events -----------------------------------------------------------------------------
    def _stream(self) -> None:
        double = self.server_double
        try:
            if not double.flavour.events:
                raise Refusal(404, "Not found")
            me = self._who("read")
        except Refusal as refusal:
            self._send(refusal.status, {"error": refusal.reason}, {})
            return
        self.send_response_only(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        mine = double.listen(me)
        with contextlib.suppress(OSError):
            self.wfile.write(b":)\n")
            while True:
                try:
                    said = mine.get(timeout=0.2)
                except queue.Empty:
                    self.wfile.write(b":thump\n")
                    continue
                if said is None:
                    break
                found = json.loads(said)
                self.wfile.write(f"event: {found['event']}\ndata: {found['payload']}\n\n".encode())
        double.forget(mine)


class _Silence(Exception):
    """The connection ends without an answer."""


def _said(status: int, body: str) -> Refusal:
    """An answer in the server's own words; plain text stays plain text."""
    return Refusal(status, json.loads(body)["error"]) if body.startswith("{") else _Plain(status, body)


class _Plain(Refusal):
    pass


def _order(wanted: str) -> tuple[int, str]:
    return (len(wanted), wanted)
