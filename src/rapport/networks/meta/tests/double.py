"""The Graph API by its published rules, as a real HTTP server on this machine.

Strict on purpose: a token, a proof of the app secret, a version, known fields; Meta's error bodies;
cursors; usage headers; what the real one refuses is refused.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from rapport.networks.doubles import Answer
from rapport.networks.meta.graph import API_VERSION
from rapport.networks.meta.tests import facebook_api, instagram_api, login_api, messages_api
from rapport.networks.meta.tests.errors import GraphError, no_object, token_gone, too_much
from rapport.networks.meta.tests.fields import BadFields
from rapport.networks.meta.tests.world import APP_SECRET, PAGE_ID, World


class Call:
    """One request, read."""

    def __init__(
        self,
        method: str,
        path: str,
        params: dict[str, str],
        form: dict[str, Any],
        files: dict[str, tuple[str, bytes, str]],
        token: str,
    ) -> None:
        self.method, self.path, self.params, self.form, self.files, self.token = (
            method,
            path,
            params,
            form,
            files,
            token,
        )
        self.parts = path.split("/")


class Double:
    """Start and stop the server; it keeps its port and its world between stops."""

    def __init__(self) -> None:
        self.world = World()
        self._port = 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        self._server = _Server(("127.0.0.1", self._port), _handler(self.world))
        self._port = self._server.server_address[1]
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True


def answer(world: World, call: Call) -> Any:
    """What the API says to a call. Raises GraphError."""
    if call.path == "oauth/access_token":
        return login_api.access_token(world, call)
    if call.path == "debug_token":
        return login_api.debug_token(world, call)
    if call.token.startswith("EAAuser") and call.path == "me/accounts":
        _proof(call)
        return login_api.accounts(world, call)
    if call.token != world.token:
        raise token_gone(world.revoked_subcode or 467)
    if world.require_proof:
        _proof(call)
    if call.parts[0] == "me":
        call.parts[0] = PAGE_ID
    for api in (messages_api, facebook_api, instagram_api):
        found = api.answer(world, call)
        if found is not None:
            return found
    raise no_object(call)


def _proof(call: Call) -> None:
    made = hmac.new(APP_SECRET.encode(), call.token.encode(), hashlib.sha256).hexdigest()
    given = call.params.get("appsecret_proof")
    if given is None:
        raise GraphError(100, "API calls from the server require an appsecret_proof argument")
    if given != made:
        raise GraphError(100, "Invalid appsecret_proof provided in the API argument")


def _handler(world: World) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            pass

        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            split = urlsplit(self.path)
            version, _slash, path = split.path.lstrip("/").partition("/")
            form, files = _form(body, self.headers)
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            call = Call(self.command, path, dict(parse_qsl(split.query)), form, files, token)
            with world.lock:
                world.calls[f"{self.command} {path}"] += 1
                try:
                    if version != API_VERSION:
                        raise GraphError(2635, f"You are calling a deprecated version {version}")
                    if world.faults:
                        fault = world.faults.pop(0)
                        raise GraphError(**fault)
                    if int(call.params.get("limit", 0)) > world.most.get(call.parts[-1], 1000):
                        raise too_much()
                    at = (self.command, call.parts[-1])
                    if at in world.faults_at:
                        raise GraphError(**world.faults_at[at])
                    if path == "dialog/oauth":
                        self._show(login_api.dialog(world, call))
                        return
                    found = world.answers_at[at] if at in world.answers_at else answer(world, call)
                    status, headers = 200, {}
                except BadFields as error:
                    refused = GraphError(100, str(error))
                    found, status, headers = refused.body(), 400, refused.headers
                except GraphError as error:
                    found, status, headers = error.body(), error.status, error.headers
                if world.usage is not None:
                    used = {"call_count": world.usage, "total_time": 3, "total_cputime": 2}
                    headers = {"X-App-Usage": json.dumps(used), **headers}
                broken = (
                    world.break_after_posting and self.command == "POST" and status == 200 and _shows(path)
                )
            if broken:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            raw = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=UTF-8")
            self.send_header("Content-Length", str(len(raw)))
            self.send_header("Connection", "close")
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)
            self.close_connection = True

        def _show(self, page: Answer) -> None:
            self.send_response(page.status)
            for name, value in page.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(page.body)))
            self.end_headers()
            self.wfile.write(page.body)

        do_GET = do_POST = do_DELETE = _do  # noqa: N815  # the base class calls them so

    return Handler


def _shows(path: str) -> bool:
    """Whether a call puts something where people see it."""
    return path.rpartition("/")[2] in {"comments", "replies", "messages", "mentions", "feed"}


def _form(body: bytes, headers: Message) -> tuple[dict[str, Any], dict[str, tuple[str, bytes, str]]]:
    kind = headers.get("Content-Type", "")
    if kind.startswith("application/json"):
        return json.loads(body), {}
    if kind.startswith("multipart/form-data"):
        parsed = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
        form: dict[str, Any] = {}
        files: dict[str, tuple[str, bytes, str]] = {}
        assert isinstance(parsed, EmailMessage)
        for part in parsed.iter_parts():
            name = part.get_param("name", header="content-disposition")
            content = part.get_payload(decode=True)
            if part.get_filename():
                files[name] = (part.get_filename(), content, part.get_content_type())
            else:
                form[name] = content.decode()
        return form, files
    return dict(parse_qsl(body.decode())), {}
