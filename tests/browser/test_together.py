"""Two people at one case: they see each other, are asked before they answer twice, and pass it on."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Instance, Opener

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
FIELD = ".reply-form textarea"


def _words(text: str) -> str:
    """Words that no other case has, nor this one's at a second try."""
    return f"{text} {uuid.uuid4().hex[:6]}"


def _open(page: Page, words: str) -> None:
    page.mouse.move(900, 300)  # a list that somebody points at waits with what is new
    page.locator("#rows li", has_text=words).first.locator("a").click()
    page.mouse.move(900, 300)
    expect(page.locator(".thread .words", has_text=words).first).to_be_visible()


def _answers(instance: Instance, post_id: str) -> list[str]:
    """What stands under a post on the network itself."""
    return [post["text"] for post in instance.thread("ana.w", post_id) if post["id"] != post_id]


def test_two_at_a_case_see_each_other_and_the_second_answer_is_asked_about(
    instance: Instance, open_desk: Opener, keep: Callable[[Page, str], None]
) -> None:
    mara, ivo = open_desk(), open_desk("ivo@example.com")
    flight = _words("Is my flight late?")
    instance.post("ana.w", f"@aero {flight}")
    _open(mara, flight)
    expect(mara.locator(".looking")).to_have_count(0)
    _open(ivo, flight)
    expect(mara.locator(".looking [title='Ivo Perić']")).to_be_visible()
    expect(ivo.locator(".looking [title='Mara Kovač']")).to_be_visible()
    ivo.locator(FIELD).press_sequentially("It leaves at ten")
    expect(mara.locator(".company .writing")).to_have_text("Ivo Perić is writing a reply")
    expect(mara.locator("#writing-said")).to_have_text("Ivo Perić is writing a reply")
    expect(mara.locator(".is-before")).to_contain_text("Ivo Perić is answering this since")
    keep(mara, "together-before")
    mara.locator(FIELD).press_sequentially("We look")
    expect(ivo.locator(".is-after")).to_contain_text("Mara Kovač is answering this too")
    expect(ivo.locator(".is-before")).to_have_count(0)
    mara.locator(FIELD).press("Control+Enter")
    expect(mara.locator("#reply-error")).to_contain_text("Somebody else is answering this")
    expect(mara.locator(FIELD)).to_have_value("We look")
    expect(mara.locator(".entry.pending")).to_have_count(0)
    keep(mara, "together-asked")
    mara.set_viewport_size({"width": 360, "height": 740})
    keep(mara, "together-asked-narrow")
    mara.set_viewport_size({"width": 1440, "height": 900})
    mara.get_by_role("button", name="Send anyway").click()
    expect(mara.locator(FIELD)).to_have_value("")
    # The first one has not seen that answer, and is shown it before hers goes.
    expect(ivo.locator(".is-news")).to_contain_text("Mara Kovač answered: “We look")
    expect(ivo.locator(FIELD)).to_have_value("It leaves at ten")
    keep(ivo, "together-news")
    ivo.locator(".is-news").get_by_role("link", name="Show").click()
    expect(ivo.locator(".is-news")).to_have_count(0)
    ivo.locator(FIELD).press("Control+Enter")
    expect(ivo.locator(FIELD)).to_have_value("")
    ivo.close()
    expect(mara.locator(".looking")).to_have_count(0)


def test_an_agent_who_was_offline_loses_nothing_doubles_nothing_and_is_told(
    instance: Instance, open_desk: Opener, keep: Callable[[Page, str], None]
) -> None:
    mara, ivo = open_desk(), open_desk("ivo@example.com")
    gate, found = _words("Where is gate nine?"), _words("I found it")
    post = instance.post("ana.w", f"@aero {gate}")
    _open(mara, gate)
    mara.locator(FIELD).press_sequentially("Gate nine is ")
    expect(mara.locator(".reply-form .draft-state")).to_have_text("Draft saved")
    mara.context.set_offline(True)
    mara.locator(FIELD).press_sequentially("upstairs")
    mara.locator(FIELD).press("Control+Enter")
    expect(mara.locator("#toasts")).to_contain_text("could not be reached")
    # Meanwhile the customer writes, and a colleague answers, who is told of her words that wait.
    instance.post("ana.w", f"@aero {found}", in_reply_to=post["id"])
    _open(ivo, found)
    expect(ivo.locator(".is-before")).to_contain_text("Mara Kovač is answering this since")
    ivo.locator(FIELD).fill("Have a good flight")
    ivo.get_by_label("Answer anyway").check()
    ivo.locator(FIELD).press("Control+Enter")
    expect(ivo.locator(FIELD)).to_have_value("")
    mara.context.set_offline(False)
    news = mara.locator(".is-news")
    expect(news).to_contain_text(f"Ana Weber wrote “@aero {found}”")
    expect(news).to_contain_text("Ivo Perić answered: “Have a good flight")
    expect(mara.locator(FIELD)).to_have_value("Gate nine is upstairs")
    keep(mara, "together-back-online")
    mara.locator(FIELD).press("Control+Enter")
    expect(mara.locator("#reply-error")).to_contain_text("Something is new since you began")
    expect(mara.locator(FIELD)).to_have_value("Gate nine is upstairs")
    mara.get_by_role("button", name="Send anyway").click()
    expect(mara.locator(FIELD)).to_have_value("")
    expect(mara.locator(".thread .own .words", has_text="Gate nine is upstairs")).to_have_count(1)
    expect(mara.locator(".entry.pending")).to_have_count(0)
    for words in ("Gate nine is upstairs", "Have a good flight"):
        assert sum(words in text for text in _answers(instance, post["id"])) == 1


def test_a_case_is_followed_handed_over_with_a_note_and_the_note_stands_at_the_top(
    instance: Instance, open_desk: Opener, keep: Callable[[Page, str], None]
) -> None:
    mara, ivo = open_desk(), open_desk("ivo@example.com", color_scheme="dark")
    seat = _words("My seat is broken")
    instance.post("joe_k", f"@aero {seat}")
    _open(mara, seat)
    mara.locator("#thread").focus()
    mara.keyboard.press("w")
    expect(mara.locator("[data-follow]")).to_have_attribute("aria-pressed", "true")
    expect(mara.locator(".facts")).to_contain_text("Mara Kovač")
    mara.keyboard.press("a")
    mara.locator("#hand-over summary").click()
    mara.locator("#hand-to").select_option(label="Ivo Perić")
    mara.locator("#hand-note").fill("He flies again on Friday. Call him before.")
    keep(mara, "together-handing")
    mara.get_by_role("button", name="Hand over", exact=True).click()
    expect(mara.locator("#toasts")).to_contain_text("Handed over to Ivo Perić")
    _open(ivo, seat)
    expect(ivo.locator(".passed")).to_contain_text("Mara Kovač handed this case over to Ivo Perić")
    expect(ivo.locator(".passed .words")).to_have_text("He flies again on Friday. Call him before.")
    keep(ivo, "together-handed-dark")
    ivo.set_viewport_size({"width": 360, "height": 740})
    keep(ivo, "together-handed-narrow-dark")
    ivo.locator(".passed").get_by_role("button", name="Read").click()
    expect(ivo.locator(".passed")).to_have_count(0)
    mara.goto("/desk/following/")
    expect(mara.locator("#rows li", has_text=seat)).to_be_visible()
