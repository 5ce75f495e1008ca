"""Somebody who has a keyboard and nothing else: presses keys, and looks where the focus is."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

# Says so when anything on a page was pointed at, touched or rolled by a device.
_WATCH = """for (const kind of ["pointerdown", "pointermove", "mousedown", "mousemove", "touchstart", "wheel"])
  addEventListener(kind, (event) => event.isTrusted && pointedAt(kind), true);"""
_FARTHEST = 200  # stops: more than any page of the desk has between two things one does


class Hands:
    """On one page. ``pointed`` is what a pointer did there: it must stay empty."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.pointed: list[str] = []
        page.expose_function("pointedAt", lambda kind: self.pointed.append(kind))
        page.add_init_script(_WATCH)

    def log_in(self, email: str, password: str) -> None:
        """By the fields in their order: the first has the focus already."""
        self.page.goto("/login/")
        expect(self.page.get_by_label("E-mail address")).to_be_focused()
        self.type(email)
        self.press("Tab")
        self.type(password)
        self.press("Enter")
        self.page.wait_for_url("**/desk/**")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def to(self, wanted: Locator, key: str = "Tab") -> None:
        """Presses ``key`` until ``wanted`` has the focus."""
        expect(wanted).to_be_attached()
        for _stop in range(_FARTHEST):
            if wanted.evaluate("(one) => one === document.activeElement"):
                return
            self.press(key)
        raise AssertionError(f"{key} does not lead to {wanted}")

    def do(self, wanted: Locator, key: str = "Tab") -> None:
        """Goes to a button or a link, and presses it."""
        self.to(wanted, key)
        self.press("Enter")

    def palette(self, words: str, chosen: str) -> None:
        """Does the command or opens the page that ``words`` finds, when it is the one that is meant."""
        page = self.page
        self.press("Control+k")
        expect(page.locator("#palette-input")).to_be_focused()
        # The pages come from the server; what was found before they came may be something else.
        expect(page.locator('#palette [data-id="figures"]')).to_have_count(1)
        self.type(words)
        expect(page.locator('#palette [aria-selected="true"] .label')).to_have_text(chosen)
        self.press("Enter")
        expect(page.locator("#palette")).to_be_hidden()

    def list(self, key: str, view: str) -> None:
        """To one of the desk's lists."""
        self.press(key)
        self.page.wait_for_url(re.compile(rf"/desk/{view}/$"))

    def open_case(self, words: str, key: str = "j") -> str:
        """Walks the list to the case with these words, and opens it. Its number."""
        page = self.page
        row = page.locator("#rows li.row", has_text=words)
        expect(row).to_have_count(1)
        self.to(row.locator("a[data-case]"), key)
        self.press("Enter")
        expect(page.locator("#thread .words", has_text=words).first).to_be_visible()
        expect(page.locator("#thread")).to_be_focused()
        return page.locator("#case").get_attribute("data-case") or ""
