"""Words that are not sent: kept on the server, over a lost connection, a reload and a change of device."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Instance, Opener

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
FIELD = ".reply-form textarea"
STATE = ".reply-form .draft-state"


def _open(page: Page, words: str) -> None:
    page.mouse.move(900, 300)  # a list that somebody points at waits with what is new
    page.locator("#rows li", has_text=words).first.locator("a").click()
    page.mouse.move(900, 300)
    expect(page.locator(".thread .words", has_text=words).first).to_be_visible()


def test_an_answer_begun_on_a_train_goes_on_at_a_desk(
    instance: Instance, open_desk: Opener, keep: Callable[[Page, str], None]
) -> None:
    train = open_desk()
    instance.post("ana.w", "@aero Which platform?")
    _open(train, "Which platform?")
    train.locator(FIELD).press_sequentially("Your train leaves")
    expect(train.locator(STATE)).to_have_text("Draft saved")
    train.context.set_offline(True)
    train.locator(FIELD).press_sequentially(" from platform 4")
    expect(train.locator(STATE)).to_have_text("Draft kept on this device")
    keep(train, "draft-offline")
    train.context.set_offline(False)
    expect(train.locator(STATE)).to_have_text("Draft saved")
    train.reload()
    expect(train.locator(FIELD)).to_have_value("Your train leaves from platform 4")

    desk = open_desk()
    row = desk.locator("#rows li", has_text="Which platform?").first
    expect(row).to_contain_text("Draft")
    _open(desk, "Which platform?")
    expect(desk.locator(FIELD)).to_have_value("Your train leaves from platform 4")
    # Both write: what was typed last stands, and the other is offered.
    train.context.set_offline(True)
    train.locator(FIELD).fill("Written in a tunnel")
    expect(train.locator(STATE)).to_have_text("Draft kept on this device")
    desk.locator(FIELD).fill("Written at the desk")
    expect(desk.locator(STATE)).to_have_text("Draft saved")
    train.context.set_offline(False)
    expect(train.locator(FIELD)).to_have_value("Written at the desk")
    expect(train.locator(".of-reply blockquote")).to_have_text("Written in a tunnel")
    keep(train, "draft-offered")
    train.get_by_role("button", name="Put it in the field").click()
    expect(train.locator(FIELD)).to_have_value("Written in a tunnel\n\nWritten at the desk")
    expect(train.locator(".of-reply blockquote")).to_have_count(0)
    train.set_viewport_size({"width": 360, "height": 740})
    keep(train, "draft-narrow")


def test_what_is_sent_is_no_draft_and_what_is_taken_back_is_one_again(
    instance: Instance, open_desk: Opener
) -> None:
    page = open_desk("ivo@example.com")
    instance.post("joe_k", "@aero Is the bar open?")
    _open(page, "Is the bar open?")
    page.locator(FIELD).fill("Until ten.")
    page.locator(FIELD).press("Control+Enter")
    expect(page.locator(".entry.pending.queued")).to_be_visible()
    expect(page.locator(FIELD)).to_have_value("")
    page.locator(".entry.pending").get_by_role("button", name="Undo").click()
    expect(page.locator(FIELD)).to_have_value("Until ten.")
    other = open_desk("ivo@example.com")
    _open(other, "Is the bar open?")
    expect(other.locator(FIELD)).to_have_value("Until ten.")
