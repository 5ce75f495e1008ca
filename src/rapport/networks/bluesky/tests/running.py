"""Installing and running the AT Protocol network of ``server/``: Node, and a database of its own."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from tests.npm import node_modules, npm_or_skip

_SERVER = Path(__file__).parent / "server"
_START_S = 90


def modules() -> Path:
    """The ``node_modules`` folder, installed once for this lock file and this Node.

    Skips the test where Node is absent, but not in CI.
    """
    npm_or_skip("Bluesky is tested against its own servers, which need Node 18.7 or newer and npm")
    node = Path(shutil.which("node") or "node").resolve()
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    # better-sqlite3 is compiled against the headers of this very Node, which lie beside it.
    prefix = node.parent.parent
    headers = (prefix / "include" / "node" / "common.gypi").exists()
    return node_modules(
        _SERVER,
        f"atproto-{version}",
        scripts=True,
        environment={"npm_config_nodedir": str(prefix)} if headers else None,
    )


class Network:
    """The running network. ``addresses`` has ``pds``, ``appview``, ``plc``, ``bypass``, ``schema``."""

    def __init__(self, chat_url: str) -> None:
        self._chat_url = chat_url
        self._lock = threading.Lock()
        self._stack = contextlib.ExitStack()
        self._process: subprocess.Popen[str]
        self.addresses: dict[str, str] = {}
        self.database = ""

    def __enter__(self) -> Network:
        folder = modules()
        with contextlib.ExitStack() as stack:
            self.database = stack.enter_context(_database())
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rapport-atproto-")))
            log = stack.enter_context((home / "log").open("wb"))
            self._process = subprocess.Popen(
                ["node", "--no-deprecation", str(_SERVER / "network.mjs")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={
                    **os.environ,
                    "RAPPORT_MODULES": str(folder),
                    "DB_POSTGRES_URL": self.database,
                    "RAPPORT_CHAT_URL": self._chat_url,
                    "TMPDIR": str(home),
                    "LOG_ENABLED": "false",
                },
            )
            stack.callback(self._end)
            said = self._line()
            if not said:
                raise RuntimeError(f"the network did not start: {(home / 'log').read_text()[-3000:]}")
            self.addresses = said
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def do(self, what: str, **more: Any) -> None:
        """Have the network do one of the commands of ``network.mjs``."""
        with self._lock:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps({"do": what, **more}) + "\n")
            self._process.stdin.flush()
            said = self._line()
        if said.get("done") != what:
            raise RuntimeError(f"{what}: {said}")

    def _line(self) -> dict[str, Any]:
        """What it says next; {} when it ended, or is silent for too long."""
        timer = threading.Timer(_START_S, self._process.kill)
        timer.start()
        try:
            assert self._process.stdout is not None
            line = self._process.stdout.readline()
        finally:
            timer.cancel()
        return dict(json.loads(line)) if line else {}

    def _end(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


@contextlib.contextmanager
def _database() -> Iterator[str]:
    """A database of its own on the tests' server, and its address."""
    server = os.environ["DATABASE_URL"]
    name = f"rapport_atproto_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
