"""How X counts a post: the weighted length of ``twitter-text``, configuration version 3.

280 units; most scripts of letters weigh 1, everything else 2, an emoji 2 however many code points it has, an
address 23 however long it is. The text is counted in Unicode normal form C.
Sources: https://docs.x.com/fundamentals/counting-characters and the published configuration
https://github.com/twitter/twitter-text/blob/master/config/v3.json
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterator
from importlib.resources import files

import regex

MAX_POST = 280
MAX_LONG_POST = 25_000  # for subscribers of X Premium
URL_LENGTH = 23
EMOJI_LENGTH = 2

# Ranges of code points that weigh 1 (``ranges`` of the configuration); all others weigh 2.
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))

# An emoji as people see it: flags, keycaps, tag sequences, and joined or coloured pictures. The digits and
# the signs © and ® are emoji only when a variation selector asks for the picture.
_EMOJI = regex.compile(
    r"""\p{Regional_Indicator}{2}
    | [0-9\#*]\uFE0F?\u20E3
    | \U0001F3F4[\U000E0060-\U000E007E]+\U000E007F
    | (?: [\u00A9\u00AE]\uFE0F
        | [\p{Extended_Pictographic}\p{Emoji_Presentation}--[\u00A9\u00AE]](?:\uFE0F|\p{Emoji_Modifier})? )
      (?: \u200D \p{Extended_Pictographic} (?:\uFE0F|\p{Emoji_Modifier})? )*+
    """,
    regex.VERBOSE | regex.V1,
)

_LATIN = "À-ÖØ-öø-ÿĀ-ɏɓɔɖɗəɛɣɨɯɲʉʋʻ\u0300-\u036fḀ-ỿ"
_CYRILLIC = "Ѐ-ӿ"
_NO_DOMAIN = r"""!"\#$%&'()*+,\-./:;<=>?@\[\]^_`{|}~\\\s\uFFFE\uFEFF\uFFFF\u202A-\u202E\u061C\u200E\u200F\u2066-\u2069"""
_START = regex.compile(
    rf"""(?<![A-Za-z0-9@＠$\#＃\uFFFE\uFEFF\uFFFF])
    (?: (?P<scheme>https?://)(?P<host>[^{_NO_DOMAIN}](?:[^{_NO_DOMAIN}]|[-_.])*+)
      | (?<![-_./]) (?P<bare>[a-z0-9{_LATIN}](?:[-a-z0-9{_LATIN}.])*+(?:(?<=\.)[^{_NO_DOMAIN}]{{1,30}})?) )""",
    regex.VERBOSE | regex.IGNORECASE,
)
_PATH_CHAR = rf"[a-z{_CYRILLIC}0-9!*';:=+,.$/%\#\[\]\-–_~@|&{_LATIN}]"
_PARENS = rf"\((?:{_PATH_CHAR}++|{_PATH_CHAR}*+\({_PATH_CHAR}++\){_PATH_CHAR}*+)\)"
_PATH = regex.compile(rf"/(?:{_PATH_CHAR}|{_PARENS})*+", regex.IGNORECASE)
_PATH_END = regex.compile(rf"[+\-a-z{_CYRILLIC}0-9=_\#/){_LATIN}]", regex.IGNORECASE)
_QUERY = regex.compile(
    r"\?[a-z0-9!?*'@();:&=+$/%\#\[\]\-_.,~|]*[a-z0-9\-_&=\#/]",
    regex.IGNORECASE,
)
_PORT = regex.compile(r":[0-9]++")
# t.co's own addresses end with the slug.
_TCO = regex.compile(r"https?://t\.co/(?P<slug>[a-z0-9]++)", regex.IGNORECASE)
_LONGEST_SLUG = 40
_LONGEST_LABEL = 63
_LONGEST_DOMAIN = 253


def weighted_length(text: str) -> int:
    """Units of a post that says ``text``."""
    text = unicodedata.normalize("NFC", text)
    total, at = 0, 0
    for start, end in urls(text):
        total += _plain(text[at:start]) + URL_LENGTH
        at = end
    return total + _plain(text[at:])


def _plain(text: str) -> int:
    total, at = 0, 0
    for emoji in _EMOJI.finditer(text):
        total += sum(map(_weight, text[at : emoji.start()])) + EMOJI_LENGTH
        at = emoji.end()
    return total + sum(map(_weight, text[at:]))


def _weight(character: str) -> int:
    point = ord(character)
    return 1 if any(first <= point <= last for first, last in _LIGHT) else 2


def urls(text: str) -> Iterator[tuple[int, int]]:
    """Where X sees addresses: (start, end) in order. Without a scheme it must be a name of ASCII letters.

    Linear in the length of the text, whatever the text is.
    """
    at = 0
    while (found := _START.search(text, at)) is not None:
        group = "host" if found["scheme"] else "bare"
        domain = _end_of_domain(found[group], after=text[found.end() : found.end() + 1])
        if domain is None or _endless_slug(text, found.start()):
            at = found.end()
            continue
        at = _end_of_address(text, found.start(), found.start(group) + domain)
        yield found.start(), at


def _end_of_domain(run: str, *, after: str) -> int | None:
    """Where a domain that begins ``run`` ends, or None when there is none; the longest one wins."""
    labels = run.split(".")
    offset = len(run)
    for index in range(len(labels) - 1, 0, -1):
        offset -= len(labels[index])
        following = after if index == len(labels) - 1 else "."
        length = _tld_length(labels[index], following)
        before = labels[index - 1]
        if (
            length
            and "_" not in before
            and offset + length <= _LONGEST_DOMAIN
            and all(map(_is_label, labels[:index]))
        ):
            return offset + length
        offset -= 1
    return None


def _is_label(label: str) -> bool:
    if not label or label[0] in "-_" or label[-1] in "-_" or len(label) > _LONGEST_LABEL:
        return False
    # What is not ASCII is counted as the domain name system writes it.
    return label.isascii() or len(label.encode("punycode")) + len("xn--") <= _LONGEST_LABEL


def _endless_slug(text: str, start: int) -> bool:
    tco = _TCO.match(text, start)
    return tco is not None and len(tco["slug"]) > _LONGEST_SLUG


def _tld_length(label: str, following: str) -> int:
    """How much of ``label`` is a top-level domain, with a boundary after it; 0 for none."""
    known, longest = _tlds()
    lowered = label.lower()
    if len(lowered) != len(label):  # a letter that is longer in lower case is in no top-level domain
        return 0
    for length in range(min(longest, len(label)), 1, -1):
        rest = label[length : length + 1] or following
        if rest and rest.isascii() and (rest.isalnum() or rest in "@+-"):
            continue
        if lowered[:length] in known:
            return length
    return len(label) if lowered.startswith("xn--") and len(label) > 4 else 0


def _end_of_address(text: str, start: int, end: int) -> int:
    if tco := _TCO.match(text, start):
        return max(end, int(tco.end()))
    if port := _PORT.match(text, end):
        end = port.end()
    if path := _PATH.match(text, end):
        last = path.end()
        while not _PATH_END.match(text[last - 1]):
            last -= 1
        end = last
    query = _QUERY.match(text, end)
    return int(query.end()) if query else end


@functools.cache
def _tlds() -> tuple[frozenset[str], int]:
    lines = (files(__package__) / "tlds.txt").read_text(encoding="utf-8").splitlines()
    known = frozenset(name for line in lines if not line.startswith("#") for name in line.split())
    return known, max(map(len, known))
