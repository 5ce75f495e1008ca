"""The first day of a newcomer, from the printed address to the figures of an import, as README tells it.

One instance is started with the demo, exactly as ``make run`` does; the simulated customers write by
themselves, so nothing here decides what arrives: it only waits for life.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import RAPPORT

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

LIFE_MS = 120_000  # the demo's customers write every few seconds; a busy machine is slower

# Two conversations in the public twcs format, written for this test.
TWCS = """tweet_id,author_id,inbound,created_at,text,response_tweet_id,in_response_to_tweet_id
1,900001,True,Tue Oct 31 10:00:00 +0000 2017,@KelpCare my parcel went to the neighbour's dog,2,
2,KelpCare,False,Tue Oct 31 10:20:00 +0000 2017,@900001 Oh no. Is the dog well? A new one leaves today. ^AB,,1
3,900002,True,Tue Oct 31 11:00:00 +0000 2017,@KelpCare anybody there?,,
4,KelpCare,False,Tue Oct 31 15:00:00 +0000 2017,@900003 Welcome back!,,5
5,900003,True,Tue Oct 31 14:00:00 +0000 2017,@KelpCare I am back,4,
6,900002,True,not a date,@KelpCare this row is broken,,3
"""


@dataclass
class Demo:
    """What a newcomer reads on the terminal, and the folder they are in."""

    address: str
    email: str
    password: str
    environment: dict[str, str]
    folder: Path


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("rapport-day")
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("RAPPORT_") and name not in {"DATABASE_URL", "DJANGO_SETTINGS_MODULE"}
    } | {"RAPPORT_DATA": str(folder / "data"), "RAPPORT_PORT": str(port)}
    said = folder / "said.txt"
    with said.open("wb") as output:
        up = subprocess.Popen(
            [RAPPORT, "up", "--demo"],
            env=environment,
            cwd=folder,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 120
        found = None
        while found is None and time.monotonic() < deadline and up.poll() is None:
            time.sleep(0.3)
            found = re.search(
                r"Rapport is at (\S+)\s+Log in as (\S+) with the password (\S+)",
                said.read_text(errors="replace"),
            )
        assert found, f"rapport up --demo printed no login:\n{said.read_text(errors='replace')}"
        yield Demo(found[1], found[2], found[3], environment, folder)
    finally:
        up.send_signal(signal.SIGINT)
        try:
            up.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(up.pid, signal.SIGKILL)
            up.wait(10)


def _log_in(browser: Browser, demo: Demo, **options: Any) -> Page:
    page = browser.new_context(base_url=demo.address, **options).new_page()
    page.set_default_timeout(30_000)
    page.goto("/")
    page.get_by_label("E-mail address").fill(demo.email)
    page.get_by_label("Password").fill(demo.password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/desk/**")
    return page


def _figure(page: Page, brand: str, key: str) -> str:
    """A cell of the figures' main table, by the heading's definition."""
    table = page.locator("table.figures")
    heads = table.locator("thead th")
    column = next(n for n in range(heads.count()) if heads.nth(n).locator(f'a[href="#def-{key}"]').count())
    row = table.locator("tbody tr", has_text=brand)
    return row.locator("th, td").nth(column).inner_text().strip()


def test_a_newcomers_day(demo: Demo, chromium: Browser, keep: Callable[[Page, str], None]) -> None:
    page = _log_in(chromium, demo, viewport={"width": 1440, "height": 900})

    # Cases arrive by themselves: nobody touches this page.
    first = page.locator("#rows li a").first
    expect(first).to_be_visible()
    before = first.get_attribute("href")
    page.wait_for_function(
        "before => document.querySelector('#rows li a').getAttribute('href') !== before",
        arg=before,
        timeout=LIFE_MS,
    )
    keep(page, "day-1-cases-arrive")

    # The newest waits. Read it, take it, note something, answer.
    page.goto("/desk/unassigned/")
    page.mouse.move(900, 300)
    row = page.locator("#rows li", has_text="under 1 min").first
    expect(row).to_be_visible(timeout=LIFE_MS)
    brand = row.locator(".row-where").inner_text().split("·")[0].strip()
    customer = row.locator(".row-name").inner_text().strip()
    row.locator("a").first.click()
    expect(page.locator("#thread .entry").first).to_be_visible()
    page.mouse.move(900, 300)
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("The case is yours.")
    page.keyboard.press("n")
    page.keyboard.type("Looks like the one from yesterday.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".entry.note", has_text="Looks like the one from yesterday.")).to_be_visible()
    page.keyboard.press("Escape")
    said = page.locator(".entry:not(.own):not(.note):not(.pending) .words")
    words_before = said.count()
    page.keyboard.press("r")
    page.keyboard.type(
        f"Thank you for writing, {customer}. I looked into it and it is solved, please try again."
    )
    keep(page, "day-2-answering")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".entry.pending")).to_have_count(1)
    expect(page.locator(".entry.pending")).to_have_count(0, timeout=60_000)
    expect(page.locator(".entry.own .words", has_text="I looked into it").first).to_be_visible()
    keep(page, "day-3-delivered")

    # The customer reacts, by themselves, on this very page.
    page.wait_for_function(
        "before => document.querySelectorAll('.entry:not(.own):not(.note):not(.pending) .words').length > before",
        arg=words_before,
        timeout=LIFE_MS,
    )
    keep(page, "day-4-customer-reacts")

    page.keyboard.press("Escape")
    page.keyboard.press("e")
    expect(page.locator("#menu-close")).to_have_attribute("open", "")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("Closed")

    # The figures have moved: there are answers, and medians for them.
    page.goto("/figures/")
    assert int(_figure(page, brand, "conversations")) > 0
    assert _figure(page, brand, "response_rate") not in {"", "–", "0 %"}
    assert _figure(page, brand, "first_response_median_s") not in {"", "–"}
    keep(page, "day-5-figures")


def test_a_newcomer_imports_real_conversations(
    demo: Demo, chromium: Browser, keep: Callable[[Page, str], None]
) -> None:
    (demo.folder / "mine.csv").write_text(TWCS, encoding="utf-8")
    for _twice in range(2):
        done = subprocess.run(
            [RAPPORT, "import", "mine.csv", "--format", "twcs"],
            env=demo.environment,
            cwd=demo.folder,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
    assert (demo.folder / "mine.csv.rejected.jsonl").read_text().count("\n") == 1
    page = _log_in(chromium, demo, viewport={"width": 1440, "height": 900})
    page.goto("/figures/?since=2017-10-01&until=2017-11-30")
    assert _figure(page, "KelpCare", "conversations") == "3"
    assert _figure(page, "KelpCare", "unanswered") == "1"
    assert _figure(page, "KelpCare", "first_response_median_s") in {"40 min", "40 min 0 s"}
    keep(page, "day-6-imported")


def test_the_same_on_a_phone(demo: Demo, chromium: Browser, keep: Callable[[Page, str], None]) -> None:
    page = _log_in(
        chromium,
        demo,
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
        color_scheme="dark",
    )
    keep(page, "day-phone-1-list")
    page.locator("#rows li a").first.tap()
    expect(page.locator("#thread .entry").first).to_be_visible()
    page.locator(".reply-form textarea").fill("Answered from the tram: we are looking into it right now.")
    keep(page, "day-phone-2-answering")
    page.locator(".reply-form .send-main").tap()
    expect(page.locator(".entry.own .words", has_text="Answered from the tram").first).to_be_visible(
        timeout=60_000
    )
    keep(page, "day-phone-3-sent")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
