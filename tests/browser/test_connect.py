"""An admin connects a channel in a real browser, with the keyboard where that is quicker."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener

pytestmark = pytest.mark.browser


def test_an_admin_connects_a_channel_and_pauses_it(open_desk: Opener) -> None:
    page: Page = open_desk("ada@example.com", "/channels/")
    page.get_by_role("link", name="Connect a channel").first.click()
    page.get_by_role("link", name="Contact form").press("Enter")
    expect(page.get_by_role("heading", name="What you need")).to_be_visible()

    page.get_by_role("button", name="Check it").click()
    expect(page.get_by_role("alert")).to_be_focused()  # what is wrong is where one looks
    page.get_by_role("textbox", name="Name", exact=True).fill("Aero help")
    page.get_by_role("textbox", name="Name", exact=True).press("Enter")

    expect(page.get_by_role("heading", name="Is this the account?")).to_be_visible()
    page.get_by_label("What is this account for?").select_option("support")
    page.get_by_label("Monday").fill("17-9")
    page.get_by_role("button", name="Connect Aero help").click()
    expect(page.get_by_text("ends before it begins")).to_be_visible()
    page.get_by_label("Monday").fill("9-17")
    page.get_by_role("button", name="Connect Aero help").click()

    expect(page).to_have_url(re.compile(r"/channels/\d+/$"))
    expect(page.get_by_text("Aero help is connected.")).to_be_visible()
    expect(page.get_by_role("definition").filter(has_text="Monday 09:00")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused. Replies wait until it is resumed.")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
