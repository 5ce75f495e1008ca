"""Search in a real browser: completed by keyboard, marked, and opened where it was found."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import Instance, Opener


def test_a_search_is_typed_completed_and_opens_where_it_was_found(
    instance: Instance, open_desk: Opener
) -> None:
    instance.post("ana.w", "@aero My suitcase has a unicorn sticker, where is it?")
    page = open_desk()
    expect(page.locator("#rows")).to_contain_text("unicorn")
    box = page.get_by_role("combobox", name="Search people and words")

    page.keyboard.press("/")
    expect(box).to_be_focused()
    expect(box).to_have_attribute("aria-expanded", "true")
    page.keyboard.type("unicorn is:o")
    option = page.get_by_role("option", name=re.compile("open"))
    expect(option).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(option).to_have_attribute("aria-selected", "true")
    assert box.get_attribute("aria-activedescendant") == option.get_attribute("id")
    page.keyboard.press("Enter")
    expect(box).to_have_value("unicorn is:open ")
    expect(box).to_be_focused()

    page.keyboard.press("Escape")
    expect(page.locator("#search-panel")).to_be_hidden()
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk/all/?q=unicorn*")
    row = page.locator("#rows li.row")
    expect(row.locator("mark")).to_have_text("unicorn")
    row.locator("a").click()
    page.wait_for_url(re.compile(r"[?&]m=\d+#?"))
    found = re.search(r"[?&]m=(\d+)", page.url)
    assert found is not None
    expect(page.locator(f"#m{found[1]}")).to_be_in_viewport()
    expect(page.locator("#rows mark")).to_have_text("unicorn")


def test_what_is_not_understood_is_said_beside_the_box(open_desk: Opener) -> None:
    page = open_desk(path="/desk/all/?q=form:ana")
    expect(page.get_by_role("alert")).to_contain_text("There is no field “form:”")
    box = page.get_by_role("combobox", name="Search people and words")
    expect(box).to_have_value("form:ana")
    page.get_by_role("alert").get_by_role("link", name="How to search").click()
    expect(page.get_by_role("rowheader", name="from:", exact=True)).to_be_visible()
