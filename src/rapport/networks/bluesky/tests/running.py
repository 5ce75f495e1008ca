"""Installing and running the AT Protocol network of ``server/``: Node, and a database of its own."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
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
import pytest

_SERVER = Path(__file__).parent / "server"
_INSTALL_S = 900
_START_S = 90


def modules() -> Path:
    """The ``node_modules`` folder, installed once for this lock file and this Node.

    Skips the test where Node is absent, but not in CI.
    """
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        words = "Bluesky is tested against its own servers, which need Node 18.7 or newer and npm"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    cache = Path(os.environ.get("RAPPORT_TEST_CACHE") or Path.home() / ".cache" / "rapport-tests")
    cache.mkdir(parents=True, exist_ok=True)
    lock = (_SERVER / "package-lock.json").read_bytes()
    home = cache / f"atproto-{version}-{hashlib.sha256(lock).hexdigest()[:12]}"
    with (cache / ".atproto.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not home.exists():
            _install(home, Path(node))
    return home / "node_modules"


def _install(home: Path, node: Path) -> None:
    """Aside first: an interrupted installation leaves nothing half made."""
    aside = home.with_name(f"{home.name}.new")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(_SERVER / name, aside / name)
    # better-sqlite3 is compiled against the headers of this very Node, which lie beside it.
    prefix = node.resolve().parent.parent
    environment = dict(os.environ)
    if (prefix / "include" / "node" / "common.gypi").exists():
        environment["npm_config_nodedir"] = str(prefix)
    done = subprocess.run(
        ["npm", "ci", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=aside,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_INSTALL_S,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"npm ci failed: {done.stdout.decode(errors='replace')[-2000:]}")
    aside.rename(home)


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
