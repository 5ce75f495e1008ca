"""An admin connects a channel in a real browser, with the keyboard where that is quicker."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from rapport.networks.mastodon.tests.place import MastodonPlace
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


def test_a_login_at_another_site_refused_and_then_allowed_becomes_a_channel(open_desk: Opener) -> None:
    """The network is at 127.0.0.1 and we are at localhost: for a browser, two sites."""
    with MastodonPlace() as place:
        page = open_desk("ada@example.com", "/channels/connect/mastodon/")
        page.get_by_label("Server", exact=True).fill(place.double.url)
        page.get_by_role("button", name="Go on to Mastodon's login").click()
        page.get_by_role("link", name="Go to 127.0.0.1").click()
        page.get_by_role("link", name="refuse").click()
        expect(page.get_by_role("alert")).to_contain_text("You did not allow it on your server")
        page.get_by_role("button", name="Log in at Mastodon again").click()
        page.get_by_role("link", name="Go to 127.0.0.1").press("Enter")
        page.get_by_role("link", name="allow").click()
        expect(page.get_by_role("heading", name="Is this the account?")).to_be_visible()
        expect(page.get_by_text("Alvara Air Care")).to_be_visible()
        page.get_by_role("button", name="Connect care@social.example").click()
        expect(page.get_by_text("care@social.example is connected.")).to_be_visible()
        place.customer_says("Where is my suitcase?")
        page.goto("/desk/all/")
        expect(page.get_by_text("Where is my suitcase?").first).to_be_visible()
