"""HTML of a mail: as the text somebody reads, and as HTML that is safe to show."""

from __future__ import annotations

import re
from collections import Counter
from html import unescape
from html.parser import HTMLParser

import nh3

MAX_HTML = 400_000
_MAX_SAFE_HTML = 50_000
# The parser takes time by the square of the depth: 80,000 open elements took two minutes. No mail has so many.
_MAX_TAGS = 10_000
_MAX_DEPTH = 400
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]{0,20})", re.IGNORECASE)
_MARKUP = re.compile(r"<[^<>]*>")
# Elements that the next one of their kind closes, or that have no end.
_ENDLESS = frozenset(
    [
        "br",
        "hr",
        "img",
        "meta",
        "link",
        "input",
        "col",
        "p",
        "li",
        "td",
        "th",
        "tr",
        "dt",
        "dd",
        "option",
        "area",
        "base",
        "wbr",
        "source",
    ]
)
_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tr",
        "ul",
        "blockquote",
    ]
)
_PARAGRAPHS = frozenset(["p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "pre"])
_READ_TAGS = {*_BLOCKS, "a", "br", "img", "td", "th", "caption"}
_READ_ATTRIBUTES = {"a": {"href"}, "img": {"alt", "src"}}
_NOT_WORDS = {"script", "style", "title", "head", "template", "noscript", "object", "svg", "math"}
_SAFE_TAGS = {
    *[
        "a",
        "b",
        "blockquote",
        "br",
        "code",
        "div",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "li",
        "ol",
        "p",
        "pre",
        "s",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
    ],
    *["table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul"],
}


def to_text(html: str) -> tuple[str, dict[str, str]]:
    """The words of it, and the alt texts of inline pictures by content id.

    Quotations get ``> `` before their lines; a link's address follows its text. Malformed HTML is put in order
    first, in linear time, by the parser that browsers use.
    """
    html = html[:MAX_HTML]
    if _is_monstrous(html):
        words = unescape(_MARKUP.sub(" ", html))
        return "\n".join(" ".join(line.split()) for line in words.splitlines() if line.strip()), {}
    reader = _Reader()
    reader.feed(
        nh3.clean(
            html,
            tags=_READ_TAGS,
            clean_content_tags=_NOT_WORDS,
            attributes=_READ_ATTRIBUTES,
            link_rel=None,
            url_schemes={"http", "https", "mailto", "tel", "cid"},
        )
    )
    reader.close()
    return reader.text(), reader.alts


def safe(html: str) -> str:
    """The HTML without scripts, styles, forms, pictures and anything else that calls home; "" if it is long."""
    if len(html) > MAX_HTML or _is_monstrous(html):
        return ""
    found = nh3.clean(
        html,
        tags=_SAFE_TAGS,
        clean_content_tags=_NOT_WORDS,
        attributes={"a": {"href"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}},
        link_rel="noopener noreferrer nofollow",
        url_schemes={"http", "https", "mailto", "tel"},
    ).strip()
    return found if len(found) <= _MAX_SAFE_HTML else ""


def _is_monstrous(html: str) -> bool:
    """Whether it has more elements, or deeper ones, than any mail that is meant to be read."""
    tags = _TAG.findall(html)
    if len(tags) > _MAX_TAGS:
        return True
    opened: Counter[str] = Counter()
    depth = 0
    for closing, name in tags:
        tag = name.lower()
        if tag in _ENDLESS:
            continue
        if not closing:
            opened[tag] += 1
            depth += 1
        elif opened[tag]:
            opened[tag] -= 1
            depth -= 1
        if depth > _MAX_DEPTH:
            return True
    return False


class _Reader(HTMLParser):
    """Reads HTML that is in order. ``lines`` has (depth of quotation, text)."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.alts: dict[str, str] = {}
        self._lines: list[tuple[int, list[str]]] = [(0, [])]
        self._depth = 0
        self._pre = 0
        self._links: list[tuple[str, int, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in _BLOCKS:
            self._break(paragraph=tag in _PARAGRAPHS)
        if tag == "blockquote":
            self._depth += 1
            self._lines.append((self._depth, []))
        elif tag == "br":
            self._lines.append((self._depth, []))
        elif tag == "pre":
            self._pre += 1
        elif tag == "li":
            self._add("- ")
        elif tag in {"td", "th"} and self._has_words():
            self._add(" ")
        elif tag == "a":
            self._links.append((given.get("href", ""), len(self._lines), len(self._lines[-1][1])))
        elif tag == "img":
            source, alt = given.get("src", ""), given.get("alt", "").strip()
            if source.startswith("cid:") and alt and len(self.alts) < 200:
                self.alts.setdefault(source[4:].strip("<> "), alt[:1000])

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._links:
            self._end_link()
        if tag == "pre":
            self._pre = max(0, self._pre - 1)
        if tag in _BLOCKS:
            self._break(paragraph=tag in _PARAGRAPHS)
        if tag == "blockquote":
            self._depth = max(0, self._depth - 1)
            self._lines.append((self._depth, []))

    def handle_data(self, data: str) -> None:
        if self._pre:
            first, *more = data.split("\n")
            self._add(first)
            for line in more:
                self._lines.append((self._depth, [line]))
            return
        words = " ".join(data.split())
        if not words:
            words = " " if data and self._has_words() else ""
        else:
            words = (" " if data[0].isspace() else "") + words + (" " if data[-1].isspace() else "")
        if words:
            self._add(words)

    def text(self) -> str:
        """All of it; never more than one empty line in a row."""
        out: list[str] = []
        for depth, pieces in self._lines:
            body = "".join(pieces).replace("\N{NO-BREAK SPACE}", " ").replace("\N{ZERO WIDTH SPACE}", "")
            body = body.strip("\n") if not body.strip() else body.rstrip()
            line = "> " * min(depth, 20) + body.lstrip() if depth else body.lstrip()
            if not line.strip("> ") and (not out or not out[-1].strip("> ")):
                continue
            out.append(line.rstrip())
        return "\n".join(out).strip("\n")

    def _add(self, words: str) -> None:
        self._lines[-1][1].append(words)

    def _has_words(self) -> bool:
        return any(piece.strip() for piece in self._lines[-1][1])

    def _break(self, *, paragraph: bool) -> None:
        if self._has_words():
            self._lines.append((self._depth, []))
            if paragraph:
                self._lines.append((self._depth, []))

    def _end_link(self) -> None:
        href, line, piece = self._links.pop()
        pieces = [one for _, found in self._lines[line - 1 : line + 20] for one in found]
        shown = "".join(pieces[piece:] if len(self._lines) == line else pieces).strip()
        if href.startswith(("http://", "https://")) and shown and _bare(href) != _bare(shown):
            self._add(f" ({href[:1000]})")
        elif href.startswith(("http://", "https://")) and not shown:
            self._add(href[:1000])


def _bare(address: str) -> str:
    return address.strip().lower().removeprefix("https://").removeprefix("http://").rstrip("/")
