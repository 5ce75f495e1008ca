"""What a customer has read is told while an agent looks at the case."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Instance, Opener

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_private_answer_says_that_it_was_read_as_soon_as_it_was(
    instance: Instance, open_desk: Opener, keep: Callable[[Page, str], None]
) -> None:
    page = open_desk()
    words = f"My booking number is {uuid4().hex[:6]}"
    to = httpx.get(
        f"{instance.url}/practice/api/v1/accounts/aero",
        headers={"Authorization": f"Bearer {instance.tokens['somchai']}"},
        trust_env=False,
    ).json()["id"]
    asked = instance.post("somchai", words, visibility="private", recipient_id=to)
    page.mouse.move(900, 300)  # a list that somebody points at waits with what is new
    page.locator("#rows li", has_text=words).first.locator("a").click()
    page.mouse.move(900, 300)
    expect(page.locator(".thread .words", has_text=words)).to_be_visible()
    for answer in ("One moment, please.", "We have moved your seat."):
        page.locator(".reply-form textarea").fill(answer)
        page.keyboard.press("Control+Enter")
        expect(page.locator(".message.own:not(.pending) .words", has_text=answer)).to_be_visible(
            timeout=30_000
        )
    expect(page.locator(".receipt")).to_have_count(0)
    newest = instance.thread("somchai", asked["id"])[-1]
    assert newest["text"].startswith("We have moved your seat.")
    read = httpx.post(
        f"{instance.url}/practice/api/v1/posts/{newest['id']}/read",
        headers={"Authorization": f"Bearer {instance.tokens['somchai']}"},
        trust_env=False,
    )
    assert read.status_code == 204
    # It comes by itself, at the newest one alone, and the field is left alone.
    page.locator(".reply-form textarea").fill("Anything else?")
    told = page.locator(".message.own", has_text="We have moved your seat.").locator(".receipt")
    expect(told).to_have_text(re.compile(r"Read \d\d:\d\d"), timeout=30_000)
    expect(page.locator(".receipt")).to_have_count(1)
    expect(told.locator("time")).to_have_attribute("title", re.compile(r"\d\d:\d\d:\d\d"))
    expect(page.locator(".reply-form textarea")).to_have_value("Anything else?")
    keep(page, "receipts-read")
