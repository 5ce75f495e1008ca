"""Pictures with replies, and changing what we said, from the desk to the customer's page and back."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.conftest import Instance, Opener

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def picture(name: str, *, side: int = 48) -> FilePayload:
    """A real PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = b"".join(b"\0" + bytes((60, 120, 5 * y % 256)) * side for y in range(side))
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows))
    return {"name": name, "mimeType": "image/png", "buffer": content + chunk(b"IEND", b"")}


def _open(page: Page, words: str) -> None:
    page.mouse.move(900, 300)  # a list that somebody points at waits with what is new
    page.locator("#rows li", has_text=words).first.locator("a").click()
    page.mouse.move(900, 300)
    expect(page.locator(".thread .words", has_text=words).first).to_be_visible()


def test_a_picture_and_its_description_reach_the_customers_page_once(
    instance: Instance, open_desk: Opener, keep: Callable[[Page, str], None]
) -> None:
    page = open_desk()
    post = instance.post("ana.w", "@aero Where is the desk for broken bags?")
    _open(page, "Where is the desk")
    field = page.locator(".files input[type=file]")
    field.set_input_files([picture("plan.png"), picture("wrong.png")])
    field.set_input_files([picture("desk.png")])  # what was chosen before stays
    expect(page.locator(".chosen .name")).to_have_text(["plan.png", "wrong.png", "desk.png"])
    page.get_by_label("Describe plan.png for those who cannot see it").fill("The way from gate 7")
    remove = page.get_by_role("button", name="Remove wrong.png")
    remove.focus()
    remove.press("Enter")
    expect(page.locator(".chosen .name")).to_have_text(["plan.png", "desk.png"])
    expect(page.get_by_role("button", name="Remove desk.png")).to_be_focused()
    page.get_by_label("Describe desk.png for those who cannot see it").fill('The desk, with "Bags" above it')
    page.keyboard.press("Escape")
    page.locator(".reply-form textarea").fill("Here it is.")
    keep(page, "desk-files")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".entry.pending.queued .media li")).to_have_text(["plan.png", "desk.png"])
    expect(page.locator(".chosen li")).to_have_count(0)
    # What left must not leave again with the next reply.
    assert field.evaluate("field => field.files.length") == 0
    expect(page.locator(".entry.pending")).to_have_count(0)
    shown = page.locator(".entry.own .media")
    expect(shown.locator("img, a").first).to_be_visible()

    answer = instance.thread("ana.w", post["id"])[-1]
    assert [one["alt"] for one in answer["media"]] == [
        "The way from gate 7",
        'The desk, with "Bags" above it',
    ]
    page.goto(f"/practice/posts/{post['id']}")
    seen = page.get_by_role("img", name='The desk, with "Bags" above it')
    expect(seen).to_be_visible()
    assert seen.evaluate("image => image.decode().then(() => image.naturalWidth)") == 48
    keep(page, "practice-pictures")


def test_too_many_files_are_said_before_sending_and_lost_by_no_refusal(
    instance: Instance, open_desk: Opener
) -> None:
    page = open_desk()
    instance.post("joe_k", "@aero Show me all you have")
    _open(page, "Show me all you have")
    field = page.locator(".files input[type=file]")
    field.set_input_files([picture(f"{n}.png") for n in range(5)])
    expect(page.locator(".too-many-note")).to_contain_text("Only 4 files can go along")
    page.get_by_label("Describe 0.png for those who cannot see it").fill("The first")
    page.locator(".reply-form textarea").fill("All of them")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#reply-error")).to_contain_text("at most 4 files")
    expect(page.locator(".reply-form textarea")).to_have_value("All of them")
    expect(page.get_by_label("Describe 0.png for those who cannot see it")).to_have_value("The first")
    page.get_by_role("button", name="Remove 4.png").click()
    expect(page.locator(".too-many-note")).to_be_hidden()
    page.locator(".reply-form textarea").press("Control+Enter")
    expect(page.locator(".entry.pending .media li")).to_have_count(4)


def test_what_we_said_is_edited_and_deleted_by_keyboard_and_the_network_shows_it(
    instance: Instance, open_desk: Opener
) -> None:
    page = open_desk()
    post = instance.post("somchai", "@aero Which gate for Split?")
    _open(page, "Which gate for Split?")
    page.keyboard.press("r")
    page.keyboard.type("Gate 7")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".entry.pending")).to_have_count(0)
    own = page.locator(".entry.own:not(.pending)")
    expect(own.locator(".words").first).to_have_text("Gate 7 ^MK")

    def texts() -> list[str]:
        return [one["text"] for one in instance.thread("somchai", post["id"])[1:]]

    assert texts() == ["Gate 7 ^MK"]
    own.locator("summary", has_text="Edit").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("The words as they should be")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("Gate 8 ^MK")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".entry.pending")).to_contain_text("Change of a message")
    expect(page.locator(".entry.pending")).to_have_count(0)
    expect(own.locator(".words").first).to_have_text("Gate 8 ^MK")
    assert texts() == ["Gate 8 ^MK"]

    def delete() -> None:
        drop = own.locator("details", has=page.locator("summary", has_text="Delete"))
        if drop.get_attribute("open") is None:
            drop.locator("summary").focus()
            page.keyboard.press("Enter")
        drop.get_by_role("button", name="Delete it on the network").focus()
        page.keyboard.press("Enter")
        expect(page.locator(".entry.pending")).to_contain_text("Deletion of a message")
        expect(page.locator(".entry.pending .quote")).to_contain_text("Gate 8")

    delete()
    page.locator("#thread").focus()
    page.keyboard.press("u")
    expect(page.locator("#toasts")).to_contain_text("Nothing was changed")
    expect(page.locator(".entry.pending")).to_have_count(0)
    page.wait_for_timeout(4000)  # longer than the time for undoing: it really does not leave
    assert texts() == ["Gate 8 ^MK"]
    delete()
    expect(page.locator(".entry.pending")).to_have_count(0)
    expect(page.locator(".entry.own .gone")).to_contain_text("Deleted on the network")
    assert texts() == []
