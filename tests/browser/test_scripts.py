"""Words of 400 characters, Thai, and a page from right to left break nothing, on a phone and on the widest screen."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import REPOSITORY, Instance, Opener

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
_WIDTHS = ((360, 740), (1280, 800), (2560, 1300))
_MEASURE = Path(__file__).with_name("measure.js").read_text(encoding="utf-8")
# Beside the world's own: each kind of page once.
_PAGES = (
    "/desk/all/",
    "/desk/views/",
    "/people/",
    "/people/teams/",
    "/account/",
    "/account/notices/",
    "/notices/?show=all",
    "/replies/",
    "/replies/new/",
    "/figures/",
    "/channels/",
    "/keys/",
    "/parked/",
    "/start/",
    "/search/",
    "/styleguide/",
    "/listening/",
    "/listening/new/",
    "/listening/mutes/",
    "/listening/left-out/",
    "/listening/rules/",
    "/listening/alerts/",
)
# No catalogue is written from right to left yet: the page is turned, and its Latin letters become Arabic ones.
# Addresses and handles stay, as they would.
_TURN = """(() => {
  const letters = "ابجدهوزحطيكلمنسعفصقرشتثخذضظ";
  const turned = (text) => text.split(/(\\s+)/).map((word) => /[@/:.{]\\S/.test(word) ? word :
    word.replace(/[a-z]/gi, (one) => letters[(one.toLowerCase().charCodeAt(0) - 97) % letters.length])).join("");
  const attributes = ["placeholder", "title", "aria-label", "data-label", "label"];
  const turn = (root) => {
    const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    for (let node = root; node; node = walk.nextNode()) {
      if (node.nodeType === 3 && !node.parentElement?.closest("script, style, textarea, template, time")) {
        const text = turned(node.data);
        if (text !== node.data) node.data = text;
      } else if (node.nodeType === 1) {
        for (const one of attributes) if (node.hasAttribute(one)) node.setAttribute(one, turned(node.getAttribute(one)));
      }
    }
  };
  addEventListener("DOMContentLoaded", () => {
    document.documentElement.dir = "rtl";
    turn(document.body);
    new MutationObserver((changes) => changes.forEach((one) => one.addedNodes.forEach(turn)))
      .observe(document.body, {childList: true, subtree: true});
  });
})()"""


@pytest.fixture(scope="module")
def worlds(instance: Instance) -> dict[str, dict[str, Any]]:
    """For each script who reads it, and the addresses of what is theirs."""
    made = subprocess.run(
        [sys.executable, "-m", "tests.browser.scripts_world"],
        env=instance.env,
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    found: dict[str, dict[str, Any]] = json.loads(made.stdout)
    return found


def _measure(page: Page) -> list[str]:
    """What is broken on the page as it is now, at every width."""
    broken = []
    for width, height in _WIDTHS:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        broken += [f"{page.url} at {width}: {one}" for one in page.evaluate(_MEASURE)]
    return broken


@pytest.mark.parametrize("script", ["german", "thai", "arabic"])
def test_no_page_breaks(worlds: dict[str, dict[str, Any]], open_desk: Opener, script: str) -> None:
    world = worlds[script]
    page = open_desk(world["email"], viewport={"width": 1280, "height": 800})
    page.emulate_media(reduced_motion="reduce")
    if script == "arabic":
        page.add_init_script(_TURN)
    broken: list[str] = []
    shown = [world[name] for name in ("search", "form", "channel", "reasons", "team")]
    for address in (*_PAGES, *shown, *world["heard"].values()):
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        broken += _measure(page)
    # What opens: the person beside the case, which is a drawer on a phone; menus, the palette, the keys.
    page.goto(world["case"])
    broken += _measure(page)
    expect(page.locator("#case .words").first).to_be_visible()
    page.goto(f"{world['case']}#contact")
    broken += _measure(page)
    page.goto(world["case"])
    for key, opens in (
        ("a", "#menu-assign[open]"),
        ("e", "#menu-close[open]"),
        ("n", ".note-form textarea:focus"),
        ("?", "#keys[open]"),
        ("Control+k", "#palette[open]"),
    ):
        page.set_viewport_size({"width": 1280, "height": 800})
        page.keyboard.press(key)
        expect(page.locator(opens)).to_be_visible()
        broken += _measure(page)
        page.keyboard.press("Escape")
    assert broken == []
