"""Commands by key and by the palette, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Instance, Opener

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def page(instance: Instance, open_desk: Opener) -> Iterator[Page]:
    """Ivo's desk with a case open; afterwards his keys are the usual ones again."""
    page = open_desk("ivo@example.com")
    instance.post("ana.w", "@aero Which key opens the palette?")
    page.locator("#rows li", has_text="Which key opens the palette?").first.locator("a").click()
    expect(page.locator(".thread .words", has_text="Which key opens").first).to_be_visible()
    yield page
    page.goto("/keys/")
    page.get_by_role("button", name="Back to the usual keys").click()


def _palette(page: Page, words: str = "") -> None:
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_visible()
    expect(page.locator("#palette-input")).to_be_focused()
    expect(
        page.locator('#palette-places [data-id="figures"], #palette-recent [data-id="figures"]')
    ).to_have_count(1)
    if words:
        page.keyboard.type(words)


def _chosen(page: Page) -> str:
    name = page.locator("#palette-input").get_attribute("aria-activedescendant")
    assert name
    chosen = page.locator(f"#{name}")
    expect(chosen).to_have_attribute("aria-selected", "true")
    expect(page.locator('#palette [aria-selected="true"]')).to_have_count(1)
    return chosen.locator(".label").inner_text()


def test_the_palette_does_what_its_words_say(page: Page, keep: Callable[[Page, str], None]) -> None:
    _palette(page)
    keep(page, "palette")
    expect(page.locator("#palette-commands")).to_contain_text("Assign the case")
    page.keyboard.type("ass")
    assert _chosen(page) == "Assign the case"
    expect(page.locator('#palette [aria-selected="true"] kbd')).to_have_text("a")
    page.keyboard.press("Enter")
    expect(page.locator("#palette")).to_be_hidden()
    expect(page.locator("#menu-assign")).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    # What was used stands first the next time.
    _palette(page)
    expect(page.locator("#palette-recent")).to_contain_text("Assign the case")
    assert _chosen(page) == "Assign the case"
    page.keyboard.press("ArrowDown")
    second = _chosen(page)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert _chosen(page) not in {second, "Assign the case"}
    page.keyboard.press("Escape")
    _palette(page, "wer was nicht da ist")
    expect(page.locator("#palette .palette-none")).to_be_visible()
    expect(page.locator("#palette-input")).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Enter")
    expect(page.locator("#palette")).to_be_visible()


def test_it_opens_from_a_field_and_gives_the_place_in_it_back(page: Page) -> None:
    page.keyboard.press("r")
    page.keyboard.type("Half an answer")
    page.keyboard.press("ArrowLeft")
    _palette(page, "fig")
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()
    page.keyboard.type("!")
    field = page.locator(".reply-form textarea")
    expect(field).to_be_focused()
    expect(field).to_have_value("Half an answe!r")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_visible()
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_hidden()
    expect(field).to_be_focused()
    field.fill("")


def test_it_finds_pages_cases_and_colleagues(page: Page) -> None:
    number = page.locator("#case").get_attribute("data-case")
    _palette(page, "kovac")
    expect(page.locator("#palette-people")).to_contain_text("Mara Kovač")
    page.locator("#palette-input").fill(f"#{number}")
    option = page.locator("#palette-cases [role=option]").first
    expect(option).to_contain_text("Which key opens the palette?")
    page.keyboard.press("Escape")
    page.goto("/figures/")
    _palette(page, str(number))
    expect(page.locator("#palette-cases [role=option]").first).to_be_visible()
    assert "Which key opens" in page.locator('#palette [aria-selected="true"]').inner_text()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/case/{number}/")
    _palette(page, "key")
    page.locator('#palette-places [data-id="keys"]').click()
    page.wait_for_url("**/keys/")
    # A list's key works on every page.
    page.locator("#main").focus()
    page.keyboard.press("9")
    page.wait_for_url("**/desk/closed/")


def test_a_pressed_key_becomes_ones_own_and_works(page: Page, keep: Callable[[Page, str], None]) -> None:
    page.goto("/keys/")
    field = page.get_by_label("Assign the case")
    field.focus()
    page.keyboard.press("Shift")
    expect(field).to_have_value("a")
    page.keyboard.press("Control+e")
    expect(field).to_have_value("Ctrl e")
    page.get_by_label("Snooze the case").focus()
    page.keyboard.press("Backspace")
    page.get_by_label("Write a reply").focus()
    page.keyboard.press("y")
    keep(page, "keys")
    page.get_by_role("button", name="Save the keys").click()
    expect(page.get_by_role("status").filter(has_text="Your keys are saved.")).to_be_visible()
    page.goto("/desk/")
    page.locator("#rows li", has_text="Which key opens the palette?").first.locator("a").click()
    expect(page.locator("#menu-assign")).to_be_visible()
    page.keyboard.press("a")
    page.keyboard.press("s")
    expect(page.locator("details.menu[open]")).to_have_count(0)
    page.keyboard.press("Control+e")
    expect(page.locator("#menu-assign")).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    page.keyboard.press("y")
    expect(page.locator(".reply-form textarea")).to_be_focused()
    expect(page.locator(".reply-form textarea")).to_have_value("")


def test_without_keys_of_one_character_nothing_happens_by_accident(page: Page) -> None:
    page.goto("/keys/")
    page.get_by_label("No keys of one character").check()
    page.get_by_role("button", name="Save the keys").click()
    page.goto("/desk/")
    page.locator("#rows li", has_text="Which key opens the palette?").first.locator("a").click()
    expect(page.locator("#menu-assign")).to_be_visible()
    address = page.url
    for key in "aejkrnstx1?/.":
        page.keyboard.press(key)
    expect(page.locator("details.menu[open], dialog[open]")).to_have_count(0)
    expect(page.locator("textarea:focus, input:focus")).to_have_count(0)
    assert page.url == address
    _palette(page, "assign")
    page.keyboard.press("Enter")
    expect(page.locator("#menu-assign")).to_have_attribute("open", "")


def test_a_thai_keyboard_has_the_same_keys_by_their_place(page: Page) -> None:
    page.locator("#thread").focus()
    press = """(one) => document.activeElement.dispatchEvent(
        new KeyboardEvent("keydown", {...one, bubbles: true, cancelable: true}))"""
    assert page.evaluate(press, {"key": "ฟ", "code": "KeyA"}) is False
    expect(page.locator("#menu-assign")).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    # Ctrl and Alt together are somebody else's.
    assert page.evaluate(press, {"key": "a", "code": "KeyA", "ctrlKey": True, "altKey": True}) is True
    expect(page.locator("#menu-assign")).not_to_have_attribute("open", "")


def test_the_palette_fits_a_phone_and_reads_from_right_to_left(
    page: Page, keep: Callable[[Page, str], None]
) -> None:
    page.set_viewport_size({"width": 360, "height": 700})
    page.goto("/figures/")
    page.locator(".rail-me > summary").click()
    page.get_by_role("button", name="Commands").click()
    expect(page.locator("#palette")).to_be_visible()
    box = page.locator("#palette").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
    keep(page, "palette-phone")
    page.evaluate("document.documentElement.dir = 'rtl'")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    keep(page, "palette-rtl")
    page.keyboard.press("Escape")
    page.goto("/keys/")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    keep(page, "keys-phone")


def test_a_system_with_its_own_colours_still_tells_things_apart(page: Page) -> None:
    page.emulate_media(forced_colors="active")
    page.keyboard.press("n")
    page.keyboard.type("Only for us")
    page.keyboard.press("Control+Enter")
    note = page.locator(".entry.note .bubble").last
    expect(note).to_be_visible()
    style = "(element) => getComputedStyle(element).borderStyle"
    assert note.evaluate(style) == "dashed"
    assert page.locator(".message.theirs .bubble").first.evaluate(style) == "solid"
    _palette(page)
    outline = "(element) => getComputedStyle(element).outlineStyle"
    assert page.locator('#palette [aria-selected="true"]').evaluate(outline) == "solid"
    assert page.locator('#palette [role=option][aria-selected="false"]').first.evaluate(outline) == "none"
    page.keyboard.press("Escape")
    page.emulate_media(forced_colors="none", reduced_motion="reduce")
    moves = """() => [...document.querySelectorAll("*")].filter((one) => {
      const {animationName, transitionDuration, transitionProperty} = getComputedStyle(one);
      return animationName !== "none" || (transitionProperty !== "none" && parseFloat(transitionDuration) > 0);
    }).length"""
    assert page.evaluate(moves) == 0
