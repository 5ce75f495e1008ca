"""Who a text speaks to, and how long it is, as servers see it. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

import regex

# Mastodon's own reading of a mention: docs.joinmastodon.org/user/posting/#mentions, app/models/account.rb.
_MENTION = re.compile(r"(?<![=/\w])@([a-z0-9_]+(?:[.-]+[a-z0-9_]+)*)(@[\w.-]+\w)?", re.IGNORECASE)
_LINK = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_LINK_TAIL = ".,:;!?'\")]}»…"
LINK_LENGTH = 23


def countable(text: str, *, link_length: int = LINK_LENGTH) -> int:
    """Length as Mastodon counts it: what people see as one character is one, every link counts the same,
    and a mention counts without its server (docs.joinmastodon.org/user/posting/#text)."""

    def as_link(found: re.Match[str]) -> str:
        tail = len(found[0]) - len(found[0].rstrip(_LINK_TAIL))
        return "x" * link_length + found[0][len(found[0]) - tail :]

    text = _MENTION.sub(lambda found: f"@{found[1]}", _LINK.sub(as_link, text))
    return len(regex.findall(r"\X", text))


def mentioned(text: str) -> set[str]:
    """Handles that a text speaks to, without the first ``@``, in lower case."""
    text = _LINK.sub(" ", text)
    return {(found[1] + (found[2] or "")).lower() for found in _MENTION.finditer(text)}


def addressed(text: str, handles: Iterable[str], *, domain: str) -> str:
    """``text`` with every one of ``handles`` mentioned, in front where it is not: on this network nobody hears
    of a reply that does not name them. ``domain``: of our own server, whose people need no ``@server``."""
    there = {_full(handle, domain) for handle in mentioned(text)}
    missing = [
        handle for handle in dict.fromkeys(handles) if handle and _full(handle.lower(), domain) not in there
    ]
    if not missing:
        return text
    return " ".join([*(f"@{handle}" for handle in missing), text]).strip()


def without_leading_mentions(text: str) -> str:
    """``text`` without the handles in front of it."""
    while found := _MENTION.match(text := text.lstrip()):
        text = text[found.end() :]
    return text


def _full(handle: str, domain: str) -> str:
    return handle if "@" in handle or not domain else f"{handle}@{domain.lower()}"


def squashed(text: str) -> str:
    """What stays of a text whatever a server made of it on the way: letters and digits.

    Mentions lose their server and links their scheme; a text without any letters stays as it is, without
    spaces. Two texts with the same result are the same text for :func:`~.find.find_sent`.
    """
    text = unicodedata.normalize("NFKC", text)
    text = _MENTION.sub(lambda found: f"@{found[1]}", text)
    text = re.sub(r"https?://", "", text, flags=re.IGNORECASE).casefold()
    letters = re.sub(r"[\W_]+", "", text)
    return letters or re.sub(r"\s+", "", text)
