"""What helps to write: saved replies by a slash, emoji by name, people and colleagues by a sign, all by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Instance, Opener

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
FIELD = ".reply-form textarea"
OPTIONS = "#aid-list [role=option]"


def _open(page: Page, words: str) -> Locator:
    page.mouse.move(900, 300)  # a list that somebody points at waits with what is new
    page.locator("#rows li", has_text=words).first.locator("a").click()
    page.mouse.move(900, 300)
    expect(page.locator(".thread .words", has_text=words).first).to_be_visible()
    return page.locator(FIELD)


def _save(page: Page, name: str, shortcut: str, text: str) -> None:
    page.goto("/replies/new/")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Shortcut").fill(shortcut)
    page.get_by_label("Words", exact=True).fill(text)
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notice.good")).to_contain_text(f"“{name}” is saved.")


def _active(page: Page, field: Locator) -> Locator:
    """The option that a screen reader is told of."""
    expect(field).to_have_attribute("aria-activedescendant", re.compile(r"aid-\d"))
    return page.locator(f"#{field.get_attribute('aria-activedescendant')}")


def test_a_saved_reply_is_written_once_and_put_in_by_a_slash(
    instance: Instance, open_desk: Opener, keep: Callable[[Page, str], None]
) -> None:
    page = open_desk("ivo@example.com", "/replies/")
    expect(page.get_by_role("heading", name="No saved replies yet")).to_be_visible()
    keep(page, "replies-empty")
    text = "Dear {{customer.first_name|customer}},\nyour money is on its way.\n{{agent.name}}"
    _save(page, "Refund is coming", "refund", text)
    _save(page, "Late plane", "late", "We are sorry, {{customer.name}}.")
    keep(page, "replies")
    instance.post("ana.w", "@aero Where is my refund?")
    page.goto("/desk/")
    field = _open(page, "Where is my refund?")
    # A slash within a word or an address, and one that is refused, stay what they are.
    field.press_sequentially("See https://aero.example/refund and/or ")
    expect(page.locator(".aid-panel")).to_be_hidden()
    field.press_sequentially("/")
    expect(page.locator(OPTIONS)).to_have_count(2)
    expect(field).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("listbox", name="Saved replies")).to_be_visible()
    expect(page.get_by_text("Suggestions: 2.")).to_be_attached()
    field.press("Escape")
    expect(page.locator(".aid-panel")).to_be_hidden()
    field.press_sequentially("re")
    expect(page.locator(".aid-panel")).to_be_hidden()
    expect(field).not_to_have_attribute("role", "combobox")
    field.fill("Hello. ")
    field.press("End")
    field.press_sequentially("/")
    expect(page.locator(OPTIONS)).to_have_count(2)
    first = _active(page, field).inner_text()
    field.press("ArrowDown")
    assert _active(page, field).inner_text() != first
    field.press_sequentially("mon way")
    expect(page.locator(OPTIONS)).to_have_count(1)
    expect(_active(page, field)).to_contain_text("Dear Ana")
    keep(page, "aid-replies")
    field.press("Enter")
    inserted = "Hello. Dear Ana,\nyour money is on its way.\nIvo Perić"
    expect(field).to_have_value(inserted)
    expect(page.locator(".aid-panel")).to_be_hidden()
    expect(field).to_be_focused()
    # Counted and kept as if it had been typed, and taken back as one.
    expect(page.locator("output.length")).to_have_text(re.compile(rf"^{len(inserted) + 4} / "))
    expect(page.locator(".reply-form .draft-state")).to_have_text("Draft saved")
    field.press("Control+z")
    expect(field).to_have_value("Hello. /mon way")
    field.press("Control+y")
    expect(field).to_have_value(inserted)
    page.goto("/replies/")
    expect(page.locator(".reply-card", has_text="Refund is coming")).to_contain_text("Used 1 time")


def test_emoji_come_by_name_and_from_a_picker(
    instance: Instance, open_desk: Opener, keep: Callable[[Page, str], None]
) -> None:
    page = open_desk()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    instance.post("joe_k", "@aero Nice crew!")
    field = _open(page, "Nice crew!")
    field.press_sequentially("At 10:30 note: ")
    assert not [url for url in asked if "emoji" in url]  # not before it is wanted
    field.press_sequentially(":thu")
    expect(page.locator(OPTIONS).first).to_contain_text("👍")
    keep(page, "aid-emoji")
    field.press("Tab")
    expect(field).to_have_value("At 10:30 note: 👍 ")
    page.get_by_role("button", name="Emoji", exact=True).click()
    search = page.get_by_role("combobox", name="Find an emoji")
    expect(search).to_be_focused()
    expect(page.locator(".emoji-grid [role=group]").first).to_contain_text("Used last")
    expect(page.locator('.emoji-grid [aria-selected="true"]')).to_have_text("👍")
    keep(page, "emoji-picker")
    page.locator(".emoji-tones").get_by_label("Medium", exact=True).check(force=True)
    expect(page.locator('.emoji-grid [aria-selected="true"]')).to_have_text("👍🏽")
    search.focus()
    search.press("Enter")
    expect(field).to_have_value("At 10:30 note: 👍 👍🏽")
    expect(field).to_be_focused()
    page.get_by_role("button", name="Emoji", exact=True).click()
    search.press("ArrowDown")
    search.press("ArrowRight")
    search.press("ArrowUp")
    expect(page.locator('.emoji-grid [aria-selected="true"]')).to_have_text("👍🏽")
    search.press("Escape")
    expect(page.locator(".emoji-picker")).to_have_count(0)
    expect(field).to_be_focused()


def test_people_hashtags_and_colleagues_are_completed(
    instance: Instance, open_desk: Opener, keep: Callable[[Page, str], None]
) -> None:
    page = open_desk()
    post = instance.post("ana.w", "@aero My #LostBag is blue")
    instance.post("joe_k", "@aero Mine too", in_reply_to=post["id"])
    field = _open(page, "is blue")
    expect(page.locator(".thread .words", has_text="Mine too")).to_be_visible()
    field.fill("")  # a second try finds the draft of the first
    field.press_sequentially("write@example.com, @")
    expect(page.locator(OPTIONS)).to_have_count(2)
    field.press_sequentially("jo")
    expect(page.locator(OPTIONS)).to_have_count(1)
    keep(page, "aid-people")
    field.press("Enter")
    expect(field).to_have_value("write@example.com, @joe_k ")
    field.press_sequentially("#lo")
    expect(page.locator(OPTIONS)).to_have_text(["#LostBag"])
    field.press("Enter")
    expect(field).to_have_value("write@example.com, @joe_k #LostBag ")
    page.locator(".modes label", has_text="Note").click()
    note = page.locator(".note-form textarea")
    note.fill("")
    note.press_sequentially("@pe")
    expect(page.locator(OPTIONS)).to_have_text(["Ivo Perić"])
    keep(page, "aid-colleagues")
    note.press("Enter")
    expect(note).to_have_value("@Ivo Perić ")
    expect(page.get_by_role("button", name="Saved replies")).to_be_hidden()
    page.set_viewport_size({"width": 360, "height": 740})
    note.press_sequentially(":heart")
    expect(page.locator(OPTIONS).first).to_be_visible()
    box = page.locator(".aid-panel").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
    keep(page, "aid-narrow")


def test_an_input_method_that_composes_is_left_alone(instance: Instance, open_desk: Opener) -> None:
    page = open_desk()
    instance.post("somchai", "@aero 席はありますか")
    field = _open(page, "席はありますか")
    field.focus()
    session = page.context.new_cdp_session(page)
    session.send("Input.imeSetComposition", {"text": "@an", "selectionStart": 3, "selectionEnd": 3})
    expect(field).to_have_value("@an")
    expect(page.locator(".aid-panel")).to_be_hidden()
    session.send("Input.insertText", {"text": "@so"})
    expect(page.locator(OPTIONS)).to_have_count(1)
