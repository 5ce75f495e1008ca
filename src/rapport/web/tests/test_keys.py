"""The one table of commands, and the keys somebody has for them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import rapport.web
from rapport.lib.errors import Invalid
from rapport.staff.models import User
from rapport.web.keymap import Keymap, choices_from, is_character, label, read_key, spoken
from rapport.web.shortcuts import COMMAND_BY_NAME, COMMANDS
from rapport.web.tests.conftest import Desk

_WEB = Path(rapport.web.__file__).parent


def agent(desk: Desk) -> User:
    return User.objects.get(id=desk.people["agent"].id)


def test_every_command_has_its_action_in_the_script_and_no_two_have_one_key() -> None:
    script = (_WEB / "static/web/js/keys.js").read_text(encoding="utf-8")
    table = script.split("const actions = {", 1)[1].split("\n};", 1)[0]
    assert set(re.findall(r'^  "?([\w-]+)"?[:,]', table, re.M)) == {one.script for one in COMMANDS}
    keys = [one.key for one in COMMANDS if one.key]
    assert len(set(keys)) == len(keys)
    assert len(COMMAND_BY_NAME) == len(COMMANDS)


def test_every_control_that_shows_a_key_names_a_command() -> None:
    named = {
        name
        for template in (_WEB / "templates").rglob("*.html")
        for name in re.findall(r"{% keyed ['\"]([\w-]+)['\"]", template.read_text(encoding="utf-8"))
    }
    assert named
    assert named <= set(COMMAND_BY_NAME)


def test_usual_keys_can_be_typed_again_as_they_are_shown() -> None:
    for one in COMMANDS:
        if not one.fixed:
            assert read_key(label(one.key)) == one.key
            assert read_key(one.key) == one.key


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("", ""), ("  ", ""), ("q", "q"), ("Q", "Q"), ("shift+q", "Q"), ("⇧ q", "Q"), ("+", "+"), ("ž", "ž"), ("ก", "ก"),
        ("ctrl+k", "Control+k"), ("Strg B", "Control+b"), ("⌘ e", "Control+e"), ("Ctrl Shift y", None),
        ("alt+3", "Alt+3"), ("Option q", "Alt+q"), ("Ctrl+Shift+e", "Control+Shift+e"), ("Ctrl  .", "Control+."),
        ("Ctrl", None), ("⇧", None), ("Ctrl+Shift", None), ("Ctrl+c", None), ("ctrl w", None), ("Ctrl++", None),
        ("Alt+d", None), ("Alt+ž", None), ("Ctrl+Alt+q", None), ("ab", None), ("Tab", None), ("F5", None),
        ("Enter", None), ("Shift+7", None), ("x" * 25, None), ("\u200b", None),
    ],
)  # fmt: skip
def test_what_is_a_key(typed: str, key: str | None) -> None:
    if key is None:
        with pytest.raises(Invalid) as refused:
            read_key(typed)
        assert str(refused.value)
    else:
        assert read_key(typed) == key
        assert read_key(label(key)) == key


def test_a_key_is_said_to_screen_readers_as_their_rules_have_it() -> None:
    assert [spoken(key) for key in ("a", "X", "+", "Control+k", "Control+Shift+e")] == [
        "a", "Shift+X", "Plus", "Control+K", "Control+Shift+E",
    ]  # fmt: skip


def test_a_changed_key_is_kept_shown_and_works_in_place_of_the_usual_one(desk: Desk) -> None:
    client = desk.client()
    answer = client.post("/keys/", {"key-assign": "q", "key-letter": "", "key-palette": "Ctrl+e"})
    assert answer.status_code == 302
    assert agent(desk).keys == {
        "off": False,
        "keys": {"assign": "q", "letter": "", "palette": "Control+e"},
    }
    page = client.get(desk.url()).content.decode()
    assert 'title="Assign (q)" aria-keyshortcuts="q"' in page
    assert 'title="Commands (Ctrl e)" aria-keyshortcuts="Control+E"' in page
    assert re.search(r'data-command-row="assign"[^>]*data-key="q"', page)
    assert not re.search(r'data-command-row="letter"[^>]*data-key=', page)
    assert not re.search(r'data-key="a"', page)
    # The next one to look has the usual ones.
    assert 'title="Assign (a)"' in desk.client("lead").get(desk.url()).content.decode()
    assert client.post("/keys/", {"do": "reset", "key-assign": "z"}).status_code == 302
    assert agent(desk).keys == {}


def test_keys_of_one_character_can_be_switched_off(desk: Desk) -> None:
    client = desk.client()
    fields = {f"key-{one.name}": label(one.key) for one in COMMANDS if not one.fixed}
    assert client.post("/keys/", {**fields, "off": "1"}).status_code == 302
    assert agent(desk).keys == {"off": True, "keys": {}}
    page = client.get(desk.url()).content.decode()
    left = set(re.findall(r'data-key="([^"]+)"', page))
    assert left == {"Control+a", "Control+k", "Control+Enter", "Control+Shift+Enter", "Enter", "Escape"}
    assert 'title="Assign"' in page
    assert 'aria-keyshortcuts="a"' not in page
    # What they were is not forgotten.
    assert client.post("/keys/", fields).status_code == 302
    assert 'title="Assign (a)"' in client.get(desk.url()).content.decode()


def test_two_commands_with_one_key_are_refused_in_words_and_what_was_typed_stays(desk: Desk) -> None:
    client = desk.client()
    answer = client.post("/keys/", {"key-assign": "t", "key-close": "w"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "“t” would be for “Assign the case” and for “Add a tag”." in page
    assert 'name="key-close" value="w"' in page
    assert agent(desk).keys == {}
    answer = client.post("/keys/", {"key-assign": "Ctrl+w"})
    assert "“Assign the case”: “Ctrl+w” belongs to the browser." in answer.content.decode()
    # Two may change places.
    assert client.post("/keys/", {"key-assign": "t", "key-tag": "a"}).status_code == 302


def test_fixed_keys_stay_and_nobody_else_gets_them(desk: Desk) -> None:
    client = desk.client()
    assert client.post("/keys/", {"key-leave": "q"}).status_code == 302
    assert agent(desk).keys == {}
    assert client.post("/keys/", {"key-assign": "Escape"}).status_code == 422


def test_a_usual_key_of_a_newer_version_does_not_take_away_ones_own() -> None:
    keymap = Keymap({"off": False, "keys": {"assign": "r", "gone": "y", "leave": "q"}})
    assert keymap.key("assign") == "r"
    assert keymap.key("reply") == ""
    assert keymap.key("leave") == "Escape"
    broken_ones: list[dict[str, object]] = [{}, {"keys": None}, {"keys": []}, {"off": "yes"}]
    for broken in broken_ones:
        assert Keymap(broken).key("assign") == "a"


def test_choices_that_change_nothing_are_not_kept() -> None:
    usual = Keymap({})
    assert choices_from({}, off=False, before=usual) == {}
    assert choices_from({"assign": " A "}, off=False, before=usual) == {"off": False, "keys": {"assign": "A"}}
    assert [one.name for one in COMMANDS if one.key and not is_character(one.key) and not one.fixed] == [
        "all", "palette",
    ]  # fmt: skip
