"""The desk in a real browser, on a real instance: what only a browser can show."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Instance, Opener

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def _open(page: Page, words: str) -> None:
    page.mouse.move(900, 300)  # a list that somebody points at waits with what is new
    page.locator("#rows li", has_text=words).first.locator("a").click()
    page.mouse.move(900, 300)
    expect(page.locator(".thread .words", has_text=words).first).to_be_visible()


def test_a_post_arrives_by_itself_is_answered_and_the_customer_answers_back(
    instance: Instance, open_desk: Opener, keep: Callable[[Page, str], None]
) -> None:
    page = open_desk()
    post = instance.post("ana.w", "@aero My bag never arrived in Vienna.")
    expect(page.locator("#rows li", has_text="My bag never arrived")).to_be_visible()
    _open(page, "My bag never arrived")
    page.keyboard.press("r")
    page.keyboard.type("Sorry to hear that, Ana. Which flight was it?")
    expect(page.locator("output.length")).to_have_text("49 / 500")  # with " ^MK"
    keep(page, "desk-typing")
    page.get_by_role("button", name="Send publicly as @aero").click()
    expect(page.locator(".entry.pending.queued")).to_contain_text("Undo")
    expect(page.locator(".reply-form textarea")).to_have_value("")
    keep(page, "desk-queued")
    expect(page.locator(".entry.pending")).to_have_count(0)
    expect(page.locator(".entry.own .words", has_text="Which flight was it? ^MK")).to_have_count(1)
    answers = [one for one in instance.thread("ana.w", post["id"]) if "Which flight" in one["text"]]
    assert len(answers) == 1
    page.locator(".reply-form textarea").fill("Half of the next ans")
    page.locator(".reply-form textarea").press("End")
    instance.post("ana.w", "@aero It was AA 417, yesterday.", in_reply_to=answers[0]["id"])
    expect(page.locator(".thread .words", has_text="It was AA 417")).to_be_visible()
    # What somebody types, and where they type, survives what arrives.
    page.keyboard.type("wer")
    expect(page.locator(".reply-form textarea")).to_have_value("Half of the next answer")
    keep(page, "desk-answered-back")


def test_undo_takes_a_reply_back_and_its_words_return(instance: Instance, open_desk: Opener) -> None:
    page = open_desk()
    post = instance.post("joe_k", "@aero Do you fly to Oslo?")
    _open(page, "Do you fly to Oslo?")
    page.keyboard.press("r")
    page.keyboard.type("No, we dont.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".entry.pending.queued")).to_be_visible()
    page.locator("#thread").focus()
    page.keyboard.press("u")
    expect(page.locator("#toasts")).to_contain_text("Nothing was sent")
    expect(page.locator(".reply-form textarea")).to_have_value("No, we dont.")
    expect(page.locator(".entry.pending")).to_have_count(0)
    assert len(instance.thread("joe_k", post["id"])) == 1


def test_a_draft_outlives_a_reload_and_a_walk_to_another_case(instance: Instance, open_desk: Opener) -> None:
    page = open_desk()
    instance.post("ana.w", "@aero Draft one?")
    instance.post("joe_k", "@aero Draft two?")
    _open(page, "Draft one?")
    page.keyboard.press("r")
    page.keyboard.type("An answer to one")
    _open(page, "Draft two?")
    expect(page.locator(".reply-form textarea")).to_have_value("")
    page.go_back()
    expect(page.locator(".thread .words", has_text="Draft one?").first).to_be_visible()
    expect(page.locator(".reply-form textarea")).to_have_value("An answer to one")
    page.reload()
    expect(page.locator(".reply-form textarea")).to_have_value("An answer to one")


def test_new_cases_wait_behind_a_chip_while_somebody_points_at_the_list(
    instance: Instance, open_desk: Opener
) -> None:
    page = open_desk()
    instance.post("joe_k", "@aero The first to be pointed at")
    row = page.locator("#rows li", has_text="The first to be pointed at")
    expect(row).to_be_visible()
    row.hover()
    before = row.bounding_box()
    instance.post("somchai", "@aero กระเป๋าของฉันอยู่ที่ไหน")
    chip = page.locator("#new-chip")
    expect(chip).to_be_visible()
    assert row.bounding_box() == before
    expect(page.locator("#rows li", has_text="กระเป๋าของฉันอยู่ที่ไหน")).to_have_count(0)
    page.keyboard.press(".")
    expect(page.locator("#rows li").first).to_contain_text("กระเป๋าของฉันอยู่ที่ไหน")
    expect(chip).to_be_hidden()


def test_two_colleagues_do_not_both_answer_the_same_words(instance: Instance, open_desk: Opener) -> None:
    mara, ivo = open_desk(), open_desk("ivo@example.com")
    instance.post("ana.w", "@aero Who of you answers me?")
    _open(mara, "Who of you answers me?")
    _open(ivo, "Who of you answers me?")
    # Ivo's screen hears and says nothing, as on a bad train connection; his send arrives all the same.
    for address in ("**/live/**", "**/looking/"):
        ivo.route(address, lambda route: route.abort())
    ivo.reload()
    mara.locator(".reply-form textarea").fill("Mara here.")
    ivo.locator(".reply-form textarea").fill("Ivo here.")
    mara.get_by_role("button", name="Send publicly as @aero").click()
    expect(mara.locator(".entry.pending, .entry.own")).not_to_have_count(0)
    ivo.get_by_role("button", name="Send publicly as @aero").click()
    expect(ivo.locator("#reply-error")).to_contain_text("Something is new since you began")
    expect(ivo.locator(".is-news")).to_contain_text("Mara Kovač answered: “Mara here.")
    expect(ivo.locator(".reply-form textarea")).to_have_value("Ivo here.")
    ivo.locator(".is-news").get_by_role("link", name="Show").click()
    expect(ivo.locator(".entry.pending, .entry.own", has_text="Mara here.")).to_be_visible()
    expect(ivo.locator(".reply-form textarea")).to_have_value("Ivo here.")


def test_work_on_a_case_by_keyboard_alone(instance: Instance, open_desk: Opener) -> None:
    page = open_desk()
    instance.post("joe_k", "@aero All by keyboard please")
    expect(page.locator("#rows li", has_text="All by keyboard please")).to_be_visible()
    wanted = page.locator("#rows li", has=page.locator("a:focus"), has_text="All by keyboard please")
    for _row in range(20):  # a reply of an earlier test may leave at this moment and stand above it
        page.keyboard.press("j")
        if wanted.count():
            break
    page.keyboard.press("Enter")
    expect(page.locator(".thread .words", has_text="All by keyboard please").first).to_be_visible()
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("The case is yours.")
    page.keyboard.press("n")
    page.keyboard.type("He is a regular.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".entry.note", has_text="He is a regular.")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    expect(page.locator("#menu-close")).to_have_attribute("open", "")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("Closed: no reply needed.")
    page.keyboard.press("u")
    expect(page.locator("#toasts")).to_contain_text("Reopened.")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()


def test_after_a_lost_connection_nothing_is_missing(instance: Instance, open_desk: Opener) -> None:
    page = open_desk()
    expect(page.locator("#views")).to_be_visible()
    page.context.set_offline(True)
    page.evaluate("document.dispatchEvent(new Event('offline'))")
    instance.post("ana.w", "@aero Written while you were away")
    page.context.set_offline(False)
    expect(page.locator("#rows li", has_text="Written while you were away")).to_be_visible()


def test_on_a_phone_there_is_one_pane_at_a_time_and_back_works(
    instance: Instance, open_desk: Opener, keep: Callable[[Page, str], None]
) -> None:
    page = open_desk(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    instance.post("somchai", "@aero สวัสดีครับ เที่ยวบินล่าช้าไหม")
    row = page.locator("#rows li", has_text="เที่ยวบินล่าช้าไหม")
    expect(row).to_be_visible()
    keep(page, "phone-list")
    row.locator("a").tap()
    expect(page.locator(".thread .words", has_text="เที่ยวบินล่าช้าไหม").first).to_be_visible()
    expect(page.locator(".list-pane")).to_be_hidden()
    keep(page, "phone-case")
    page.locator(".contact-toggle").tap()
    expect(page.locator("#contact h2")).to_be_in_viewport()
    page.go_back()
    expect(page.locator("#contact h2")).not_to_be_in_viewport()
    page.go_back()
    expect(row).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_it_works_without_script(instance: Instance, open_desk: Opener) -> None:
    page = open_desk(java_script_enabled=False)
    instance.post("joe_k", "@aero Do you hear me without script?")
    for _try in range(20):
        if page.locator("#rows li", has_text="without script").count():
            break
        page.wait_for_timeout(500)
        page.reload()
    page.locator("#rows li", has_text="without script").locator("a").click()
    page.locator(".reply-form textarea").fill("Loud and clear.")
    page.get_by_role("button", name="Send publicly as @aero").click()
    expect(page.locator(".entry.own", has_text="Loud and clear.")).to_be_visible()


def test_every_page_fits_every_width(open_desk: Opener, keep: Callable[[Page, str], None]) -> None:
    page = open_desk()
    for path in ("/figures/", "/channels/", "/account/", "/keys/", "/parked/", "/desk/closed/"):
        page.goto(path)
        for width in (360, 768, 1440):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
        keep(page, f"page-{path.strip('/').replace('/', '-')}")
