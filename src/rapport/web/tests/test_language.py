"""The catalogues: complete for the desk, compiled, and safe to put into a page."""

import re
from gettext import GNUTranslations
from pathlib import Path

import pytest
from django.test import Client

import rapport
from rapport.web.tests.conftest import Desk

LOCALE = Path(rapport.__file__).parent / "locale"
LANGUAGES = ["es", "hr", "th", "de"]


def _entries(language: str) -> list[dict[str, str]]:
    """Every entry of a catalogue: ``where``, ``flags`` and the strings by their keyword."""
    text = (LOCALE / language / "LC_MESSAGES" / "django.po").read_text(encoding="utf-8")
    found = []
    for block in text.split("\n\n")[1:]:
        entry = {
            "where": " ".join(re.findall(r"^#: (.*)$", block, re.M)),
            "flags": " ".join(re.findall(r"^#, (.*)$", block, re.M)),
        }
        for keyword, lines in re.findall(r"^(msg\S+) ((?:\".*\"\n?)+)", block, re.M):
            written = "".join(re.findall(r'"(.*)"', lines))
            entry[keyword] = re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), written)
        found.append(entry)
    return found


def _translations(entry: dict[str, str]) -> list[str]:
    return [value for key, value in entry.items() if key.startswith("msgstr")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_the_desk_is_translated(language: str) -> None:
    missing = [
        entry["msgid"]
        for entry in _entries(language)
        if "web/" in entry["where"] and (not all(_translations(entry)) or "fuzzy" in entry["flags"])
    ]
    assert missing == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_what_is_filled_in_and_no_quote_that_ends_an_attribute(language: str) -> None:
    holes = re.compile(r"%%?\(\w+\)[sd]|\{\w+\}|</?kbd>")
    for entry in _entries(language):
        plural = entry.get("msgid_plural", entry["msgid"])
        for text in filter(None, _translations(entry)):
            assert set(holes.findall(text)) <= set(holes.findall(plural)), text
            if "msgid_plural" not in entry:
                assert set(holes.findall(text)) == set(holes.findall(entry["msgid"])), text
            # What listening says of a query quotes as queries do, and never stands in an attribute.
            assert '"' not in text or '"' in plural, text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_says_what_the_readable_one_says(language: str) -> None:
    with (LOCALE / language / "LC_MESSAGES" / "django.mo").open("rb") as file:
        compiled = GNUTranslations(file)
    for entry in _entries(language):
        if "msgid_plural" in entry or "fuzzy" in entry["flags"] or not entry["msgstr"]:
            continue
        said = (
            compiled.pgettext(entry["msgctxt"], entry["msgid"])
            if "msgctxt" in entry
            else compiled.gettext(entry["msgid"])
        )
        assert said == entry["msgstr"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", ["/desk/", "/figures/", "/channels/", "/account/", "case"])
def test_every_page_speaks_every_language(desk: Desk, language: str, path: str) -> None:
    client: Client = desk.client()
    client.cookies["django_language"] = language
    page = client.get(desk.url() if path == "case" else path).content.decode()
    assert f'<html lang="{language}"' in page
    assert "Skip to the content" not in page
    # Attributes are still attributes: none was ended by a quotation mark in a translation.
    words = page.split('<template id="words"', 1)[1].split(">", 1)[0]
    assert words.count('="') * 2 == words.count('"')
