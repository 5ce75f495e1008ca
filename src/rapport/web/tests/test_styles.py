"""What every style sheet of ours keeps to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import rapport

_SHEETS = sorted(Path(rapport.__file__).parent.rglob("static/**/*.css"))
# Sides by reading direction instead: inset-inline-start, margin-inline-end, text-align: start. A top or a
# bottom is the same in every script that we show.
_SIDED = re.compile(
    r"(?<![\w-])(?:(?:margin|padding|border|scroll-margin|scroll-padding)-)?(?:left|right)(?:-[a-z]+)?\s*:"
    r"|border-(?:top|bottom)-(?:left|right)-radius"
    r"|(?:text-align|float|clear)\s*:\s*(?:left|right)\b"
)
_SHORT = re.compile(r"(?<![\w-])(margin|padding|inset|border-radius)\s*:\s*([^;}]+)")


def _uneven(name: str, value: str) -> bool:
    """Whether it says something else for the left than for the right."""
    bare = re.sub(r"\((?:[^()]|\([^()]*\))*\)", lambda one: "".join(one.group().split()), value)
    values = bare.split("/")[0].replace("!important", "").split()
    if len(values) != 4:
        return False
    if name == "border-radius":
        return values[0] != values[1] or values[2] != values[3]
    return values[1] != values[3]


@pytest.mark.parametrize("sheet", _SHEETS, ids=lambda sheet: sheet.name)
def test_sides_are_by_reading_direction(sheet: Path) -> None:
    text = re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.S)
    assert [found.group() for found in _SIDED.finditer(text)] == []
    uneven = [found.group() for found in _SHORT.finditer(text) if _uneven(found.group(1), found.group(2))]
    assert uneven == []


def test_there_are_sheets_to_look_at() -> None:
    assert len(_SHEETS) > 5
