"""Somebody is invited, comes in, works, and goes: in real browsers, on a real instance."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Instance, Opener

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_from_the_invitation_to_the_last_case(
    instance: Instance, open_desk: Opener, chromium: Browser, keep: Callable[[Page, str], None]
) -> None:
    lead = open_desk("mara@example.com", "/people/")
    lead.get_by_role("link", name="Invite people").click()
    lead.get_by_label("E-mail address").fill("nia@example.com")
    lead.get_by_label("Role for Aero Adria").select_option("agent")
    lead.get_by_role("button", name="Make the link").press("Enter")
    expect(lead.get_by_text("nia@example.com is invited")).to_be_visible()
    link = lead.get_by_label("Link", exact=True).input_value()
    keep(lead, "people-invited")

    elsewhere = chromium.new_context(base_url=instance.url, locale="en")
    newcomer = elsewhere.new_page()
    newcomer.goto(link[link.index("/invitation/") :])
    expect(newcomer.get_by_text("Mara Kovač invites you as Agent")).to_be_visible()
    newcomer.keyboard.type("Nia Novak")  # the field is focused
    newcomer.get_by_label("Choose a password").fill("three words in a row")
    newcomer.keyboard.press("Enter")
    newcomer.wait_for_url("**/desk/**")
    newcomer.goto(link[link.index("/invitation/") :])
    expect(newcomer.get_by_role("heading", name="This link does not work")).to_be_visible()

    lead.goto("/people/")
    row = lead.get_by_role("row", name=re.compile("Nia Novak"))
    expect(row).to_contain_text("Here now")

    instance.post("joe_k", "@aero Who is new at your desk?")
    newcomer.goto("/desk/all/")
    newcomer.locator("#rows li", has_text="Who is new at your desk?").first.locator("a").click()
    newcomer.locator("[data-menu=assign] > summary").click()
    newcomer.get_by_role("button", name="Take it yourself").click()
    expect(newcomer.locator("[data-menu=assign] > summary")).to_contain_text("Nia Novak")

    lead.get_by_role("link", name="Nia Novak").click()
    lead.get_by_role("link", name="Deactivate").click()
    expect(lead.get_by_text("1 open case")).to_be_visible()
    lead.get_by_label("Who gets them?").select_option(label="Ivo Perić")
    keep(lead, "people-leave")
    lead.get_by_role("button", name="Deactivate · hand over 1 case").press("Enter")
    expect(lead.get_by_text("Done. 1 open case was handed over.")).to_be_visible()
    expect(lead.get_by_role("row", name=re.compile("Nia Novak"))).to_have_count(0)
    newcomer.goto("/desk/")
    expect(newcomer.get_by_role("heading", name="Log in")).to_be_visible()

    lead.get_by_role("button", name="Undo").click()
    expect(lead.get_by_role("row", name=re.compile("Nia Novak"))).to_be_visible()
    elsewhere.close()


def test_a_role_is_changed_in_place_by_keyboard_and_undone(open_desk: Opener) -> None:
    page = open_desk("ada@example.com", "/people/")
    menu = page.get_by_role("row", name=re.compile("Ivo Perić")).locator("summary")
    menu.press("Enter")
    page.get_by_role("button", name="Lead", exact=True).press("Enter")
    expect(menu).to_contain_text("Lead")
    expect(menu).to_be_focused()  # where one was
    page.locator("#toasts").get_by_role("button", name="Undo").press("Enter")
    expect(menu).to_contain_text("Agent")


def test_a_chosen_picture_is_cut_to_a_small_square(open_desk: Opener, tmp_path: Path) -> None:
    page = open_desk("ivo@example.com", "/account/")
    drawn = page.evaluate(
        """async () => {
            const canvas = document.createElement("canvas");
            canvas.width = 900; canvas.height = 600;
            canvas.getContext("2d").fillRect(0, 0, 900, 600);
            return canvas.toDataURL("image/png").split(",")[1];
        }"""
    )
    file = tmp_path / "me.png"
    file.write_bytes(base64.b64decode(drawn))
    page.get_by_label("A picture of you").set_input_files(file)
    expect(page.locator("[data-picture-preview] canvas")).to_be_visible()
    page.get_by_role("button", name="Use this picture").click()
    expect(page.get_by_text("Your picture is saved.")).to_be_visible()
    shown = page.locator(".picture-now img")
    expect(shown).to_have_js_property("naturalWidth", 256)
    page.get_by_role("button", name="Remove the picture").click()
    expect(page.get_by_text("Your picture is removed.")).to_be_visible()
