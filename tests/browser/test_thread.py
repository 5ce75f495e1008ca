"""A case in a real browser: a long thread that loads both ways, two cases made one and parted, pictures large."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Instance, Opener
from tests.browser.test_files import picture

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
SEEN, NEW = 25, 65


def _open(page: Page, words: str) -> None:
    page.mouse.move(900, 300)  # a list that somebody points at waits with what is new
    page.locator("#rows li", has_text=words).first.locator("a").click()
    page.mouse.move(900, 300)
    expect(page.locator(".thread .words", has_text=words).first).to_be_visible()


def _until(page: Page, true: Callable[[], bool]) -> None:
    for _ in range(100):
        if true():
            return
        page.wait_for_timeout(100)
    raise AssertionError("not within ten seconds")


def _numbers(page: Page, mark: str) -> list[int]:
    said = page.locator("#entries > .message:not(.earlier) .words", has_text=mark).all_inner_texts()
    return [int(words.rpartition(" ")[2]) for words in said]


def test_a_long_thread_opens_where_one_left_off_and_loads_both_ways(
    instance: Instance, open_desk: Opener, keep: Callable[[Page, str], None]
) -> None:
    page = open_desk("ivo@example.com")
    mark = uuid4().hex[:6]
    told: list[str | None] = []  # how far this screen says it was read: in several steps, as it is filled
    page.on(
        "requestfinished",
        lambda asked: told.append(asked.post_data) if asked.url.endswith("/seen/") else None,
    )
    first = instance.post("joe_k", f"@aero {mark} number 0")
    for number in range(1, SEEN):
        instance.post("joe_k", f"@aero {mark} number {number}", in_reply_to=first["id"])
    _open(page, mark)
    last_seen = page.locator(".thread .words", has_text=f"{mark} number {SEEN - 1}")
    expect(last_seen).to_be_visible()
    newest = page.locator("#entries > .message", has_text=f"{mark} number {SEEN - 1}").get_attribute(
        "data-message"
    )
    last_seen.scroll_into_view_if_needed()
    until = f"until={newest}&"
    _until(page, lambda: any((body or "").startswith(until) for body in told))
    page.goto("/desk/all/")
    for number in range(SEEN, SEEN + NEW):
        instance.post("joe_k", f"@aero {mark} number {number}", in_reply_to=first["id"])
    expect(page.locator("#rows li", has_text=f"{mark} number {SEEN + NEW - 1}")).to_be_visible()

    page.locator("#rows li", has_text=mark).locator("a").click()
    page.mouse.move(900, 300)
    expect(page.locator("#unread-line")).to_be_in_viewport()
    keep(page, "thread-unread")
    assert (
        page.locator("#unread-line + .message .words, #unread-line + .day + .message .words")
        .first.inner_text()
        .endswith(f"{mark} number {SEEN}")
    )
    # Upwards: the oldest comes, and what was read stays under the eyes.
    box = page.locator("#thread")
    box.evaluate("box => { box.scrollTop = 0 }")
    expect(page.locator(".thread .words", has_text=f"{mark} number 0")).to_be_attached()
    expect(page.locator("#older")).to_have_count(0)
    # Downwards: to the newest.
    for _ in range(20):
        box.evaluate("box => { box.scrollTop = box.scrollHeight }")
        if page.locator("#newer").count() == 0:
            break
        page.wait_for_timeout(200)
    expect(page.locator(".thread .words", has_text=f"{mark} number {SEEN + NEW - 1}")).to_be_attached()
    assert _numbers(page, mark) == list(range(SEEN + NEW))


def test_two_cases_of_a_customer_become_one_and_are_parted_again(
    instance: Instance, open_desk: Opener, keep: Callable[[Page, str], None]
) -> None:
    page = open_desk()
    one, two = f"The bag {uuid4().hex[:6]}", f"The seat {uuid4().hex[:6]}"
    instance.post("somchai", f"@aero {one}")
    expect(page.locator("#rows li", has_text=one)).to_be_visible()
    instance.post("somchai", f"@aero {two}")
    _open(page, two)
    other = page.locator("#contact .others li", has_text=one)
    other.get_by_role("button", name="Merge into this").click()
    expect(page.locator(".thread .words", has_text=one)).to_be_visible()
    expect(page.locator(".thread .words", has_text=two)).to_be_visible()
    expect(page.locator("#rows li", has_text=one)).to_have_count(0)
    keep(page, "case-merged")
    page.locator("#toasts [data-undo] button").last.click()
    expect(page.locator(".thread .words", has_text=one)).to_have_count(0)
    expect(page.locator("#contact .others li", has_text=one)).to_be_visible()


def test_pictures_open_large_and_are_walked_by_keyboard(
    instance: Instance, open_desk: Opener, keep: Callable[[Page, str], None]
) -> None:
    page = open_desk()
    words = f"How does it look {uuid4().hex[:6]}?"
    instance.post("ana.w", f"@aero {words}")
    _open(page, words)
    page.locator(".files input[type=file]").set_input_files([picture("wheel.png"), picture("handle.png")])
    for name in ("wheel", "handle"):
        page.get_by_label(f"Describe {name}.png for those who cannot see it").fill(name)
    page.locator(".reply-form textarea").fill("Like this.")
    page.keyboard.press("Control+Enter")
    wheel = page.locator(".entry.own a[data-lightbox]").first
    expect(wheel).to_be_visible()
    wheel.focus()
    wheel.press("Enter")
    box = page.locator("#lightbox")
    expect(box.locator("figcaption")).to_have_text("wheel")
    expect(box.locator("output")).to_have_text("1 / 2")
    page.keyboard.press("ArrowRight")
    expect(box.locator("figcaption")).to_have_text("handle")
    assert box.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    keep(page, "lightbox")
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    expect(wheel).to_be_focused()


_WATCH = """
    document.addEventListener("DOMContentLoaded", () => {
        const entries = document.getElementById("entries");
        if (!entries) return; // the frame of a letter
        window.gone = [];
        new MutationObserver((changes) => {
            for (const one of changes) window.gone.push(...[...one.removedNodes].map((node) => node.id).filter(Boolean));
        }).observe(entries, { childList: true });
    });
"""


def test_what_comes_in_leaves_the_messages_that_are_there_in_the_page(
    instance: Instance, open_desk: Opener
) -> None:
    page = open_desk("ivo@example.com")
    mark = uuid4().hex[:6]
    first = instance.post("joe_k", f"@aero {mark} first")
    instance.post("joe_k", f"@aero {mark} second", in_reply_to=first["id"])
    with page.expect_request_finished(lambda asked: asked.url.endswith("/seen/")):
        _open(page, f"{mark} second")
    page.add_init_script(_WATCH)
    # All of it was read. As the server wrote it, with what it writes between the entries, until it is fetched anew.
    with page.expect_request_finished(lambda asked: "x-thread-since" in asked.headers):
        page.reload()
    instance.post("joe_k", f"@aero {mark} third", in_reply_to=first["id"])
    expect(page.locator(".thread .words", has_text=f"{mark} third")).to_be_visible()
    assert page.evaluate("window.gone") == []
