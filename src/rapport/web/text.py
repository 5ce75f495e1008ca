"""Words written by strangers, made safe to show."""

from __future__ import annotations

import re

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language_info

# Only what is plainly an address: a scheme people expect, then anything that is not space or a bracket.
_ADDRESS = re.compile(
    r"https?://[^\s<>\"'`{}|\\^\u0000-\u0020\u00a0\u2000-\u200f\u2028-\u202e\u2060-\u206f]{1,2000}", re.I
)
_TRAILING = ".,;:!?…'\"*_~]"
_LANG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_BIDI = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])


def linked(text: str) -> SafeString:
    """``text`` escaped, with its http addresses as links that open in a new tab and pass nothing on.

    The rest stays plain; line breaks are kept by the style sheet. Nothing from ``text`` reaches the
    page unescaped.
    """
    parts: list[str] = []
    end = 0
    for match in _ADDRESS.finditer(text):
        address = _trimmed(match.group())
        if len(address) <= len("https://"):
            continue
        parts.append(escape(text[end : match.start()]))
        safe = escape(address)
        parts.append(
            f'<a href="{safe}" target="_blank" rel="noopener noreferrer nofollow ugc"><bdi>{safe}</bdi></a>'
        )
        end = match.start() + len(address)
    parts.append(escape(text[end:]))
    return mark_safe("".join(parts))  # noqa: S308 - every part was escaped above


def _trimmed(address: str) -> str:
    # A sentence's full stop is not part of the address, nor is a bracket that was opened before it.
    while True:
        shorter = address.rstrip(_TRAILING)
        if shorter.endswith(")") and shorter.count(")") > shorter.count("("):
            shorter = shorter[:-1]
        if shorter == address:
            return address
        address = shorter


def lang_attribute(lang: str) -> str:
    """``lang`` if it is shaped like a language tag, else ""; networks send anything here."""
    return lang if _LANG.fullmatch(lang) else ""


def plain_name(name: str) -> str:
    """A name without the characters that would turn the direction of the words around it."""
    return name.translate(_BIDI).strip()


def initials(name: str) -> str:
    """One or two letters that stand for a name, for an avatar without a picture."""
    words = [
        word for word in re.split(r"[\s._-]+", plain_name(name).lstrip("@#")) if word and word[0].isalnum()
    ]
    if not words:
        return "?"
    letters = words[0][0] + (words[-1][0] if len(words) > 1 else "")
    return letters.upper()


def language_name(code: str) -> str:
    """A language in the reader's words; its code where nobody knows it."""
    try:
        return str(get_language_info(code)["name_translated"])
    except KeyError:
        return code
