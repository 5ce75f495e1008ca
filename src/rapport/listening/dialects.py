"""Queries of other listening tools, written as ours; what we have nothing for is left out and told.

The languages are read as their makers document them: Brandwatch "Query operators", Meltwater "Boolean
operators", Sprinklr "Listening query operators", X "Build a query" for posts and its web search.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from rapport.listening.fields import BY_NAME, LEAF_FIELDS, OPTIONS
from rapport.listening.lexer import QUOTES
from rapport.listening.parse import LONGEST, Parsed, read


class Dialect(enum.StrEnum):
    """Whose language a query is in."""

    BRANDWATCH = "brandwatch"
    MELTWATER = "meltwater"
    SPRINKLR = "sprinklr"
    X = "x"


@dataclass(frozen=True)
class Lost:
    """A piece that could not be said in our language, with its place in the source."""

    text: str
    start: int
    reason: Promise


@dataclass(frozen=True)
class Converted:
    """Our query, what became of it when it was read, and what was left out."""

    query: str
    parsed: Parsed
    lost: tuple[Lost, ...]


@dataclass(frozen=True)
class _Table:
    """What a dialect calls things. ``least`` are fields with a smallest number; ``pairs`` fields with their value."""

    names: Mapping[str, str] = field(default_factory=dict)
    least: Mapping[str, str] = field(default_factory=dict)
    pairs: Mapping[str, str] = field(default_factory=dict)
    any_case: bool = False  # and, or, not are operators too
    case_braces: bool = False  # {Word} is this very spelling


_COMMON = {
    "at_mentions": "mentions",
    "place_country": "country",
    "language": "lang",
    "link": "url",
    "links": "url",
}
_SPRINKLR_PAIRS = {"isretweet:true": "is:repost", "isretweet:false": "-is:repost", "isreply:true": "is:reply"}
_TABLES: dict[Dialect, _Table] = {
    Dialect.BRANDWATCH: _Table(
        names={**_COMMON, "authorfollowers": "followers", "engagingwith": "to", "likes": "likes"},
        pairs={
            "authorverified:true": "is:verified", "authorverified:false": "-is:verified",
            "engagementtype:retweet": "is:repost", "engagementtype:repost": "is:repost",
            "engagementtype:reply": "is:reply", "engagementtype:comment": "is:reply", "engagementtype:quote": "is:quote",
        },
        case_braces=True,
    ),
    Dialect.MELTWATER: _Table(
        names={**_COMMON, "source": "site", "sourcename": "site", "headline": "title", "socialfollowers": "followers"},
        any_case=True,
    ),
    Dialect.SPRINKLR: _Table(
        names={**_COMMON, "authorname": "author", "domain": "site", "followerscount": "followers"},
        pairs=_SPRINKLR_PAIRS,
    ),
    Dialect.X: _Table(
        names={**_COMMON, "followers_count": "followers"},
        least={"min_faves": "likes", "min_retweets": "reposts", "min_replies": "replies"},
        pairs={
            "filter:links": "has:link", "filter:media": "has:media", "filter:images": "has:image",
            "filter:videos": "has:video", "filter:native_video": "has:video", "filter:replies": "is:reply",
            "filter:retweets": "is:repost", "filter:nativeretweets": "is:repost", "filter:quote": "is:quote",
            "filter:verified": "is:verified", "filter:hashtags": "has:tag", "filter:mentions": "has:mention",
        },
    ),
}  # fmt: skip

# Three letters and names that tools use; two letters are ours already.
_COUNTRIES = {
    "usa": "US", "gbr": "GB", "uk": "GB", "deu": "DE", "fra": "FR", "esp": "ES", "ita": "IT", "nld": "NL", "hrv": "HR",
    "prt": "PT", "bra": "BR", "mex": "MX", "can": "CA", "aus": "AU", "ind": "IN", "jpn": "JP", "kor": "KR", "chn": "CN",
    "tha": "TH", "idn": "ID", "mys": "MY", "phl": "PH", "sgp": "SG", "zaf": "ZA", "irl": "IE", "che": "CH", "aut": "AT",
    "bel": "BE", "swe": "SE", "nor": "NO", "dnk": "DK", "fin": "FI", "pol": "PL", "tur": "TR", "ukr": "UA",
}  # fmt: skip

_TOKEN = re.compile(
    rf"""(?P<space>\s+)
      | (?P<bracket>[()])
      | (?P<braces>\{{[^{{}}]*\}})
      | (?P<minus>[-−–])(?=[^\s)])
      | (?P<field>[A-Za-z][A-Za-z_.]{{1,40}}:)(?!//)
      | (?P<range>\[[^\[\]]*\])
      | (?P<word>[^\s(){QUOTES}\[\]]+|.)""",
    re.X | re.DOTALL,
)
_QUOTED = re.compile(rf"(?P<quoted>[{QUOTES}](?:[^\\{QUOTES}]|\\.)*+[{QUOTES}](?:~\d+)?)", re.DOTALL)
_RANGE = re.compile(r"\[\s*(\*|[\d.]+)\s+TO\s+(\*|[\d.]+)\s*\]", re.IGNORECASE)
_AND_OR = ("AND", "OR")
_NEAR = re.compile(r"O?NEAR/\d+F?\Z", re.IGNORECASE)
_NO_FIELD = _("There is no such field here.")
_NO_VALUE = _("This value is not known here.")
_NO_WORD = _("There is no such operator here.")


def convert(source: str, dialect: Dialect) -> Converted:
    """A query of another tool in our language. Never raises; ``parsed`` tells whether the result can be used."""
    if len(source) > LONGEST:
        return Converted(source, read(source), ())
    pieces, lost = _Converter(source, _TABLES[dialect]).pieces()
    query = _joined(_without_gaps(pieces))
    return Converted(query, read(query), tuple(lost))


class _Converter:
    def __init__(self, source: str, table: _Table) -> None:
        self.table = table
        self.tokens = list(_tokens(source))
        self.at = 0
        self.lost: list[Lost] = []

    def pieces(self) -> tuple[list[str | None], list[Lost]]:
        """Our tokens in order, None where one was left out."""
        found: list[str | None] = []
        while self.at < len(self.tokens):
            match = self.tokens[self.at]
            self.at += 1
            found.append(self._field(match) if match.lastgroup == "field" else self._plain(match))
        return found, self.lost

    def _plain(self, match: re.Match[str]) -> str | None:
        text = match.group()
        match match.lastgroup:
            case "minus":
                return "NOT"
            case "braces" if self.table.case_braces:
                return (
                    f"raw:{_quoted(text[1:-1])}" if text[1:-1].strip() else self._lose(match, text, _NO_WORD)
                )
            case "range":
                return self._lose(match, text, _NO_WORD)
        if self.table.any_case and text.upper() in ("AND", "OR", "NOT"):
            return text.upper()
        if re.match(r"(?i)(atleast\d*|sample|sentence|paragraph|W/\d+)\Z", text):
            return self._lose(match, text, _NO_WORD)
        return text

    def _field(self, match: re.Match[str]) -> str | None:
        written = match.group()[:-1]
        name = written.lower()
        value = self._value(match)
        if value == "(":
            return self._group(match, name)
        pair = self.table.pairs.get(f"{name}:{value.lower()}")
        if pair is not None:
            return pair.replace("-", "NOT ", 1) if pair.startswith("-") else pair
        if name in self.table.least and value.isdecimal():
            return f"{self.table.least[name]}:>={value}"
        ours = self._ours(name)
        if ours is None or not value:
            return self._lose(match, f"{written}:{value}", _NO_FIELD if ours is None else _NO_VALUE)
        between = _RANGE.fullmatch(value)
        if between:
            value = _between(between[1], between[2])
        if ours == "country":
            value = _COUNTRIES.get(value.lower(), value)
        if not value or read(f"{ours}:{value}").query is None:
            return self._lose(match, f"{written}:{value}", _NO_VALUE)
        return f"{ours}:{value}"

    def _ours(self, name: str) -> str | None:
        ours = self.table.names.get(name, name)
        return ours if (ours in BY_NAME or ours in LEAF_FIELDS) and ours not in OPTIONS else None

    def _value(self, before: re.Match[str]) -> str:
        """The token right behind the colon, taken; "" when there is none."""
        if self.at >= len(self.tokens) or self.tokens[self.at].start() != before.end():
            return ""
        value = self.tokens[self.at]
        if value.group() == ")":
            return ""
        self.at += 1
        return value.group()

    def _group(self, match: re.Match[str], name: str) -> str | None:
        """A field before a bracket: kept with it when it is ours, left out with all that is inside when not."""
        ours = self._ours(name)
        if ours is not None:
            return f"{ours}:("
        depth = 1
        while self.at < len(self.tokens) and depth:
            depth += {"(": 1, ")": -1}.get(self.tokens[self.at].group(), 0)
            self.at += 1
        return self._lose(match, f"{match.group()}(…)", _NO_FIELD)

    def _lose(self, match: re.Match[str], text: str, reason: Promise) -> str | None:
        self.lost.append(Lost(text, match.start(), reason))
        return None


def _tokens(source: str) -> Iterator[re.Match[str]]:
    """The tokens of a query, without spaces and comments (``<<<…>>>``). Each character is looked at a few times only:
    what has no end is not looked for again.
    """
    last_comment, quotes_end = source.rfind(">>>"), True
    at = 0
    while at < len(source):
        if source.startswith("<<<", at) and last_comment >= at + 3:
            at = source.index(">>>", at + 3) + 3
            continue
        match = None
        if quotes_end and source[at] in QUOTES:
            match = _QUOTED.match(source, at)
            # A quotation mark behind this one is escaped, or it would end this one: it has no end either.
            quotes_end = match is not None
        match = match or _TOKEN.match(source, at)
        if match is None:  # the last kind of token is any character
            raise ValueError(f"no token begins at {at}")
        if match.lastgroup != "space":
            yield match
        at = match.end()


def _between(low: str, high: str) -> str:
    if "*" not in (low, high):
        return f"{low}..{high}"
    return f">={low}" if low != "*" else f"<={high}" if high != "*" else ""


def _quoted(text: str) -> str:
    escaped = re.sub(rf"[\\{QUOTES}]", r"\\\g<0>", text)
    return f'"{escaped}"'


def _without_gaps(pieces: list[str | None]) -> list[str]:
    """The tokens without what was lost, the operators that belonged to it, and brackets that are empty then."""
    found: list[str] = []
    gap = False  # something is missing at the end of ``found``, so an operator has nothing before it
    for piece in pieces:
        if piece is None:
            while found and _joins(found[-1]):
                found.pop()
            gap = not found or found[-1].endswith("(")
        elif gap and (piece in _AND_OR or _NEAR.match(piece)):
            continue
        elif piece == ")" and found and found[-1].endswith("("):
            found.pop()
            while found and _joins(found[-1]):
                found.pop()
            gap = not found or found[-1].endswith("(")
        else:
            found.append(piece)
            gap = False
    return found


def _joins(piece: str) -> bool:
    return piece in ("AND", "OR", "NOT") or _NEAR.match(piece) is not None


def _joined(pieces: list[str]) -> str:
    """The tokens with a space between, but inside brackets none at their ends."""
    around = zip(["(", *pieces], pieces, strict=False)
    return "".join(one if before.endswith("(") or one == ")" else f" {one}" for before, one in around)
