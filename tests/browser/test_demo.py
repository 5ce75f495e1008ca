"""What a newcomer meets: the demo, alive."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Demo, Desk

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("browser")]


def test_cases_arrive_on_screen_by_themselves(
    demo: Demo, desk: Desk, keep: Callable[[Page, str], None]
) -> None:
    page = desk.open(demo.url, *demo.login("owner"))
    page.mouse.move(900, 300)
    expect(page.locator("#rows li").first).to_be_visible()
    newest = page.locator("#rows li").first.get_attribute("id")
    assert newest is not None
    expect(page.locator("#rows li").first).not_to_have_id(newest, timeout=90_000)
    keep(page, "demo-desk")
    page.locator("#rows li a").first.click()
    expect(page.locator(".thread .words").first).to_be_visible()
    keep(page, "demo-case")
    page.goto("/figures/?period=7")
    expect(page.locator("table.figures tbody tr")).not_to_have_count(0)
    keep(page, "demo-figures")


def test_the_demo_reads_in_dark_and_on_a_phone(
    demo: Demo, desk: Desk, keep: Callable[[Page, str], None]
) -> None:
    page = desk.open(
        demo.url,
        *demo.login("agent"),
        viewport={"width": 360, "height": 780},
        color_scheme="dark",
        is_mobile=True,
        has_touch=True,
    )
    keep(page, "demo-phone-dark-list")
    page.locator("#rows li a").first.tap()
    expect(page.locator(".thread .words").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    keep(page, "demo-phone-dark-case")
