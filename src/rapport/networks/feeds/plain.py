"""HTML from a feed as the text people read: links keep their addresses, blocks their lines."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import nh3

# Longer bodies are cut here before they are read: a message has room for 100,000 characters, and for character
# references the sanitiser takes a time that grows with the square of their number (100,000: half a second).
MAX_HTML = 200_000
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "br", "dd", "details", "div", "dl", "dt", "figcaption",
    "figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre",
    "section", "summary", "table", "td", "th", "tr", "ul",
})  # fmt: skip
_APART = frozenset(
    {
        "article",
        "blockquote",
        "div",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "ul",
    }
)
_TAGS = _BLOCKS | {"a", "img", "b", "i", "em", "strong", "span", "code", "q"}
_ATTRIBUTES = {"a": {"href"}, "img": {"src", "alt", "width", "height"}}
_SPACES = re.compile(r"[ \t\r\f\v\xa0]+")


class _Reader(HTMLParser):
    def __init__(self, base: str) -> None:
        super().__init__(convert_charrefs=True)
        self._base = base
        self.parts: list[str] = []
        self.images: list[tuple[str, str]] = []
        self._links: list[tuple[str, int]] = []
        self._pre = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in _BLOCKS:
            self.parts.append("\n\n" if tag in _APART else "\n")
        if tag == "li":
            self.parts.append("- ")
        elif tag == "pre":
            self._pre += 1
        elif tag == "a":
            self._links.append((absolute(given.get("href") or "", self._base), len(self.parts)))
        elif tag == "img":
            self._image(given)

    def _image(self, given: dict[str, str | None]) -> None:
        url = absolute(given.get("src") or "", self._base)
        # A picture of one pixel counts readers and shows nothing.
        if url and given.get("width") not in {"0", "1"} and given.get("height") not in {"0", "1"}:
            self.images.append((url, " ".join((given.get("alt") or "").split())))

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._links:
            url, start = self._links.pop()
            label = " ".join("".join(self.parts[start:]).split())
            # A link to an anchor or one that is its own label says nothing more.
            if url and label and _bare(url) != _bare(label):
                self.parts.append(f" ({url})")
            elif url and not label and not self.images:
                self.parts.append(url)
        elif tag == "pre":
            self._pre = max(0, self._pre - 1)
        if tag in _APART:
            self.parts.append("\n\n")

    def handle_data(self, data: str) -> None:
        self.parts.append(data if self._pre else data.replace("\n", " "))


def plain(html: str, *, base: str = "") -> tuple[str, list[tuple[str, str]]]:
    """``(text, [(address, alt)])`` of a piece of HTML and the pictures in it; relative addresses join ``base``.

    Scripts, styles and everything that is not text are left out. Never fails.
    """
    # The sanitiser reads in linear time and answers with balanced tags, whatever it is given.
    clean = sanitised(html[:MAX_HTML], _ATTRIBUTES, also=_TAGS)
    reader = _Reader(base)
    reader.feed(clean)
    reader.close()
    return tidy("".join(reader.parts)), reader.images


def sanitised(html: str, attributes: Mapping[str, set[str]], *, also: Collection[str] = ()) -> str:
    """Sound markup of the elements in ``attributes`` and ``also``, whatever is given."""
    return nh3.clean(html, tags={*attributes, *also}, attributes=dict(attributes), link_rel=None)


def tidy(text: str) -> str:
    """Text without runs of spaces and of empty lines."""
    lines = [_SPACES.sub(" ", line).strip() for line in text.splitlines()]
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip()


def absolute(url: str, base: str) -> str:
    """``url`` as a whole web address, "" when it is none (such as ``javascript:`` or an anchor)."""
    url = "".join(url.split()) if "\n" in url or "\t" in url else url.strip()
    if not url or url.startswith("#"):
        return ""
    try:
        whole = urljoin(base, url) if base else url
        parts = urlsplit(whole)
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not parts.hostname or len(whole) > 2000:
        return ""
    return whole


def _bare(value: str) -> str:
    return re.sub(r"^https?://(www\.)?", "", value.strip().lower()).rstrip("/")
