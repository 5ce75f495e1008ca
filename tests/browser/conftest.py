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
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError

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
    env: dict[str, str]

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


@contextlib.contextmanager
def running(folder: Path, *options: str) -> Iterator[tuple[str, dict[str, str]]]:
    """``rapport up`` on a free port with data of its own, stopped as Ctrl-C would stop it.

    Gives its address and the environment that other commands need to reach the same instance.
    """
    port = _free_port()
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("RAPPORT_") and name not in {"DATABASE_URL", "DJANGO_SETTINGS_MODULE"}
    }
    env = clean | {
        "RAPPORT_DATA": str(folder / "data"),
        "RAPPORT_PORT": str(port),
        "RAPPORT_UNDO_SECONDS": str(UNDO_SECONDS),
        "RAPPORT_POLL_SECONDS": "1",
        "RAPPORT_WEB_PROCESSES": "1",
        "RAPPORT_PRIVATE_ADDRESSES": "true",  # the networks' doubles run on this machine
        "PYTHONPATH": str(REPOSITORY),
    }
    log_file = folder / "up.log"
    with log_file.open("wb") as log:
        up = subprocess.Popen(
            [RAPPORT, "up", *options], env=env, cwd=folder, stdout=log, stderr=log, start_new_session=True
        )
    url = f"http://localhost:{port}"

    def answers() -> bool:
        if up.poll() is not None:
            pytest.fail(f"rapport up ended: {log_file.read_text()}")
        return httpx.get(f"{url}/healthz", trust_env=False).status_code == 200

    try:
        _wait_until(answers, f"rapport up does not answer; its log is {log_file}")
        yield url, env
    finally:
        up.send_signal(signal.SIGINT)
        try:
            up.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(up.pid, signal.SIGKILL)
            up.wait(10)


@pytest.fixture(scope="package")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """An instance with one brand and customers who write only when a test makes them."""
    with running(tmp_path_factory.mktemp("rapport-browser")) as (url, env):
        made = subprocess.run(
            [sys.executable, "-m", "tests.browser.world"],
            env=env,
            cwd=REPOSITORY,
            check=True,
            capture_output=True,
        )
        facts = json.loads(made.stdout)
        yield Instance(url, facts["tokens"], facts["brand"], env)


@pytest.fixture(autouse=True)
def from_the_start(request: pytest.FixtureRequest) -> None:
    """A test that is tried again finds its words twice, unless the cases of the last try are out of its way."""
    if getattr(request.node, "execution_count", 1) > 1 and "instance" in request.fixturenames:
        env = request.getfixturevalue("instance").env
        subprocess.run([sys.executable, "-m", "tests.browser.again"], env=env, cwd=REPOSITORY, check=True)


@dataclass
class Demo:
    """``rapport up --demo``: brands, a team, customers who write by themselves."""

    url: str
    logins: list[dict[str, str]]
    env: dict[str, str]

    def login(self, role: str) -> tuple[str, str]:
        """E-mail address and password of the first person with that role."""
        one = next(login for login in self.logins if login["role"] == role)
        return one["email"], one["password"]


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo, as a newcomer meets it."""
    with running(tmp_path_factory.mktemp("rapport-demo"), "--demo") as (url, env):
        found = subprocess.run([RAPPORT, "demo", "--json"], env=env, check=True, capture_output=True)
        yield Demo(url, json.loads(found.stdout)["logins"], env)


# Ends with these tests: while it lives, its event loop lets no other test of this process near the database.
@pytest.fixture(scope="package")
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


class Desk:
    """Opens pages in which somebody is logged in, and notices when anything goes wrong in one."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.problems: list[str] = []

    def blank(self, url: str, **options: Any) -> Page:
        """A new browser window, in which nobody is logged in."""
        context = self._browser.new_context(
            base_url=url, **{"viewport": {"width": 1440, "height": 900}, "locale": "en", **options}
        )
        context.set_default_timeout(PATIENCE_MS)
        self._contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        page.on("console", lambda message: self._heard(message.text))
        return page

    def open(self, url: str, email: str, password: str, path: str = "/desk/", **options: Any) -> Page:
        """A new browser window at ``path``."""
        page = self.blank(url, **options)
        page.goto(f"/login/?next={path}")
        page.get_by_label("E-mail address").fill(email)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(
            lambda url: urlsplit(url).path == urlsplit(path).path
        )  # not the login page's ?next=
        return page

    def _heard(self, text: str) -> None:
        if "Content Security Policy" in text:
            self.problems.append(text)

    def close(self) -> None:
        """Chromium may never say that a window is closed which was on its way to another page, and Playwright would
        wait for ever: so each arrives somewhere first, and what still hangs ends with its process."""
        for context in self._contexts:
            for page in context.pages:
                with contextlib.suppress(PlaywrightError):
                    page.goto("about:blank")
            watchdog = threading.Timer(PATIENCE_MS / 1000, _kill_pages)
            watchdog.start()
            try:
                context.close()
            finally:
                watchdog.cancel()


def _kill_pages() -> None:
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "--type=renderer" in process.cmdline():
                process.kill()


@pytest.fixture
def desk(chromium: Browser) -> Iterator[Desk]:
    """Afterwards no script may have failed and no content policy been broken in any page."""
    opened = Desk(chromium)
    yield opened
    opened.close()
    assert opened.problems == []


Opener = Callable[..., Page]


@pytest.fixture
def open_desk(instance: Instance, desk: Desk) -> Opener:
    """Opens a page of ``instance`` in which somebody is logged in."""

    def opener(who: str = "mara@example.com", path: str = "/desk/", **options: Any) -> Page:
        return desk.open(instance.url, who, PASSWORD, path, **options)

    return opener


@pytest.fixture
def keep(request: pytest.FixtureRequest) -> Callable[[Page, str], None]:
    """Keeps a screenshot under test-results/, for people to look at."""
    folder = REPOSITORY / "test-results" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)

    def keeper(page: Page, name: str) -> None:
        page.screenshot(path=folder / f"{name}.png")

    return keeper
