"""Every colour on what it stands on, in every look, computed from the style sheet; and choosing a look."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
from django.test import Client

import rapport
from rapport.web.preferences import LOOKS
from rapport.web.tests.conftest import Desk

_STATIC = Path(rapport.__file__).parent / "web" / "static" / "web" / "css"
_TOKENS = re.sub(r"/\*.*?\*/", "", (_STATIC / "tokens.css").read_text(encoding="utf-8"), flags=re.S)

TEXT, EDGE = 4.5, 3.0  # WCAG 2.2: 1.4.3, 1.4.11
_GROUNDS = ("ground", "surface", "raised", "hover", "selected")
# What is written or drawn in one token on a ground of another, and how much they must differ at least.
PAIRS: dict[tuple[str, str], float] = {
    **{(text, ground): TEXT for text in ("text", "muted", "accent", "accent-strong") for ground in _GROUNDS},
    **{
        (state, ground): TEXT
        for state in ("waiting", "overdue", "answered", "private", "note")
        for ground in ("ground", "surface", "raised", "hover", "selected")
    },
    **{
        (text, ground): TEXT
        for text in ("text", "muted", "accent", "overdue", "waiting", "answered", "private", "note")
        for ground in ("own", "private-ground", "note-ground")
    },
    **{(text, ground): TEXT for text in ("text", "muted") for ground in ("waiting-ground", "overdue-ground")},
    ("waiting", "waiting-ground"): TEXT,
    ("overdue", "overdue-ground"): TEXT,
    ("accent", "waiting-ground"): TEXT,
    ("accent", "overdue-ground"): TEXT,
    ("note-strong", "note-ground"): TEXT,
    ("on-accent", "accent"): TEXT,
    ("on-accent", "accent-strong"): TEXT,
    ("on-private", "private"): TEXT,
    ("on-private", "private-strong"): TEXT,
    ("on-note", "note"): TEXT,
    ("on-note", "note-strong"): TEXT,
    ("on-toast", "toast"): TEXT,
    ("on-toast", "toast-bad"): TEXT,
    ("muted", "avatar"): TEXT,
    ("accent-strong", "brand-ground"): TEXT,
    ("text", "selection"): TEXT,
    ("text", "hit"): TEXT,
    **{("edge", ground): EDGE for ground in ("ground", "surface", "raised")},
    **{("accent", ground): EDGE for ground in _GROUNDS},  # where the focus is
}
# High contrast: text as 1.4.6 has it, and every line can be seen.
_MORE_TEXT = 7.0
_MORE_EDGES = {
    **{("line", ground): EDGE for ground in ("ground", "surface", "raised")},
    ("own-line", "ground"): EDGE,
    ("private-line", "ground"): EDGE,
    ("note-line", "ground"): EDGE,
}

Colour = tuple[float, float, float]


def _block(selector: str) -> dict[str, str]:
    body = re.search(re.escape(selector) + r"\s*{([^}]*)}", _TOKENS)
    assert body, selector
    return {
        name: " ".join(value.split()) for name, value in re.findall(r"--([\w-]+):\s*([^;]+);", body.group(1))
    }


def _tokens(*, more: bool) -> dict[str, str]:
    usual = _block(":root")
    return usual | _block(':root[data-contrast="more"]') if more else usual


def _linear(colour: str) -> Colour:
    """``oklch(L C h)`` in linear sRGB, as https://bottosson.github.io/posts/oklab/ has it; what a screen cannot
    show is cut off, as browsers do at least."""
    parts = re.fullmatch(r"oklch\(([^)/]+)\)", colour)
    assert parts, colour
    lightness, chroma, hue = (float(one) for one in parts.group(1).split())
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short
    return _shown(red), _shown(green), _shown(blue)


def _shown(part: float) -> float:
    return min(max(part, 0.0), 1.0)


def _luminance(colour: str) -> float:
    red, green, blue = _linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _ratio(one: str, other: str) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _side(value: str, *, dark: bool) -> str:
    both = re.fullmatch(r"light-dark\((oklch\([^)]*\)), (oklch\([^)]*\))\)", value)
    return both.group(2 if dark else 1) if both else value


def test_the_arithmetic_is_right() -> None:
    assert _ratio("oklch(1 0 0)", "oklch(0 0 0)") == pytest.approx(21, abs=0.01)
    # #767676 on white is the well-known edge of 4.54.
    assert _ratio("oklch(0.5658 0 0)", "oklch(1 0 0)") == pytest.approx(4.54, abs=0.03)
    red = _linear("oklch(0.62796 0.25768 29.234)")
    assert red == pytest.approx((1, 0, 0), abs=0.001)


@pytest.mark.parametrize("more", [False, True], ids=["usual", "high"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_everything_differs_enough_from_what_it_stands_on(dark: bool, more: bool) -> None:
    tokens = _tokens(more=more)
    wanted = PAIRS | _MORE_EDGES if more else PAIRS
    short = {}
    for (front, ground), least in wanted.items():
        if more and least == TEXT:
            least = _MORE_TEXT
        ratio = _ratio(_side(tokens[front], dark=dark), _side(tokens[ground], dark=dark))
        if ratio < least:
            short[f"{front} on {ground}"] = f"{ratio:.2f} < {least}"
    assert short == {}


def test_high_contrast_is_the_same_whoever_asks_for_it() -> None:
    asked = re.search(r"@media \(prefers-contrast: more\)\s*{\s*:root\s*{([^}]*)}", _TOKENS)
    chosen = re.search(r':root\[data-contrast="more"\]\s*{([^}]*)}', _TOKENS)
    assert asked
    assert chosen
    assert asked.group(1).split() == chosen.group(1).split()


def test_colours_are_in_the_tokens_only() -> None:
    found = {
        sheet.name: re.findall(
            r"oklch\([^)]*\)|rgba?\([^)]*\)|hsla?\([^)]*\)|#[0-9a-fA-F]{3,8}\b(?=[\s;,)])", text
        )
        for sheet in sorted(_STATIC.glob("*.css"))
        if sheet.name != "tokens.css"
        and (text := re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.S))
    }
    assert {name: colours for name, colours in found.items() if colours} == {}


def test_a_look_is_chosen_and_said_in_the_page(desk: Desk) -> None:
    client = desk.client()
    usual = client.get("/account/").content.decode().split("<head>")[0]
    assert "data-" not in usual
    chosen = {"theme": "dark", "contrast": "more", "density": "compact"}
    assert client.post("/account/look/", chosen).status_code == 302
    page = client.get("/account/").content.decode()
    for name, value in chosen.items():
        assert f' data-{name}="{value}"' in page.split("<head>")[0]
        assert f'<option value="{value}" selected>' in page
    # What is not named stays, and nonsense changes nothing.
    client.post("/account/look/", {"theme": "", "contrast": "<b>"})
    head = client.get("/account/").content.decode().split("<head>")[0]
    assert "data-theme" not in head
    assert ' data-contrast="more"' in head
    assert ' data-density="compact"' in head


def test_a_cookie_that_somebody_wrote_is_not_believed(desk: Desk) -> None:
    client: Client = desk.client()
    for look in LOOKS:
        client.cookies[look.cookie] = '"><script>'
    assert "data-" not in client.get("/account/").content.decode().split("<head>")[0]
