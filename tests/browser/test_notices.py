"""The bell, the app without a connection, and a device that is told: in a real browser, on a real instance."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PATIENCE_MS, Instance, Opener

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def _give(page: Page, text: str, name: str) -> None:
    """Opens the case with ``text`` and gives it to somebody."""
    page.goto("/desk/all/")
    page.locator("#rows li", has_text=text).first.locator("a").click()
    page.locator("[data-menu=assign] > summary").click()
    page.locator("[data-menu=assign]").get_by_role("button", name=re.compile(name)).first.click()
    expect(page.locator("[data-menu=assign] > summary")).to_contain_text(name)


def test_the_bell_counts_live_and_opening_the_case_reads_it_everywhere(
    instance: Instance, open_desk: Opener, keep: Callable[[Page, str], None]
) -> None:
    instance.post("ana.w", "@aero My bell rings for bag 17")
    lead = open_desk("mara@example.com")
    agent, second = open_desk("ivo@example.com", "/figures/"), open_desk("ivo@example.com", "/notices/")
    before = int(agent.locator("#bell").get_attribute("data-count") or 0)
    _give(lead, "My bell rings for bag 17", "Ivo Perić")
    expect(agent.locator("#bell")).to_have_attribute("data-count", str(before + 1))  # no reload, on any page
    told = second.locator("#notices li", has_text="My bell rings for bag 17")
    expect(told).to_contain_text("Mara Kovač gave you this case")
    keep(second, "notices")

    second.locator("body").press("j")  # by keyboard alone
    expect(second.locator("#notices a[data-notice]").first).to_be_focused()
    told.locator("a").press("Enter")
    second.wait_for_url("**/desk/all/case/**")
    expect(second.locator("#thread")).to_contain_text("My bell rings for bag 17")
    expect(agent.locator("#bell")).to_have_attribute("data-count", str(before))

    instance.post("ana.w", "@aero And bag 18 rings too", in_reply_to=None)
    expect(second.locator("#bell")).to_have_attribute("data-count", str(before))


def test_all_are_marked_read_and_that_is_undone_by_key(instance: Instance, open_desk: Opener) -> None:
    instance.post("somchai", "@aero Please mark bag 19 as read")
    lead = open_desk("mara@example.com")
    _give(lead, "Please mark bag 19 as read", "Ada Babić")
    page = open_desk("ada@example.com", "/notices/")
    expect(page.locator("#notices a[data-notice]").first).to_be_visible()
    page.get_by_role("button", name="Mark all as read").click()
    expect(page.get_by_text("All are marked as read.")).to_be_visible()
    expect(page.get_by_role("heading", name="You have seen everything")).to_be_visible()
    page.wait_for_load_state()  # a key means something once the script has begun
    page.keyboard.press("u")
    expect(page.locator("#notices a[data-notice]").first).to_be_visible()
    page.get_by_role("link", name="All", exact=True).click()
    expect(page.locator("#notices a[data-notice]").first).to_be_visible()


def test_without_a_connection_the_app_says_so_and_goes_on_by_itself(
    open_desk: Opener, keep: Callable[[Page, str], None]
) -> None:
    page = open_desk("ivo@example.com", "/account/")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    kept = page.evaluate(
        """async () => {
            const found = [];
            for (const name of await caches.keys())
                for (const request of await (await caches.open(name)).keys())
                    found.push(new URL(request.url).pathname);
            return found;
        }"""
    )
    assert "/offline/" in kept
    assert [path for path in kept if path != "/offline/" and not path.startswith("/static/")] == []
    page.context.set_offline(True)
    page.goto("/figures/")
    expect(page.get_by_role("heading", name="You are offline")).to_be_visible()
    expect(page.get_by_text("What you write is kept")).to_be_visible()
    assert "Inter Variable" in page.evaluate(
        "getComputedStyle(document.body).fontFamily"
    )  # its styles are there
    keep(page, "offline")
    page.context.set_offline(False)
    expect(page.locator("main h1")).not_to_have_text("You are offline")
    assert page.url.endswith("/figures/")


def test_the_app_can_be_installed(open_desk: Opener) -> None:
    page = open_desk("ivo@example.com", "/notices/")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    session = page.context.new_cdp_session(page)
    manifest = session.send("Page.getAppManifest")
    assert manifest["url"].endswith("/manifest.webmanifest")
    assert manifest["errors"] == []
    problems = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # A window of tests is never "installed"; everything the app itself can do wrong would be here.
    assert [one["errorId"] for one in problems if one["errorId"] != "in-incognito"] == []


def test_a_push_shows_and_leads_to_the_case_and_logging_out_takes_it_away(
    instance: Instance, open_desk: Opener
) -> None:
    page = open_desk("ivo@example.com", "/account/notices/")
    page.context.grant_permissions(["notifications"], origin=instance.url)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    session = page.context.new_cdp_session(page)
    found: dict[str, str] = {}
    session.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: [found.update(id=one["registrationId"]) for one in event["registrations"]],
    )
    session.send("ServiceWorker.enable")
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while "id" not in found and time.monotonic() < deadline:
        page.evaluate("navigator.serviceWorker.ready.then(() => true)")  # lets the event come in
    session.send(
        "ServiceWorker.deliverPushMessage",
        {
            "origin": instance.url,
            "registrationId": found["id"],
            "data": '{"title": "Ana · Aero", "body": "A new message", "url": "/notices/", "tag": "case-1", "count": 1}',
        },
    )
    shown = "navigator.serviceWorker.ready.then(async (it) => (await it.getNotifications()).map((one) => one.title))"
    page.wait_for_function(f"{shown}.then((titles) => titles.includes('Ana · Aero'))")
    page.locator(".rail-me summary").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.wait_for_function(f"{shown}.then((titles) => titles.length === 0)")
