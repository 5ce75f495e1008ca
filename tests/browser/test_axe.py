"""axe-core on every page, in light, in dark and in high contrast: what a machine can find, nobody should meet."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from playwright.sync_api import Page, expect

from tests.browser.axe import axe_script
from tests.browser.conftest import REPOSITORY, Desk, Instance, Opener

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# A machine finds the same in every look but for contrast, so the others are asked for that alone.
_LOOKS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "light": ({"color_scheme": "light", "contrast": "no-preference"}, {"type": "tag", "values": _TAGS}),
    "dark": ({"color_scheme": "dark", "contrast": "no-preference"}, {}),
    "high contrast": ({"color_scheme": "light", "contrast": "more"}, {}),
    "dark in high contrast": ({"color_scheme": "dark", "contrast": "more"}, {}),
}
_CONTRAST = {"type": "rule", "values": ["color-contrast"]}
_RUN = """async (runOnly) => (await axe.run(document, {runOnly, resultTypes: ["violations"]})).violations.flatMap((one) =>
  one.nodes.map((node) => `${one.id}: ${node.target.join(" ")} ${node.failureSummary.split("\\n").slice(1).join(" ").trim()}`))"""
_WORD = "Donaudampfschifffahrtsgesellschaftskapitän" * 10
# Ends never, so it cannot be asked whether it is a page.
_STREAMS = {"live/"}
_WITHOUT_LOGIN = ("invitation", "form")


def _plain_addresses(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    """Every address without anything to fill in."""
    for one in patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _plain_addresses(one.url_patterns, route)
        elif not set("<^(\\") & set(route) and route not in _STREAMS:
            yield f"/{route}"


def _pages(page: Page) -> list[str]:
    """Those of them that show a whole page to who is logged in there."""
    found = []
    for address in dict.fromkeys(_plain_addresses(get_resolver().url_patterns)):
        answer = page.context.request.get(address, max_redirects=0, fail_on_status_code=False)
        if answer.status == 200 and "text/html" in answer.headers.get("content-type", ""):
            found += [address] if "<html" in answer.text() else []
    return found


@pytest.fixture(scope="module")
def addresses(instance: Instance) -> dict[str, str]:
    """One address of each kind of page that shows one thing; among them a case with a very long word."""
    instance.post("ana.w", f"@aero No page may break. {_WORD}")
    instance.post("somchai", "@aero ขอเปลี่ยนที่นั่งได้ไหม")
    made = subprocess.run(
        [sys.executable, "-m", "tests.browser.axe_world"],
        env=instance.env,
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    found: dict[str, str] = json.loads(made.stdout)
    return found


@pytest.fixture(scope="module")
def script() -> Path:
    return axe_script()


def _complaints(page: Page, script: Path, looks: tuple[str, ...] = tuple(_LOOKS)) -> list[str]:
    """What axe says of the page as it is shown."""
    said = []
    for look in looks:
        media, wanted = _LOOKS[look]
        page.emulate_media(reduced_motion="reduce", **media)
        if not page.evaluate("'axe' in window"):
            page.evaluate(script.read_text(encoding="utf-8"))
        said += [f"{page.url} in {look}: {one}" for one in page.evaluate(_RUN, wanted or _CONTRAST)]
    return said


@pytest.mark.parametrize(
    ("who", "looks"),
    [
        ("olga@example.com", ("light",)),
        ("olga@example.com", ("dark", "high contrast", "dark in high contrast")),
        ("mara@example.com", ("light",)),
    ],
)
def test_axe_finds_nothing_on_any_page(
    open_desk: Opener, script: Path, addresses: dict[str, str], who: str, looks: tuple[str, ...]
) -> None:
    within = [address for name, address in addresses.items() if name not in _WITHOUT_LOGIN]
    said: list[str] = []
    seen = 0
    page = open_desk(who)
    for address in [*_pages(page), *within]:
        answer = page.goto(address)
        assert answer is not None
        if answer.status in {403, 404} and who != "olga@example.com":
            continue  # not theirs to see; the owner's test looks at it
        assert answer.status == 200, address
        said += _complaints(page, script, looks)
        seen += 1
    assert seen > 30
    page.goto("/people/999999/")
    said += _complaints(page, script, looks)
    assert said == []


def test_axe_finds_nothing_without_a_login(
    instance: Instance, desk: Desk, script: Path, addresses: dict[str, str]
) -> None:
    page = desk.blank(instance.url)
    said: list[str] = []
    for address in ("/login/", *(addresses[name] for name in _WITHOUT_LOGIN)):
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        said += _complaints(page, script)
    assert said == []


def test_axe_finds_nothing_in_what_opens(open_desk: Opener, script: Path, addresses: dict[str, str]) -> None:
    page = open_desk("olga@example.com")
    page.goto(addresses["desk-case"])
    expect(page.locator(".thread .words", has_text="No page may break").first).to_be_visible()
    said: list[str] = []
    for key, shown in (
        ("?", "#keys[open]"),
        ("Control+k", "#palette[open]"),
        ("f", "#filter-menu[open]"),
        ("a", "#menu-assign[open]"),
    ):
        page.keyboard.press(key)
        expect(page.locator(shown)).to_be_visible()
        said += _complaints(page, script)
        page.keyboard.press("Escape")
        expect(page.locator(shown)).to_have_count(0)
    page.keyboard.press("n")
    expect(page.locator(".note-form textarea")).to_be_focused()
    said += _complaints(page, script)
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("#bulk")).to_be_visible()
    said += _complaints(page, script)
    assert said == []
