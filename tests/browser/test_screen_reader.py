"""What a screen reader is given: the tree of names, roles and states, what it is told of, and a walk with Tab."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Instance, Opener

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
_PAGES = (
    "/figures/",
    "/people/",
    "/account/",
    "/account/notices/",
    "/notices/",
    "/replies/",
    "/channels/",
    "/keys/",
)
_LANDMARKS = ("banner", "complementary", "contentinfo", "form", "main", "navigation", "region", "search")
_NAMED = "button|checkbox|combobox|dialog|link|listbox|radio|searchbox|slider|switch|tab|textbox"
# What changes within a live region that was there before, and what comes in as an alert.
_LISTEN = """(() => {
  window.heard = [];
  const words = new WeakMap();
  const live = "[aria-live]:not([aria-live=off]), [role=status], [role=log], [role=alert], output";
  const told = (region) => region.textContent.replace(/\\s+/g, " ").trim();
  const listen = () => {
    for (const region of document.querySelectorAll(live)) {
      const now = told(region);
      const heard = words.has(region) || region.matches("[role=alert]");
      if (heard && now && now !== words.get(region) && region.checkVisibility()) window.heard.push(now);
      words.set(region, now);
    }
  };
  addEventListener("DOMContentLoaded", () => {
    for (const region of document.querySelectorAll(live)) words.set(region, told(region));
    new MutationObserver(listen).observe(document.body, {childList: true, characterData: true, subtree: true, attributes: true});
  });
})()"""
# Where Tab is to stop, in the order of the page. Of radio buttons of one name one is a stop.
_STOPS = """() => {
  window.stops = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")].filter((one) =>
    one.tabIndex >= 0 && !one.matches(":disabled") && one.type !== "hidden" && one.checkVisibility({visibilityProperty: true}) &&
    !(one.type === "radio" && !one.checked && document.querySelector(`input[type=radio][name="${one.name}"]:checked`)));
  return window.stops.length;
}"""
_HERE = """() => {
  const one = document.activeElement;
  const box = one.getBoundingClientRect();
  // A box or a file's field without a look of its own shows its focus on what it belongs to.
  const shows = [one, one.closest("label, .bubble, .entry, fieldset")].some((it) => it && getComputedStyle(it).outlineStyle !== "none");
  const inside = box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
  return {at: window.stops.indexOf(one), body: one === document.body, seen: shows && inside, what: one.outerHTML.slice(0, 120)};
}"""


@pytest.fixture
def mark() -> str:
    return uuid4().hex[:6]


def _open(page: Page, words: str) -> None:
    row = page.locator("#rows li", has_text=words).first
    row.locator("a").press("Enter")
    expect(page.locator(".thread .words", has_text=words).first).to_be_visible()


def _tree(page: Page, part: str = "body") -> str:
    return page.locator(part).first.aria_snapshot()


def _lines(tree: str, roles: str) -> Iterator[tuple[str, str]]:
    """Role and the rest of its line, of everything in the tree that has one of ``roles``."""
    for found in re.finditer(rf"^ *- '?({roles})\b(.*)$", tree, re.MULTILINE):
        yield found[1], found[2].strip()


def _faults(page: Page) -> list[str]:
    """What of the page's tree would make it hard to find one's way."""
    tree = _tree(page)
    levels = [int(found) for found in re.findall(r"- '?heading .*\[level=(\d)\]", tree)]
    landmarks = [
        f"{role} {rest.split('[')[0].rstrip(':')}" for role, rest in _lines(tree, "|".join(_LANDMARKS))
    ]
    faults = [f"without a name: {role}" for role, rest in _lines(tree, _NAMED) if not rest.startswith('"')]
    if levels.count(1) != 1:
        faults.append(f"headings of level 1: {levels.count(1)}")
    own = levels[levels.index(1) :] if 1 in levels else []
    faults += [
        f"a heading of level {after} below one of {before}"
        for before, after in pairwise(own)
        if after > before + 1
    ]
    if sum(one.startswith("main") for one in landmarks) != 1:
        faults.append("not one main part")
    faults += [f"two parts are called {one}" for one in set(landmarks) if landmarks.count(one) > 1]
    return [f"{page.url}: {fault}" for fault in faults]


def test_every_page_has_one_way_to_find_ones_way(open_desk: Opener) -> None:
    page = open_desk()
    faults = _faults(page)
    for path in _PAGES:
        page.goto(path)
        faults += _faults(page)
    assert faults == []


def test_list_thread_and_composer_say_what_they_are(instance: Instance, open_desk: Opener, mark: str) -> None:
    instance.post("ana.w", f"@aero A tree of words {mark}")
    page = open_desk(path=f"/desk/all/?q={mark}")
    expect(page.locator("#rows li.row")).to_have_count(1)
    expect(page.locator(".list-pane")).to_match_aria_snapshot(
        """
        - region "Cases":
          - search:
            - combobox "Search people and words"
          - navigation "Lists":
            - link /Open/
          - list "Open":
            - listitem:
              - checkbox "Pick the case of Ana Weber"
              - link /Ana Weber .*Waits for/
        """
    )
    _open(page, mark)
    expect(page.locator("#case")).to_match_aria_snapshot(
        """
        - main:
          - heading "Ana Weber" [level=1]
          - button "Follow this case"
          - region "Messages":
            - list:
              - listitem:
                - article: /A tree of words/
          - region "Answer or note":
            - radio "Reply" [checked]
            - radio "Note"
            - group "Writing aids":
              - button "Saved replies"
              - button "Emoji"
            - textbox "Your reply"
            - group "Who can read it":
              - radio "Public" [checked]
              - radio "Private"
            - button "Send publicly as @aero"
        - complementary "About the customer and the case":
          - heading "Ana Weber" [level=2]
          - heading "What we know" [level=3]
        """
    )
    assert page.locator("#rows a[aria-current]").get_attribute("aria-current") == "true"
    assert _faults(page) == []


def test_dialogs_and_lists_of_choices_say_what_is_chosen(
    instance: Instance, open_desk: Opener, mark: str
) -> None:
    instance.post("joe_k", f"@aero A dialog {mark}")
    page = open_desk(path=f"/desk/all/?q={mark}")
    _open(page, mark)
    page.keyboard.press("Control+k")
    expect(page.locator('#palette [data-id="figures"]')).to_have_count(1)
    page.keyboard.type("assign the")
    expect(page.locator("body")).to_match_aria_snapshot(
        """
        - dialog "Commands":
          - combobox "Command, page, case or colleague" [expanded]
          - button "Close this"
          - listbox "Commands":
            - group "What can be done here":
              - option /Assign the case/ [selected]
        """
    )
    expect(page.locator("#palette [role=status]")).to_have_text(re.compile(r"^\d+ found$"))
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("body")).to_match_aria_snapshot(
        """
        - dialog "Keys":
          - heading "Keys" [level=2]
          - button "Close this"
          - table "In a case"
        """
    )
    expect(page.locator("#keys").get_by_role("button", name="Close this")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("is:")
    expect(page.locator("#completions [role=option]").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".list-pane")).to_match_aria_snapshot(
        """
        - search:
          - combobox "Search people and words" [expanded]: /^is:$/
          - listbox "What could come next":
            - option [selected]
        """
    )


def test_settings_and_notices_have_their_parts(open_desk: Opener) -> None:
    page = open_desk(path="/account/")
    expect(page.locator("main")).to_match_aria_snapshot(
        """
        - main:
          - heading "Mara Kovač" [level=1]
          - heading "Profile" [level=2]
          - textbox "Name": Mara Kovač
          - textbox "Initials"
          - group "Languages you answer in"
          - group "Skills"
          - heading "Availability" [level=2]
          - combobox "Away until"
          - heading "Language and look" [level=2]
          - combobox "Language"
          - heading "Change the password" [level=2]
        """
    )
    page.goto("/account/notices/")
    expect(page.locator("main").get_by_role("checkbox").first).to_be_visible()
    page.goto("/notices/")
    expect(page.locator("main")).to_match_aria_snapshot(
        """
        - main:
          - heading "Notifications" [level=1]
          - navigation "Notifications":
            - link "Unread"
            - link "All"
        """
    )
    expect(page.get_by_role("link", name="Unread", exact=True)).to_have_attribute("aria-current", "page")


def _hears(page: Page, words: str) -> None:
    page.wait_for_function("(words) => window.heard.some((one) => one.includes(words))", arg=words)


def test_what_arrives_is_sent_or_fails_is_said(instance: Instance, open_desk: Opener, mark: str) -> None:
    page = open_desk(path="/figures/")
    page.add_init_script(_LISTEN)
    post = instance.post("joe_k", f"@aero Speak to me {mark}")
    page.goto("/desk/all/")
    _open(page, f"Speak to me {mark}")
    instance.post("ana.w", f"@aero Somebody else {mark}")
    page.wait_for_function("() => window.heard.some((one) => /new cases? in the list/.test(one))")
    page.keyboard.press("r")
    page.keyboard.type("I speak.")
    page.keyboard.press("Control+Enter")
    _hears(page, "Mara Kovač: Leaves in")
    _hears(page, "Mara Kovač: sent")
    instance.post("joe_k", f"@aero I hear you {mark}", in_reply_to=post["id"])
    _hears(page, "New message from Joe King")
    # The customer takes their words back while the answer to them waits to leave.
    instance.post("somchai", f"@aero Soon gone {mark}")
    gone = instance.post("somchai", f"@aero Gone {mark}")
    page.goto(f"/desk/all/?q={mark}")
    _open(page, f"@aero Gone {mark}")
    page.keyboard.press("r")
    page.keyboard.type("Too late.")
    page.keyboard.press("Control+Enter")
    _hears(page, "Mara Kovač: Leaves in")
    httpx.delete(
        f"{instance.url}/practice/api/v1/posts/{gone['id']}",
        headers={"Authorization": f"Bearer {instance.tokens['somchai']}"},
        trust_env=False,
    ).raise_for_status()
    _hears(page, "Mara Kovač: Not sent: ")


def test_tab_reaches_all_of_a_case_in_its_order_and_leads_out(
    instance: Instance, open_desk: Opener, mark: str
) -> None:
    post = instance.post("ana.w", f"@aero Walk with me {mark}")
    instance.post("ana.w", f"@aero And further {mark} https://example.com/", in_reply_to=post["id"])
    page = open_desk(path=f"/desk/all/?q={mark}")
    expect(page.locator("#rows li.row")).to_have_count(1)
    _open(page, mark)
    page.goto(page.url)  # the walk begins at the top
    expect(page.locator(".thread .words", has_text="And further")).to_be_visible()
    number = page.evaluate(_STOPS)
    walked: list[int] = []
    unseen: list[str] = []
    for _stop in range(number + 20):
        page.keyboard.press("Tab")
        here = page.evaluate(_HERE)
        if here["body"] or (walked and here["at"] == walked[0]):
            break
        walked += [here["at"]]
        unseen += [] if here["seen"] else [here["what"]]
    else:
        raise AssertionError(f"Tab does not lead out of the page: {walked[-20:]}")
    assert [at for at in walked if at >= 0] == list(range(number))
    assert unseen == []
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(_HERE)["at"] == number - 1
