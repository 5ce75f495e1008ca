"""The HTML that servers send, as the plain text a person reads; links keep their addresses. Pure.

What may be in it: https://docs.joinmastodon.org/spec/activitypub/#sanitization. Other servers send more,
and nothing of it is trusted: it is cleaned first, which also makes it well-formed, so reading takes time in
proportion to its length.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

import nh3

MAX_HTML = 100_000
_BREAKS = {"p": "\n\n", "div": "\n", "blockquote": "\n\n", "ul": "\n", "ol": "\n", "pre": "\n\n"}
_BREAKS |= dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), "\n\n")
_TAGS = {*_BREAKS, "br", "li", "a", "span", "img"}
_ATTRIBUTES = {"a": {"href", "class"}, "span": {"class"}, "p": {"class"}, "img": {"alt"}}


def plain_text(html: str, *, without_quote: bool = False) -> str:
    """``html`` as text. ``without_quote`` leaves out the line that stands for a quoted post
    (``<p class="quote-inline">``), which programs that know quotes do not show."""
    cleaned = nh3.clean(
        html[:MAX_HTML],
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        link_rel=None,
        url_schemes={"http", "https", "mailto"},
    )
    reader = _Reader(without_quote=without_quote)
    reader.feed(cleaned)
    reader.close()
    lines = [line.strip() for line in "".join(reader.parts).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Reader(HTMLParser):
    def __init__(self, *, without_quote: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._without_quote = without_quote
        self._skipping = False
        self._preformatted = False
        # Where the text of the open link begins, its address, and whether it names somebody or a tag.
        self._link: tuple[int, str, bool] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        names = found.get("class", "").split()
        if tag == "p" and self._without_quote and "quote-inline" in names:
            self._skipping = True
        elif tag == "br":
            self._add("\n")
        elif tag == "li":
            self._add("\n- ")
        elif tag == "img":
            self._add(found.get("alt", ""))
        elif tag == "a":
            self._link = (len(self.parts), found.get("href", ""), bool({"mention", "hashtag"} & set(names)))
        elif tag in _BREAKS:
            self._preformatted = self._preformatted or tag == "pre"
            self._add(_BREAKS[tag])

    def handle_endtag(self, tag: str) -> None:
        if tag == "p" and self._skipping:
            self._skipping = False
        elif tag == "a" and self._link is not None:
            self._close_link(*self._link)
            self._link = None
        elif tag in _BREAKS:
            self._preformatted = self._preformatted and tag != "pre"
            self._add(_BREAKS[tag])

    def handle_data(self, data: str) -> None:
        self._add(data if self._preformatted else re.sub(r"\s+", " ", data))

    def _add(self, text: str) -> None:
        if not self._skipping and text:
            self.parts.append(text)

    def _close_link(self, start: int, href: str, names_somebody: bool) -> None:
        """Servers shorten what a link shows, and hide its ends; whoever reads text needs the address."""
        shown = "".join(self.parts[start:]).strip()
        if self._skipping or names_somebody or shown.startswith(("@", "#")) or not href:
            return
        bare = shown.removesuffix("…").removesuffix("...")
        if not shown or bare.casefold() in href.casefold():
            self.parts[start:] = [href]
        else:
            self.parts.append(f" ({href})")
