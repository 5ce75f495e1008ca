"""What the composer knows of the network: how a message can be answered, when it cannot, and what comes back."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import REPOSITORY, Instance, Opener
from tests.browser.test_files import picture

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
OVER = "The network's time for a private answer is over"


def _open(page: Page, words: str) -> None:
    page.mouse.move(900, 300)  # a list that somebody points at waits with what is new
    page.locator("#rows li", has_text=words).first.locator("a").click()
    page.mouse.move(900, 300)
    expect(page.locator(".thread .words", has_text=words).first).to_be_visible()


def _written_privately(instance: Instance, *, seconds_left: int) -> str:
    """A private message on a network with reply windows; its words."""
    subprocess.run(
        [sys.executable, "-m", "tests.browser.window", str(seconds_left)],
        env=instance.env,
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    return f"Is my seat still free? ({seconds_left})"


def test_sending_ends_live_with_the_networks_time_and_what_was_written_stays(
    instance: Instance, open_desk: Opener, keep: Callable[[Page, str], None]
) -> None:
    words = _written_privately(instance, seconds_left=40)
    page = open_desk()
    _open(page, words)
    # What came privately here is never answered in public.
    expect(page.locator(".segments label")).to_have_text(["Private"])
    send, close = page.locator("button.send-main"), page.locator("button.send-close")
    expect(send).to_be_enabled()
    expect(close).to_be_enabled()
    expect(page.locator(".window:visible")).to_contain_text("A private answer is possible until")
    expect(page.locator(".window .left")).to_have_text("under 1 min left")
    field = page.locator(".reply-form textarea")
    field.fill("Yes, 14C is yours")
    keep(page, "composer-window-open")
    send.focus()
    expect(send).to_be_disabled(timeout=60_000)
    expect(close).to_be_disabled()
    expect(page.locator(".window:visible")).to_contain_text(OVER)
    expect(field).to_be_focused()
    expect(field).to_have_value("Yes, 14C is yours")
    keep(page, "composer-window-over")
    page.keyboard.press("Control+Enter")
    page.reload()
    expect(page.locator("button.send-main")).to_be_disabled()
    expect(page.locator(".window:visible")).to_contain_text(OVER)
    expect(field).to_have_value("Yes, 14C is yours")
    expect(page.locator(".entry.pending")).to_have_count(0)


def test_a_device_whose_clock_is_wrong_closes_nothing_early(instance: Instance, open_desk: Opener) -> None:
    words = _written_privately(instance, seconds_left=3600)
    page = open_desk()
    page.clock.set_fixed_time("2031-01-01T00:00:00Z")
    page.reload()
    _open(page, words)
    expect(page.locator("button.send-main")).to_be_enabled()
    expect(page.locator(".window:visible .left")).to_have_text(re.compile(r"(59|60) min left|1 h left"))


def test_a_reply_that_is_taken_back_brings_its_files_back_with_their_descriptions(
    instance: Instance, open_desk: Opener, keep: Callable[[Page, str], None]
) -> None:
    page = open_desk()
    words = f"Which of the two doors, {uuid4().hex[:6]}?"
    post = instance.post("ana.w", f"@aero {words}")
    _open(page, words)
    field = page.locator(".files input[type=file]")
    field.set_input_files([picture("plan.png"), picture("door.png")])
    page.get_by_label("Describe plan.png for those who cannot see it").fill("The way to the door")
    page.locator(".reply-form textarea").fill("This one.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".entry.pending.queued .media li")).to_have_count(2)
    # Meanwhile something else was begun.
    field.set_input_files([picture("more.png")])
    page.locator(".entry.pending").get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts")).to_contain_text("Nothing was sent")
    expect(page.locator(".chosen .name")).to_have_text(["more.png", "plan.png", "door.png"])
    expect(page.get_by_label("Describe plan.png for those who cannot see it")).to_have_value(
        "The way to the door"
    )
    expect(page.locator(".reply-form textarea")).to_have_value("This one.")
    page.get_by_label("Describe door.png for those who cannot see it").fill("The blue door")
    keep(page, "composer-files-back")
    remove = page.get_by_role("button", name="Remove more.png")
    remove.focus()
    remove.press("Enter")
    expect(page.locator(".chosen .name")).to_have_text(["plan.png", "door.png"])
    page.locator(".reply-form textarea").press("Control+Enter")
    expect(page.locator(".entry.pending.queued .media li")).to_have_text(["plan.png", "door.png"])
    expect(page.locator(".chosen li")).to_have_count(0)
    expect(page.locator(".entry.pending")).to_have_count(0)
    answers = instance.thread("ana.w", post["id"])[1:]
    assert [[one["alt"] for one in answer["media"]] for answer in answers] == [
        ["The way to the door", "The blue door"]
    ]
