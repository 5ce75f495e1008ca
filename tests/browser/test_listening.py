"""Listening in a real browser: from the words of a query to a mention."""

from __future__ import annotations

import re
from uuid import uuid4

from playwright.sync_api import expect

from tests.browser.conftest import Instance, Opener


def test_a_query_is_written_mended_previewed_and_saved(instance: Instance, open_desk: Opener) -> None:
    instance.post("joe_k", "@aero no trace of my zeppelin suitcase 😡 since Vienna")
    page = open_desk(path="/desk/")
    expect(page.locator("#rows")).to_contain_text("zeppelin")

    page.goto("/listening/")
    page.get_by_role("link", name=re.compile("^(Begin with|New query)")).first.click()
    # A second try finds what the first one saved.
    name = f"Zeppelins {uuid4().hex[:6]}"
    page.get_by_label("Name").fill(name)
    text = page.get_by_label("Look for")
    text.fill("😡 (zeppelin suitcase")
    problem = page.locator(".query-problem.error")
    expect(problem).to_contain_text("This bracket is never closed")
    expect(text).to_have_attribute("aria-invalid", "true")
    # Characters are counted as people do: an emoji before the place does not move it.
    problem.get_by_role("button", name="Go there").click()
    expect(text).to_be_focused()
    chosen = "(({selectionStart, selectionEnd, value}) => value.slice(selectionStart, selectionEnd))"
    assert page.evaluate(f"{chosen}(document.activeElement)") == "("
    page.keyboard.press("End")
    page.keyboard.type(" OR bag)")
    expect(problem).to_have_count(0)
    expect(page.locator(".query-tree")).to_contain_text("the emoji 😡")

    # The groups beside write the text, and it is looked at again.
    text.fill("zeppelin")
    groups = page.get_by_label("Words, one a line")
    expect(groups.first).to_have_value("zeppelin")
    groups.last.fill("suitcase\nlost luggage")
    expect(text).to_have_value('zeppelin AND (suitcase OR "lost luggage")')

    page.get_by_role("button", name="Preview").click()
    preview = page.locator("#query-preview")
    expect(preview).to_contain_text(re.compile("[1-9] match"))
    expect(preview.locator("mark").first).to_have_text("zeppelin")
    preview.get_by_role("button", name="Keep as an example").first.click()
    expect(page.locator("#query-examples")).to_contain_text("as it should")

    # An example that breaks is told while one writes, and saving asks.
    text.fill("zeppelin -suitcase")
    expect(page.locator("#query-examples")).to_contain_text("1 example does not come out as it should")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was saved yet")
    page.get_by_label("Look for").fill("zeppelin suitcase")
    expect(page.locator("#query-examples")).to_contain_text("as it should")
    page.get_by_role("button", name="Try again").click()
    page.wait_for_url("**/listening/*#query-*")
    expect(page.get_by_role("row", name=re.compile(name))).to_contain_text("zeppelin suitcase")
