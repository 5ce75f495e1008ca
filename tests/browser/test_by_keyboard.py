"""A whole day at the desk by keyboard alone: a lead's, then the colleague's who is named and handed a case."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PATIENCE_MS, Desk, Instance
from tests.browser.hands import Hands
from tests.browser.world import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
FIELD = ".reply-form textarea"
OPTIONS = "#aid-list [role=option]"
SENT_MS = 3 * PATIENCE_MS


def _hands(desk: Desk, instance: Instance, email: str) -> Hands:
    hands = Hands(desk.blank(instance.url))
    hands.log_in(email, PASSWORD)
    return hands


def _toast(page: Page) -> Locator:
    return page.locator("#toasts")


def _save_reply(hands: Hands, mark: str) -> None:
    page = hands.page
    hands.palette("saved rep", "Saved replies")
    page.wait_for_url("**/replies/")
    hands.do(page.get_by_role("link", name="New saved reply"))
    page.wait_for_url("**/replies/new/")
    hands.to(page.get_by_label("Name", exact=True))
    hands.type(f"On its way {mark}")
    hands.press("Tab")
    hands.type(f"way{mark}")
    hands.to(page.get_by_label("Words", exact=True))
    hands.type("Dear {{customer.first_name|customer}}, it is on its way.")
    hands.do(page.get_by_role("button", name="Save", exact=True))
    expect(page.locator(".notice.good")).to_contain_text("is saved.")
    hands.list("4", "all")


def _read_and_prepare(hands: Hands, words: str, mark: str) -> str:
    """Reads the case, takes it, says that it is urgent, and names a colleague in a note. Its number."""
    page = hands.page
    number = hands.open_case(words)
    hands.press("J")
    expect(page.locator("#entries > .message:focus")).to_have_count(1)
    hands.press("m")
    expect(page.locator(".message-menu[open] a.item").first).to_be_focused()
    hands.press("Escape")
    expect(page.locator(".message-menu[open]")).to_have_count(0)
    hands.press("a")
    expect(page.get_by_role("button", name="Take it yourself")).to_be_focused()
    hands.press("Enter")
    expect(_toast(page)).to_contain_text("The case is yours.")
    hands.press("p")
    hands.do(page.locator("#menu-priority").get_by_role("button", name="High"), "ArrowDown")
    expect(page.locator("#menu-priority > summary")).to_contain_text("High")
    hands.press("n")
    expect(page.locator(".note-form textarea")).to_be_focused()
    hands.type("@pe")
    expect(page.locator(OPTIONS)).to_have_text(["Ivo Perić"])
    hands.press("Enter")
    hands.type(f"do you know this bag {mark}?")
    hands.press("Control+Enter")
    expect(page.locator(".entry.note", has_text=f"do you know this bag {mark}?")).to_be_visible()
    hands.press("Escape")
    return number


def _answer_and_close(hands: Hands, mark: str) -> None:
    page = hands.page
    hands.press("r")
    expect(page.locator(FIELD)).to_be_focused()
    hands.type(f"/way{mark}")
    expect(page.locator(OPTIONS)).to_have_count(1)
    hands.press("Enter")
    expect(page.locator(FIELD)).to_have_value("Dear Ana, it is on its way.")
    hands.press("Control+Shift+Enter")
    expect(page.get_by_role("button", name="Send and close")).to_be_focused()
    hands.press("Enter")
    expect(page.locator(".pending .then")).to_have_text("Then the case is closed.")
    # It leaves while one goes on.


def _answer_and_snooze(hands: Hands, words: str) -> str:
    page = hands.page
    hands.press("Escape", "Escape")
    expect(page.locator("#rows a:focus")).to_have_count(1)
    number = hands.open_case(words, "k")
    hands.press("r")
    hands.type("It is on Monday, we write again.")
    hands.press("Control+Shift+Enter")
    snooze = page.get_by_role("group", name="Send, and snooze the case")
    hands.do(snooze.get_by_role("button", name="Next Monday"), "ArrowDown")
    expect(page.locator(".pending .then")).to_contain_text("Then the case is snoozed until")
    return number


def _schedule_and_take_back(hands: Hands, words: str) -> None:
    page = hands.page
    hands.list("4", "all")
    hands.open_case(words)
    hands.press("r")
    hands.type("Good morning.")
    hands.press("Control+Shift+Enter")
    later = page.get_by_role("group", name="Send later")
    hands.do(later.get_by_role("button", name="Tomorrow morning"))
    scheduled = page.locator(".entry.scheduled")
    expect(scheduled).to_contain_text("Leaves on")
    hands.do(scheduled.get_by_role("button", name="Take back"), "Shift+Tab")
    expect(page.locator(".entry.pending")).to_have_count(0)
    expect(page.locator(FIELD)).to_have_value("Good morning.")
    hands.press("r", "Control+a", "Delete", "Escape")


def _split_and_merge(hands: Hands, first: str, second: str) -> None:
    """The second message of the open case becomes a case of its own, then comes back."""
    page = hands.page
    hands.press("Escape")
    hands.to(page.locator("#entries > .message", has_text=second), "J")
    hands.press("m")
    hands.do(page.get_by_role("button", name="Make a new case of it and what follows"), "ArrowDown")
    expect(page.locator("#thread .words", has_text=second)).to_have_count(0)
    expect(page.locator("#thread .words", has_text=first)).to_be_visible()
    other = page.locator("#contact .others li", has_text=second)
    hands.do(other.get_by_role("button", name=re.compile("^Merge into this")))
    expect(page.locator("#thread .words", has_text=second)).to_be_visible()


def _tag_and_hand_over(hands: Hands, mark: str) -> None:
    page = hands.page
    hands.press("t")
    hands.type(f"keys-{mark}")
    hands.press("Enter")
    expect(page.locator(".tags .tag", has_text=f"keys-{mark}")).to_be_visible()
    hands.press("Escape", "a")
    hands.do(page.locator("#hand-over > summary"))
    hands.press("Tab")
    expect(page.locator("#hand-to")).to_be_focused()
    hands.type("Ivo")
    hands.press("Tab")
    hands.type(f"He flies on Friday {mark}.")
    hands.press("Tab", "Enter")
    expect(_toast(page)).to_contain_text("Handed over to Ivo Perić")


def _narrow_and_save(hands: Hands, mark: str) -> None:
    page = hands.page
    hands.press("/")
    expect(page.locator("#search")).to_be_focused()
    hands.type(f"tag:keys-{mark}")
    hands.press("Enter")
    page.wait_for_url("**/desk/all/?q=*")
    expect(page.locator("#rows li.row")).to_have_count(1)
    hands.list("4", "all")
    hands.press("f")
    facet = page.locator("#facet-tag")
    hands.do(facet.locator("summary"))
    hands.to(facet.get_by_label(f"keys-{mark}"))
    hands.press("Space")
    hands.do(page.get_by_role("button", name="Narrow the list"))
    page.wait_for_url("**/desk/all/?*tag=*")
    expect(page.locator("#rows li.row")).to_have_count(1)
    hands.do(page.locator("#save-menu > summary"))
    hands.press("Tab")
    hands.type(f"Keys {mark}")
    hands.press("Enter")
    expect(page.locator("#views a[aria-current]", has_text=f"Keys {mark}")).to_be_visible()


def _many_at_once(hands: Hands, words: str) -> None:
    """Two cases are closed together, and that is undone."""
    page = hands.page
    hands.press("/")
    hands.type(words)
    hands.press("Enter")
    page.wait_for_url("**/desk/all/?q=*")
    rows = page.locator("#rows li.row")
    expect(rows).to_have_count(2)
    hands.press("j", "x", "j", "X")
    expect(page.locator("#bulk-number")).to_have_text("2 picked")
    hands.press("e")
    hands.do(page.locator("#bulk-close").get_by_role("button", name="Close: no reply needed"), "ArrowDown")
    expect(_toast(page)).to_contain_text("2 cases closed.")
    hands.press("u")
    expect(_toast(page)).to_contain_text("Undone for 2 cases.")
    expect(rows).to_have_count(2)


def test_a_leads_day_and_what_a_colleague_hears_of_it(instance: Instance, desk: Desk) -> None:
    mark = uuid4().hex[:6]
    bag, seat, meal, menu = (f"{what} {mark}" for what in ("My bag", "My seat", "My meal", "And the menu"))
    strike = f"strike{mark}"
    posts = [instance.post("ana.w", f"@aero {bag}?"), instance.post("joe_k", f"@aero {seat}?")]
    first = instance.post("somchai", f"@aero {meal}?")
    instance.post("somchai", f"@aero {menu}?", in_reply_to=first["id"])
    instance.post("ana.w", f"@aero {strike} one")
    instance.post("joe_k", f"@aero {strike} two")

    mara = _hands(desk, instance, "mara@example.com")
    _save_reply(mara, mark)
    named = _read_and_prepare(mara, bag, mark)
    _answer_and_close(mara, mark)
    asleep = _answer_and_snooze(mara, seat)
    _schedule_and_take_back(mara, menu)
    _split_and_merge(mara, meal, menu)
    _tag_and_hand_over(mara, mark)
    _narrow_and_save(mara, mark)
    _many_at_once(mara, strike)
    # What was sent has left by now, and did what it was to do.
    for key, view, number in (("9", "closed", named), ("8", "snoozed", asleep)):
        mara.list(key, view)
        expect(mara.page.locator(f"#row-{number}")).to_be_visible(timeout=SENT_MS)
    for post, words in zip(posts, ("it is on its way", "It is on Monday"), strict=True):
        assert [one["text"].count(words) for one in instance.thread("ana.w", post["id"])[1:]] == [1]

    ivo = _hands(desk, instance, "ivo@example.com")
    page = ivo.page
    ivo.press("b")
    page.wait_for_url("**/notices/")
    expect(page.locator(f"#news-{named}")).to_contain_text("Mara Kovač")
    ivo.do(page.locator("#notices li", has_text=menu).locator("a[data-notice]"), "j")
    page.wait_for_url("**/case/**")
    expect(page.locator(".passed .words")).to_have_text(f"He flies on Friday {mark}.")
    ivo.do(page.locator(".passed").get_by_role("button", name="Read"))
    expect(page.locator(".passed")).to_have_count(0)
    ivo.palette("profile", "Profile and settings")
    page.wait_for_url("**/account/")
    ivo.to(page.get_by_label("Add a skill"))
    ivo.type(f"bags {mark}")
    ivo.press("Enter")
    expect(page.get_by_label(f"bags {mark}")).to_be_checked()
    ivo.palette("log o", "Log out")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    expect(page.get_by_label("E-mail address")).to_be_focused()

    assert mara.pointed + ivo.pointed == []
