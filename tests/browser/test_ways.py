"""More ways to send, as a person does it: by keyboard, on a phone, later, in several posts, as another channel."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import REPOSITORY, Instance, Opener

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
LONG = (
    "Your suitcase is in Split and it comes to your hotel tomorrow, says the crew of the night flight. " * 11
)


def _open(page: Page, words: str) -> None:
    page.mouse.move(900, 300)  # a list that somebody points at waits with what is new
    page.locator("#rows li", has_text=words).first.locator("a").click()
    page.mouse.move(900, 300)
    expect(page.locator(".thread .words", has_text=words).first).to_be_visible()


def test_send_and_snooze_by_keyboard(
    instance: Instance, open_desk: Opener, keep: Callable[[Page, str], None]
) -> None:
    page = open_desk()
    post = instance.post("ana.w", "@aero Is the lounge open on Sunday morning?")
    _open(page, "lounge open on Sunday")
    page.locator(".reply-form textarea").fill("It opens at six.")
    page.keyboard.press("Control+Shift+Enter")
    menu = page.locator("#menu-send")
    expect(menu).to_have_attribute("open", "")
    expect(menu.locator("button").first).to_be_focused()
    keep(page, "ways-menu")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(
        menu.get_by_role("group", name="Send, and snooze the case").get_by_role("button").nth(1)
    ).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".pending .then")).to_contain_text("Then the case is snoozed until")
    keep(page, "ways-snooze-pending")
    expect(page.locator(".case-head .state")).to_contain_text("Snoozed until", timeout=30_000)
    assert [one["text"] for one in instance.thread("ana.w", post["id"])[1:]] == ["It opens at six. ^MK"]


def test_a_scheduled_reply_waits_is_held_back_when_the_customer_writes_and_leaves_when_told_to(
    instance: Instance, open_desk: Opener, keep: Callable[[Page, str], None]
) -> None:
    page = open_desk()
    post = instance.post("joe_k", "@aero My voucher does not work, what now?")
    _open(page, "voucher does not work")
    page.locator(".reply-form textarea").fill("We look into it and write tomorrow.")
    page.locator(".send-more").click()
    page.locator('[name="send_at"][value="tomorrow"]').click()
    mine = page.locator(".entry.scheduled")
    expect(mine).to_contain_text("Leaves on")
    expect(page.locator(".reply-form textarea")).to_have_value("")
    expect(page.locator(".case-head .state")).to_contain_text("Waits for")
    keep(page, "ways-scheduled")
    # Words and time can be changed.
    mine.locator("summary", has_text="Change time or words").click()
    mine.locator("textarea").fill("We look into it and write on Friday.")
    keep(page, "ways-scheduled-change")
    mine.get_by_role("button", name="Keep the change").click()
    expect(mine.locator(".words")).to_have_text("We look into it and write on Friday. ^MK")
    # The customer writes: everybody is told, live.
    instance.post("joe_k", "@aero It works now, sorry!", in_reply_to=post["id"])
    held = page.locator(".entry.held")
    expect(held).to_contain_text("The customer wrote after this was scheduled", timeout=30_000)
    keep(page, "ways-held-back")
    held.get_by_role("button", name="Send anyway").click()
    expect(page.locator(".entry.scheduled")).to_contain_text("Leaves on")
    page.locator(".entry.scheduled").get_by_role("button", name="Send now").click()
    expect(page.locator(".entry.pending")).to_have_count(0, timeout=30_000)
    assert "We look into it and write on Friday. ^MK" in [
        one["text"] for one in instance.thread("joe_k", post["id"])
    ]


def test_a_scheduled_reply_taken_back_returns_to_the_field(instance: Instance, open_desk: Opener) -> None:
    page = open_desk()
    instance.post("somchai", "@aero Can I bring a surfboard?")
    _open(page, "surfboard")
    page.locator(".reply-form textarea").fill("Yes, up to 3 metres.")
    page.locator(".send-more").click()
    page.locator('[name="send_at_time"]').fill("2001-01-01T09:00")
    page.locator('[name="send_at_time"]').press("Enter")
    expect(page.locator("#reply-error")).to_contain_text("That time is over")
    expect(page.locator(".reply-form textarea")).to_have_value("Yes, up to 3 metres.")
    page.locator(".send-more").click()
    page.locator('[name="send_at"][value="monday"]').click()
    page.locator(".entry.scheduled").get_by_role("button", name="Take back").click()
    expect(page.locator(".entry.pending")).to_have_count(0)
    expect(page.locator(".reply-form textarea")).to_have_value("Yes, up to 3 metres.")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("wide", {}),
        ("dark", {"color_scheme": "dark"}),
        ("phone", {"viewport": {"width": 360, "height": 740}}),
    ],
)
def test_what_does_not_fit_is_marked_and_goes_out_in_several_posts(
    instance: Instance,
    open_desk: Opener,
    keep: Callable[[Page, str], None],
    name: str,
    options: dict[str, object],
) -> None:
    page = open_desk(**options)
    post = instance.post("ana.w", f"@aero Where is my suitcase, seen on a {name} screen?")
    page.locator("#rows li", has_text=f"on a {name} screen").first.locator("a").click()
    field = page.locator(".reply-form textarea")
    field.fill(LONG)
    expect(page.locator(".cut-says")).to_have_text("Too long. What is marked does not fit:")
    marked = page.locator(".cut-text mark")
    expect(marked).not_to_be_empty()
    rest = (marked.text_content() or "").strip()
    assert LONG.strip().endswith(rest)
    assert 498 <= len(LONG.strip().removesuffix(rest).strip() + " ^MK") <= 500
    posts = page.locator(".posts li")
    expect(posts).to_have_count(3)
    page.locator('.posts [name="numbered"]').check()
    expect(posts.first).to_contain_text("1/3")
    page.locator(".posts").scroll_into_view_if_needed()
    keep(page, f"ways-over-limit-{name}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Send publicly as 3 posts").click()
    expect(page.locator(".entry.pending").first).to_contain_text("Post 1 of 3")
    keep(page, f"ways-posts-pending-{name}")
    expect(page.locator(".entry.pending")).to_have_count(0, timeout=60_000)
    sent = instance.thread("ana.w", post["id"])[1:]
    assert [re.findall(r"\d/3", one["text"]) for one in sent] == [["1/3"], ["2/3"], ["3/3"]]
    assert [one["in_reply_to"] for one in sent] == [post["id"], sent[0]["id"], sent[1]["id"]]
    if name == "phone":
        page.locator(".reply-form textarea").fill("One more thing.")
        page.locator(".send-more").click()
        expect(page.locator("#menu-send .menu-panel")).to_be_in_viewport(ratio=0.99)
        keep(page, "ways-menu-phone")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_another_channel_of_the_brand_answers_and_it_stays_one_case(
    instance: Instance, open_desk: Opener, keep: Callable[[Page, str], None]
) -> None:
    subprocess.run(
        [sys.executable, "-m", "tests.browser.voices"], env=instance.env, cwd=REPOSITORY, check=True
    )
    page = open_desk()
    post = instance.post("joe_k", "@aero The app logs me out all the time")
    _open(page, "logs me out all the time")
    page.locator(".voice select").select_option(label="@aero_support · Support")
    expect(page.locator(".send-main")).to_contain_text("Send publicly as @aero_support")
    page.locator(".reply-form textarea").fill("We are on it.")
    keep(page, "ways-voice")
    page.locator(".segments label", has_text="Private").click()
    expect(page.locator(".voice")).to_be_hidden()
    page.locator(".segments label", has_text="Public").click()
    page.locator(".send-main").click()
    expect(page.locator(".entry.pending")).to_contain_text("as @aero_support")
    expect(page.locator(".entry.pending")).to_have_count(0, timeout=30_000)
    answer = instance.thread("joe_k", post["id"])[1]
    assert (answer["author"]["handle"], answer["text"]) == ("aero_support", "We are on it. ^MK")
    expect(page.locator(".entry.own .handle", has_text="aero_support")).to_be_visible()
    # Who answers that account goes on in the same case. Both channels may hear it, and each shows what it heard.
    thanks = f"Thanks, it works again {uuid4().hex[:6]}"
    instance.post("joe_k", thanks, in_reply_to=answer["id"])
    expect(page.locator(".thread .words", has_text=thanks).first).to_be_visible(timeout=30_000)
    expect(page.locator("#rows li", has_text=thanks)).to_have_count(1)
