"""The list in a real browser: picking by keyboard and by range, one deed for many cases and its undo, saved views."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Instance, Opener

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def _heard(page: Page, instance: Instance, *texts: str) -> list[Locator]:
    """Customers write, the list shows it; the newest stands first."""
    rows = []
    for number, words in enumerate(texts):
        text = f"{words} {uuid4().hex[:6]}"  # a second try finds what the first one wrote
        instance.post(("ana.w", "joe_k", "somchai")[number % 3], f"@aero {text}")
        row = page.locator("#rows li.row", has_text=text)
        expect(row).to_be_visible()
        rows.append(row)
    page.mouse.move(900, 300)
    return rows


def test_cases_are_picked_by_keyboard_closed_at_once_and_brought_back(
    instance: Instance, open_desk: Opener, keep: Callable[[Page, str], None]
) -> None:
    page = open_desk()
    rows = _heard(page, instance, "Range one", "Range two", "Range three", "Range four")
    rows[3].locator("a").focus()
    page.keyboard.press("x")
    expect(page.locator("#bulk-number")).to_have_text("1 picked")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Shift+X")
    expect(page.locator("#bulk-number")).to_have_text("3 picked")
    # What arrives meanwhile moves nothing and keeps what is picked.
    instance.post("ana.w", "@aero Arrived while others were picked")
    expect(page.locator("#new-chip")).to_be_visible()
    expect(page.locator("#rows .pick input:checked")).to_have_count(3)
    keep(page, "list-picked")
    page.keyboard.press("e")
    expect(page.locator("#bulk-close")).to_have_attribute("open", "")
    page.locator("#bulk-close button", has_text="Close: no reply needed").press("Enter")
    expect(page.locator("#toasts")).to_contain_text("3 cases closed.")
    for row in rows[1:]:
        expect(row).to_have_count(0)
    expect(rows[0]).to_be_visible()
    expect(page.locator("#bulk")).to_be_hidden()
    expect(page.locator("#rows a:focus")).to_have_count(1)
    page.keyboard.press("u")
    expect(page.locator("#toasts")).to_contain_text("Undone for 3 cases.")
    for row in rows:
        expect(row).to_be_visible()


def test_escape_picks_none_and_control_a_picks_all_that_are_shown(
    instance: Instance, open_desk: Opener
) -> None:
    page = open_desk()
    rows = _heard(page, instance, "Everything one", "Everything two")
    rows[0].locator("a").focus()
    page.keyboard.press("Control+a")
    shown = page.locator("#rows li.row").count()
    expect(page.locator("#rows .pick input:checked")).to_have_count(shown)
    page.keyboard.press("Escape")
    expect(page.locator("#rows .pick input:checked")).to_have_count(0)
    rows[1].locator("a").click(modifiers=["Shift"])
    expect(rows[1].locator(".pick input")).to_be_checked()
    assert "/case/" not in page.url
    rows[0].locator("a").click(modifiers=["Shift"])
    expect(page.locator("#bulk-number")).to_have_text("2 picked")


def test_a_case_with_new_words_is_left_and_named(instance: Instance, open_desk: Opener) -> None:
    page = open_desk()
    post = instance.post("joe_k", "@aero Close me if you dare")
    row = page.locator("#rows li.row", has_text="Close me if you dare")
    expect(row).to_be_visible()
    page.mouse.move(900, 300)
    row.locator(".pick").click()
    instance.post("joe_k", "@aero One more thing", in_reply_to=post["id"])
    expect(page.locator("#rows li.row.is-picked", has_text="One more thing")).to_be_visible()
    page.locator("#bulk-close summary").click()
    page.locator("#bulk-close button", has_text="Close: spam").click()
    expect(page.locator("#toasts")).to_contain_text("Joe King (changed since you picked it)")
    expect(page.locator("#rows li.row.is-picked", has_text="One more thing")).to_be_visible()
    page.locator("#bulk-close summary").click()
    page.locator("#bulk-close button", has_text="Close: spam").click()
    expect(page.locator("#toasts")).to_contain_text("1 case closed.")


def test_tagged_at_once_narrowed_saved_shared_and_found_again(
    instance: Instance, open_desk: Opener, keep: Callable[[Page, str], None]
) -> None:
    page = open_desk()
    tag = f"strike-{uuid4().hex[:6]}"
    view = f"The {tag}"
    rows = _heard(page, instance, "A strike on Monday", "A strike on Tuesday")
    for row in rows:
        row.locator(".pick").click()
    page.keyboard.press("t")
    page.keyboard.type(tag)
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("2 cases tagged.")
    page.reload()
    page.keyboard.press("f")
    page.locator("#facet-tag summary").click()
    page.locator("#facet-tag").get_by_label(tag).check()
    page.get_by_role("button", name="Narrow the list").click()
    expect(page.locator("#rows li.row")).to_have_count(2)
    page.get_by_text("Save as a view").click()
    page.get_by_label("Name").fill(view)
    page.get_by_label("For whom").select_option(label="For everybody at Aero Adria")
    page.get_by_role("button", name="Save the view").click()
    expect(page.locator("#views a[aria-current]")).to_contain_text(view)
    keep(page, "list-saved-view")
    ivo = open_desk("ivo@example.com")
    ivo.locator("#views a", has_text=view).click()
    expect(ivo.locator("#rows li.row")).to_have_count(2)
    page.goto("/desk/views/")
    page.get_by_role("button", name=f"Delete {view}").click()
    expect(page.get_by_role("status").filter(has_text=f"“{view}” is deleted.")).to_be_visible()
    ivo.goto("/desk/")
    expect(ivo.locator("#views a", has_text=view)).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".saved-row", has_text=view)).to_be_visible()


def test_chips_are_taken_away_one_by_one_and_a_phone_fits_it_all(
    open_desk: Opener, keep: Callable[[Page, str], None]
) -> None:
    path = "/desk/all/?priority=4&lang=de&assignee=me&since=2026-01-01&sort=waiting"
    page = open_desk(viewport={"width": 360, "height": 780})
    page.goto(path)
    chips = page.locator(".chip")
    expect(chips).to_have_count(4)
    chips.filter(has_text="German").click()
    expect(chips).to_have_count(3)
    assert "lang=" not in page.url
    assert "sort=waiting" in page.url
    page.get_by_role("link", name="Show all").first.click()
    expect(chips).to_have_count(0)
    page.locator("#filter-menu > summary").click()
    expect(page.get_by_role("button", name="Narrow the list")).to_be_in_viewport()
    keep(page, "list-filters-phone")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_list_of_ones_own_cases_is_not_fetched_for_those_of_others(
    instance: Instance, open_desk: Opener
) -> None:
    everything = open_desk()
    mine = open_desk(path="/desk/mine/")

    def fetched() -> int:
        found = mine.evaluate("performance.getEntriesByType('resource').map((one) => one.name)")
        return sum("limit=" in url for url in found)

    (row,) = _heard(everything, instance, "Whose is this")
    mine.wait_for_timeout(1000)
    before = fetched()
    for number in range(5):
        _heard(everything, instance, f"Whose is that {number}")
    # For the numbers beside the lists it is fetched now and then, but not each time.
    assert fetched() - before <= 2
    # What becomes one's own is there at once.
    row.locator("a").click()
    everything.locator("[data-menu=assign] > summary").click()
    everything.get_by_role("button", name="Take it yourself").click()
    expect(mine.locator("#rows li.row", has_text="Whose is this")).to_be_visible()
