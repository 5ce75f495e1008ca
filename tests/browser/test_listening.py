"""Listening in a real browser: from the words of a query to a mention."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from uuid import uuid4

from playwright.sync_api import Dialog, Page, expect

from tests.browser.conftest import REPOSITORY, Instance, Opener


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


def test_leaving_the_editor_asks_only_when_something_would_be_lost(
    instance: Instance, open_desk: Opener
) -> None:
    page = open_desk(path="/listening/new/")
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", answer)
    name, text = page.get_by_label("Name"), page.get_by_label("Look for")

    def leave() -> list[str]:
        before = len(asked)
        page.locator("a[href='/listening/']").first.click(no_wait_after=True)
        page.wait_for_timeout(500)  # nothing tells that a page stays
        return asked[before:]

    # Nothing written, or written and taken back: nothing is asked.
    text.fill("zeppelin")
    text.fill("")
    assert leave() == []
    page.wait_for_url("**/listening/")
    page.goto("/listening/new/")
    called = f"Zeppelins {uuid4().hex[:6]}"
    name.fill(called)
    assert leave() == ["beforeunload"]
    expect(name).to_have_value(called)
    # What could not be saved is still to be lost, on the page that says so.
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#query-form[data-unsaved]")).to_be_visible()
    assert leave() == ["beforeunload"]
    # What the server writes into the form beside is no loss, and saving asks nothing.
    page.get_by_label("Words, one a line").first.fill("zeppelin")
    expect(text).to_have_value("zeppelin")
    count = len(asked)
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/listening/*#query-*")
    assert len(asked) == count
    page.get_by_role("link", name=called).first.click()
    expect(page.get_by_label("Look for")).to_have_value("zeppelin")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview-title")).to_be_visible()
    assert leave() == []
    page.wait_for_url("**/listening/")


def test_a_mention_arrives_says_why_is_seen_undone_and_becomes_a_case_by_one_key(
    instance: Instance, open_desk: Opener, keep: Callable[[Page, str], None]
) -> None:
    made = [sys.executable, "-m", "tests.browser.listening_world"]
    subprocess.run(made, env=instance.env, cwd=REPOSITORY, check=True)
    page = open_desk(path="/mentions/")
    one, two = (f"{word} {uuid4().hex[:6]}" for word in ("Paper", "Silk"))
    instance.post("somchai", f"{one}: my umbrellas were lost on the way to Split")
    instance.post("joe_k", f"{two}: another umbrella lost, thanks")
    # What comes into a list that shows something waits behind the chip.
    list_of = page.locator("#mention-rows")
    for text in (one, two):
        page.wait_for_function(
            "text => document.getElementById('mention-rows').textContent.includes(text)"
            " || !document.getElementById('mention-chip').hidden",
            arg=text,
        )
        if not list_of.locator("li.row", has_text=text).count():
            page.keyboard.press(".")
        expect(list_of.locator("li.row", has_text=text)).to_be_visible()

    list_of.locator("a", has_text=one).click()
    mention = page.locator("#mention")
    expect(mention.locator(".mention-words mark")).to_have_text(["umbrellas", "lost"])
    expect(mention.locator(".mention-why")).to_contain_text("Umbrellas")
    expect(mention.locator(".mention-why")).to_contain_text("version 1")
    keep(page, "mentions-why")

    page.keyboard.press("v")
    expect(page.locator("#toasts")).to_contain_text("1 mention is seen.")
    expect(list_of.locator("li.row", has_text=one)).to_have_count(0)
    page.keyboard.press("u")
    expect(page.locator("#toasts")).to_contain_text("Undone.")
    expect(list_of.locator("li.row", has_text=one)).to_be_visible()

    list_of.locator("a", has_text=one).click()
    expect(mention.locator(".mention-words")).to_contain_text(one)
    page.keyboard.press("c")
    page.wait_for_url("**/desk/all/case/*/")
    expect(page.locator("#entries")).to_contain_text(one)
    expect(page.locator(".reply-form textarea")).to_be_visible()
    # As long as nobody worked on it, it is taken back as everything is: by the same key.
    expect(page.locator("#toasts")).to_contain_text("The mention is a case now.")
    page.keyboard.press("u")
    page.wait_for_url("**/mentions/*/")
    expect(page.locator("#toasts")).to_contain_text("Undone.")
    expect(list_of.locator("li.row", has_text=one)).to_be_visible()
    page.keyboard.press("c")
    page.wait_for_url("**/desk/all/case/*/")
    page.go_back()
    expect(page.locator("#mention [data-mention-case]")).to_be_visible()
