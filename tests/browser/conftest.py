"""A real Rapport (``rapport up``) and a real Chromium.

Without Chromium these tests skip, saying so; in CI (the variable CI is set) they fail instead.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.world import PASSWORD

REPOSITORY = Path(__file__).resolve().parents[2]
RAPPORT = Path(sys.executable).with_name("rapport")
UNDO_SECONDS = 3
PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)
CHROMIUM_ARGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Instance:
    """A running Rapport and the voices of the practice network's customers."""

    url: str
    tokens: dict[str, str]
    brand: int

    def post(self, who: str, text: str, **fields: Any) -> dict[str, Any]:
        """A customer writes on the practice network."""
        body = {
            "text": text,
            "visibility": "public",
            "in_reply_to": None,
            "recipient_id": None,
            "client_ref": "",
        }
        answer = httpx.post(
            f"{self.url}/practice/api/v1/posts",
            json={**body, **fields},
            headers={"Authorization": f"Bearer {self.tokens[who]}"},
            trust_env=False,
        )
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def thread(self, who: str, post_id: str) -> list[dict[str, Any]]:
        """The posts of a thread as that person sees them on the network."""
        answer = httpx.get(
            f"{self.url}/practice/api/v1/posts/{post_id}/thread",
            headers={"Authorization": f"Bearer {self.tokens[who]}"},
            trust_env=False,
        )
        answer.raise_for_status()
        posts: list[dict[str, Any]] = answer.json()["posts"]
        return posts


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _wait_until(check: Callable[[], bool], what: str, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError, OSError):
            if check():
                return
        time.sleep(0.2)
    pytest.fail(f"gave up waiting: {what}")


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """``rapport up`` on a free port with data of its own; stopped as Ctrl-C would stop it."""
    port, data = _free_port(), tmp_path_factory.mktemp("rapport-browser")
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("RAPPORT_") and name not in {"DATABASE_URL", "DJANGO_SETTINGS_MODULE"}
    }
    env = clean | {
        "RAPPORT_DATA": str(data / "data"),
        "RAPPORT_PORT": str(port),
        "RAPPORT_UNDO_SECONDS": str(UNDO_SECONDS),
        "RAPPORT_POLL_SECONDS": "1",
        "PYTHONPATH": str(REPOSITORY),
    }
    with (data / "up.log").open("wb") as log:
        up = subprocess.Popen(
            [RAPPORT, "up"], env=env, cwd=data, stdout=log, stderr=log, start_new_session=True
        )
    try:
        url = f"http://localhost:{port}"
        _wait_until(
            lambda: httpx.get(f"{url}/healthz", trust_env=False).status_code == 200 or up.poll() is not None,
            f"rapport up does not answer; its log is {data / 'up.log'}",
        )
        made = subprocess.run(
            [sys.executable, "-m", "tests.browser.world"],
            env=env,
            cwd=REPOSITORY,
            check=True,
            capture_output=True,
        )
        facts = json.loads(made.stdout)
        yield Instance(url, facts["tokens"], facts["brand"])
    finally:
        up.send_signal(signal.SIGINT)
        try:
            up.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(up.pid, signal.SIGKILL)
            up.wait(10)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is not installed, and in CI the browser tests must run.")
        pytest.skip("Chromium is not installed: browser tests are skipped.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=CHROMIUM_ARGS)
        yield browser
        browser.close()


Opener = Callable[..., Page]


@pytest.fixture
def open_desk(instance: Instance, chromium: Browser) -> Iterator[Opener]:
    """Opens a page in which somebody is logged in. Afterwards, nothing may have gone wrong in any page."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def opener(who: str = "mara@example.com", path: str = "/desk/", **options: Any) -> Page:
        context = chromium.new_context(
            base_url=instance.url, **{"viewport": {"width": 1440, "height": 900}, **options}
        )
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(f"script: {error}"))
        page.on(
            "console",
            lambda message: (
                problems.append(message.text) if "Content Security Policy" in message.text else None
            ),
        )
        page.goto(f"/login/?next={path}")
        page.get_by_label("E-mail address").fill(who)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(f"**{path}")
        return page

    yield opener
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def keep(request: pytest.FixtureRequest) -> Callable[[Page, str], None]:
    """Keeps a screenshot under test-results/, for people to look at."""
    folder = REPOSITORY / "test-results" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)

    def keeper(page: Page, name: str) -> None:
        page.screenshot(path=folder / f"{name}.png")

    return keeper
