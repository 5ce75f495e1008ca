"""One word, phrase or field value of a query, understood."""

from __future__ import annotations

import difflib
import unicodedata

import regex
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from rapport.listening import stem
from rapport.listening.fields import BY_NAME, LEAF_FIELDS, OPTIONS, FieldSpec, value
from rapport.listening.fields import Kind as FieldKind
from rapport.listening.lexer import Piece, Token
from rapport.listening.problems import Problem, QueryError, Severity
from rapport.listening.text import (
    ELSEWHERE,
    SIGNS,
    accented,
    handle_name,
    has_emoji,
    is_piece,
    plain,
    signed,
    tag_name,
    words,
)
from rapport.listening.tree import (
    And,
    Emoji,
    Field,
    Leaf,
    Mention,
    Near,
    Node,
    OneLetter,
    Or,
    Prefix,
    Raw,
    Span,
    Tag,
    Term,
    Ticker,
    Value,
)  # fmt: skip

MOST_BETWEEN = 100
# Words of a "…"~5, and how far apart three or more of them may be: every order of them is tried.
MOST_LOOSE, MOST_LOOSE_BETWEEN = 4, 20
# Beginnings of fewer characters than these begin too many words.
SHORTEST_ASCII, SHORTEST_OTHER = 3, 2
_ANY = "ꟻ"  # a letter that stays what it is, in place of ? while a word is normalised
_TAG = regex.compile(r"[#＃]([\p{L}\p{M}\p{N}_\u200c\u200d]+)(\*?)")
_HANDLE = regex.compile(
    r"[@＠]([A-Za-z0-9_]+(?:[.\-][A-Za-z0-9_]+)*(?:@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+)?)"
)
_TICKER = regex.compile(r"[$＄]([A-Za-z]{1,6}(?:[._][A-Za-z]{1,2})?)")
_TRAILING = ".,;:!…’'"
_PIECE = regex.compile(r"\S+")
_IN_WORD = regex.compile(r"\w")
_FRAGMENT = regex.compile(r"[^ ?]{2,}")
_UNSEEN = regex.compile(r"[^\p{L}\p{M}\p{N}\s\p{Cf}\p{Emoji}'’ʼ`&+#%$€£¥°*?\uFE0F]")


def _without_last_question(piece: regex.Match[str]) -> str:
    """A piece between spaces without the question marks behind its last letter."""
    text: str = piece.group()
    last = _IN_WORD.search(text[::-1]) if "?" in text else None
    end = len(text) - last.start() if last else 0
    return text[:end] + text[end:].replace("?", "")


class Leaves:
    """Makes leaves of tokens for one query, and keeps what is worth saying about them."""

    def __init__(self, source: str, problems: list[Problem]) -> None:
        self.source = source
        self.problems = problems
        self.accents = False
        self.stems: tuple[str, ...] = ()

    # Words ------------------------------------------------------------------------------------
    def word(self, text: str, span: Span) -> Node:
        """A word that is not in quotes."""
        sign = unicodedata.normalize("NFKC", text[0])
        if sign == "#" and len(text) > 1:
            return self.tag(text, span)
        if sign == "@":
            return self.mention(text, span)
        ticker = _TICKER.fullmatch(text.rstrip(_TRAILING))
        if ticker:
            return Ticker(ticker[1].upper().replace("_", "."), span)
        if plain(text) != text:
            raise self.error(
                span,
                _("Addresses and handles are not read as words. Write url:… for an address, @… for a handle, or raw:\"…\"."),
            )  # fmt: skip
        if "?" in text:
            return self._one_letter(text, span)
        return self._words(text, span, quoted=False)

    def phrase(self, token: Token) -> Node:
        """Words in quotes, with ``~n`` those words in any order."""
        text = token.text
        if plain(text) != text:
            raise self.error(
                token.span,
                _("Addresses and handles are not read as words. Write url:… for an address, @… for a handle, or raw:\"…\"."),
            )  # fmt: skip
        if token.number is not None:
            return self._loose(token, token.number)
        stripped = _PIECE.sub(_without_last_question, text)
        if stripped != text:
            self.note(
                token.span,
                _(
                    "A question mark at the end of a word in quotes is not looked at. Posts with one are found with has:question."
                ),
            )
        if not words(stripped):
            raise self._nothing(text, token.span)
        if "?" in stripped:
            return self._one_letter(stripped, token.span)
        return self._words(stripped, token.span, quoted=True)

    def _loose(self, token: Token, number: int) -> Node:
        pieces = token.text.split()
        if any("?" in piece for piece in pieces):
            raise self.error(token.span, _("In quotes with ~ there can be no “?”. Use NEAR/5 between words."))
        self.near_number(number, token.span)
        parts = [self._words(piece, token.span, quoted=True) for piece in pieces if words(piece)]
        if not parts:
            raise self._nothing(token.text, token.span)
        if len(parts) == 1:
            self.warn(token.span, _("“~” says how far words may be apart, but here is one word only."))
            return parts[0]
        if len(parts) > MOST_LOOSE:
            raise self.error(
                token.span,
                _("At most %(most)d words can be in quotes with “~”; here are %(count)d. Leave out the common ones."),
                most=MOST_LOOSE, count=len(parts),
            )  # fmt: skip
        if len(parts) > 2 and number > MOST_LOOSE_BETWEEN:
            raise self.error(
                token.span, _("Between three or more words in quotes can be at most %(most)d others. Use AND instead."),
                most=MOST_LOOSE_BETWEEN,
            )  # fmt: skip
        return Near(number, False, tuple(parts), token.span)

    def near_number(self, number: int, span: Span) -> None:
        """Refuse a distance that is none."""
        if number > MOST_BETWEEN:
            raise self.error(
                span, _("At most %(most)d words can be between. Use AND instead."), most=MOST_BETWEEN
            )

    def _words(self, text: str, span: Span, *, quoted: bool) -> Leaf:
        base = text.rstrip()
        begins = base.endswith("*")
        base = base.removesuffix("*")
        if "*" in base:
            raise self.error(
                span,
                _(
                    "A star stands for the rest of a word, so it can only be at its end: lugg*. In quotes, at the last word's."
                ),
            )
        found = words(base)
        if not found or ELSEWHERE in found:
            raise self._nothing(text, span)
        if all(has_emoji(char) or char == " " for char in found):
            return Emoji(found, span)
        self._tell_unseen(base, found, span, quoted=quoted)
        exact = accented(base) if self.accents else ""
        symbols = ""
        if any(char in SIGNS for char in unicodedata.normalize("NFKC", base)):
            symbols = signed(base, accents=self.accents)
            symbols = "" if symbols == (exact or found) else symbols
        if begins:
            return self._prefix(base, found, symbols, exact, span)
        others: tuple[str, ...] = ()
        if self.stems and not quoted and " " not in found and not symbols and not exact:
            others = stem.forms(found, self.stems)
        if len(found) == 1 and found.isascii() and not symbols:
            self.warn(span, _("A single letter or digit is found very often."))
        return Term(found, others, symbols, exact, span)

    def _prefix(self, base: str, found: str, symbols: str, exact: str, span: Span) -> Leaf:
        last = found.rpartition(" ")[2]
        if not words(base[-1]) and not regex.match(r"[\p{M}\p{Cf}]", base[-1]):
            raise self.error(span, _("The star must stand right behind a letter or digit: lugg*."))
        if is_piece(last[-1]):
            self.note(span, _("No star is needed here: any piece of a word is found in this script."))
            return Term(found, (), symbols, exact, span)
        shortest = SHORTEST_ASCII if last.isascii() else SHORTEST_OTHER
        if len(last) < shortest:
            raise self.error(
                span,
                _("Too many words begin with “%(piece)s”. Write at least %(least)d letters before the star."),
                piece=last, least=shortest,
            )  # fmt: skip
        return Prefix(found, symbols, exact, span)

    def _one_letter(self, text: str, span: Span) -> Leaf:
        base = text.strip()
        begins = base.endswith("*")
        base = base.removesuffix("*")
        if "*" in base:
            raise self.error(span, _("A star can only be at the end of a word: lugg*."))
        found = words(base.replace("?", _ANY)).replace(_ANY, "?")
        if any(map(is_piece, found)):
            raise self.error(
                span, _("“?” cannot be used with scripts whose words are found as any piece. Write the pieces around it.")
            )  # fmt: skip
        if not _FRAGMENT.search(found):
            raise self.error(
                span,
                _("“?” stands for one letter, and at least two others must be side by side: organi?ation. To find questions, write has:question."),
            )  # fmt: skip
        if found.endswith("?") and not begins:
            self.note(
                span,
                _(
                    "“?” stands for one more letter here. To find posts with a question mark, write has:question."
                ),
            )
        if begins and found.endswith("?"):
            raise self.error(span, _("The star must stand right behind a letter or digit: lugg*."))
        exact = accented(base.replace("?", _ANY)).replace(_ANY, "?") if self.accents else ""
        return OneLetter(found, begins, exact, span)

    def _tell_unseen(self, base: str, found: str, span: Span, *, quoted: bool) -> None:
        unseen = sorted(set(_UNSEEN.findall(base)))
        if not unseen:
            return
        if " " in found and not quoted:
            self.note(
                span, _("Looked for as the words “%(words)s”, side by side. To insist on the signs, write raw:\"…\"."),
                words=found,
            )  # fmt: skip
        else:
            self.note(
                span, _("“%(signs)s” is not looked at. To insist on it, write raw:\"…\"."), signs=" ".join(unseen)
            )  # fmt: skip

    def _nothing(self, text: str, span: Span) -> QueryError:
        return self.error(
            span,
            _("There is no letter, digit or emoji in “%(text)s”. To find signs, write raw:\"%(text)s\"."),
            text=text.strip()[:40],
        )  # fmt: skip

    # Signs ------------------------------------------------------------------------------------
    def tag(self, text: str, span: Span) -> Tag:
        """``#lostbags``."""
        match = _TAG.fullmatch(text.rstrip(_TRAILING))
        name = tag_name(match[1]) if match else ""
        if match is None or not name:
            raise self.error(
                span, _("A hashtag has letters, digits and “_” only. To find words, write them without “#”.")
            )
        if match[2] and len(name) < SHORTEST_OTHER:
            raise self.error(
                span,
                _("Too many words begin with “%(piece)s”. Write at least %(least)d letters before the star."),
                piece=name, least=SHORTEST_OTHER,
            )  # fmt: skip
        return Tag(name, bool(match[2]), span)

    def mention(self, text: str, span: Span) -> Mention:
        """``@aero``."""
        match = _HANDLE.fullmatch(text.rstrip(_TRAILING))
        if match is None:
            raise self.error(
                span, _("This is no handle: @name or @name@server, of the letters a–z, digits, “_”, “.” and “-”.")
            )  # fmt: skip
        return Mention(handle_name(match[1]), span)

    # Fields -----------------------------------------------------------------------------------
    def field(self, token: Token, values: tuple[Piece, ...]) -> Node:
        """A field with its values; ``raw:``, ``tag:`` and ``mentions:`` are other leaves."""
        if token.text in LEAF_FIELDS:
            found = [self._leaf(LEAF_FIELDS[token.text], piece) for piece in values]
            return found[0] if len(found) == 1 else Or(tuple(found), token.span)
        spec = BY_NAME.get(token.text)
        if spec is None:
            raise self._unknown(token)
        is_number = spec.kind is FieldKind.NUMBER
        if is_number and token.operator == ":" and len(values) == 1 and ".." in values[0].text:
            low, _dots, high = values[0].text.partition("..")
            least = Field(spec.name, ">=", (self._value(spec, low, token.span),), token.span)
            most = Field(spec.name, "<=", (self._value(spec, high, token.span),), token.span)
            return And((least, most), token.span)
        if token.operator != ":" and not is_number:
            raise self.error(
                token.span, _("“%(name)s:” takes no “%(sign)s”, only numbers do."),
                name=token.text, sign=token.operator,
            )  # fmt: skip
        read = tuple(dict.fromkeys(self._value(spec, piece.text, token.span) for piece in values))
        return Field(spec.name, token.operator, read, token.span)

    def _leaf(self, sign: str, piece: Piece) -> Leaf:
        if sign == "raw":
            if not piece.text.strip():
                raise self.error(piece.span, _('Write what to look for: raw:"AT&T it\'s".'))
            return Raw(piece.text, piece.span)
        text = sign + piece.text.lstrip("#＃" if sign == "#" else "@＠")
        return self.tag(text, piece.span) if sign == "#" else self.mention(text, piece.span)

    def _value(self, spec: FieldSpec, text: str, span: Span) -> Value:
        found = value(spec, text)
        if found is not None:
            return found
        if spec.values:
            raise self.error(
                span, _("“%(name)s:” does not know “%(value)s”. It takes %(takes)s."),
                name=spec.name, value=text[:40], takes=", ".join(spec.values),
            )  # fmt: skip
        raise self.error(
            span, _("“%(name)s:” takes %(takes)s, not “%(value)s”."),
            name=spec.name, value=text[:40], takes=spec.takes,
        )  # fmt: skip

    def _unknown(self, token: Token) -> QueryError:
        names = [*BY_NAME, *LEAF_FIELDS, *OPTIONS]
        close = difflib.get_close_matches(token.text, names, n=1, cutoff=0.6)
        if close:
            return self.error(
                token.span,
                _("There is no field “%(name)s:”. Did you mean “%(near)s:”? To find the words themselves, put them in quotes."),
                name=token.text, near=close[0],
            )  # fmt: skip
        return self.error(
            token.span,
            _("There is no field “%(name)s:”. To find the words themselves, put them in quotes. Fields are %(names)s."),
            name=token.text, names=", ".join(dict.fromkeys(spec.name for spec in BY_NAME.values())),
        )  # fmt: skip

    # Telling ----------------------------------------------------------------------------------
    def error(self, span: Span, template: Promise, **values: object) -> QueryError:
        """The error to raise: with what was noted before."""
        problem = Problem(Severity.ERROR, span, template, values)
        return QueryError(self.source, (problem, *self.problems))

    def warn(self, span: Span, template: Promise, **values: object) -> None:
        """A warning that is kept with the query."""
        self.problems.append(Problem(Severity.WARNING, span, template, values))

    def note(self, span: Span, template: Promise, **values: object) -> None:
        """A note that is kept with the query."""
        self.problems.append(Problem(Severity.NOTE, span, template, values))
