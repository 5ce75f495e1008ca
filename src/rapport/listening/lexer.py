"""A query cut into tokens, each with its place. One pass; every character is looked at a bounded number of times."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from rapport.listening.fields import BY_NAME, LEAF_FIELDS, OPTIONS
from rapport.listening.problems import Problem, Severity
from rapport.listening.tree import Span

QUOTES = '"“”„‟«»＂'
DASHES = "-−–"
_SPACE = re.compile(r"\s+")
_BARE = re.compile(rf"[^\s(){QUOTES}]+")
_QUOTED = re.compile(rf"[{QUOTES}]((?:[^\\{QUOTES}]|\\.)*)[{QUOTES}]", re.DOTALL)
_ESCAPED = re.compile(rf"\\([\\{QUOTES}])")
_FIELD = re.compile(r"([A-Za-z][A-Za-z_]{1,29}):(?!//)")
_OPERATOR = re.compile("[<>]=?|=")
_VALUE = re.compile(rf"[^\s(){QUOTES}]+")
_NEAR = re.compile(r"(O?NEAR)/(\d{1,6})(F?)\Z", re.IGNORECASE)
_SLOP = re.compile(r"~(\d{0,6})", re.ASCII)


class Kind(enum.Enum):
    """What a token is."""

    OPEN = "("
    CLOSE = ")"
    AND = "AND"
    OR = "OR"
    NOT = "NOT"
    NEAR = "NEAR"
    WORD = "word"
    PHRASE = "phrase"
    FIELD = "field"
    END = "end"


@dataclass(frozen=True, slots=True)
class Piece:
    """One value as it was written; escapes are resolved in a quoted one."""

    text: str
    quoted: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Token:
    """``text``: the word, the phrase, or the field's name. ``number``: the words of a NEAR, or behind ``~``.

    A field without ``values`` is followed by a bracket.
    """

    kind: Kind
    span: Span
    text: str = ""
    number: int | None = None
    ordered: bool = False
    operator: str = ":"
    values: tuple[Piece, ...] = ()


class Lexer:
    """Cuts a query; what it finds wrong is in ``problems``."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.problems: list[Problem] = []

    def tokens(self) -> list[Token]:
        """Every token, and one for the end."""
        found: list[Token] = []
        while self.at < len(self.source):
            space = _SPACE.match(self.source, self.at)
            if space:
                self.at = space.end()
                continue
            token = self._token()
            if token is not None:
                found.append(token)
        return [*found, Token(Kind.END, (len(self.source), len(self.source)))]

    def _token(self) -> Token | None:
        start, char = self.at, self.source[self.at]
        if char in "()":
            self.at += 1
            return Token(Kind.OPEN if char == "(" else Kind.CLOSE, (start, self.at))
        if char in QUOTES:
            return self._phrase()
        if char in DASHES:  # inside a word it was taken with the word
            return self._minus()
        field = _FIELD.match(self.source, start)
        if field and self._is_field(field):
            return self._field(field)
        return self._word()

    def _minus(self) -> Token | None:
        start = self.at
        self.at += 1
        follows = self.source[self.at : self.at + 1]
        if follows and not follows.isspace() and follows != ")":
            return Token(Kind.NOT, (start, self.at))
        self._warn(
            (start, self.at),
            _("A dash alone is not looked for. To leave a word out, write the dash right before it: -word."),
        )
        return None

    def _phrase(self) -> Token | None:
        start = self.at
        piece = self._quoted()
        if piece is None:
            return None
        number: int | None = None
        slop = _SLOP.match(self.source, self.at)
        if slop:
            self.at = slop.end()
            if slop[1]:
                number = int(slop[1])
            else:
                self._error(slop.span(), _('Write how many other words may be between: "lost bag"~5.'))
        return Token(Kind.PHRASE, (start, self.at), piece.text, number)

    def _quoted(self) -> Piece | None:
        """The quoted piece that begins here; an error, and all that is left is taken, when it does not end."""
        start = self.at
        match = _QUOTED.match(self.source, start)
        if match is None:
            self._error(
                (start, start + 1),
                _(
                    'This quotation mark is never closed. Add another one: "lost bag". One that is meant is \\".'
                ),
            )
            self.at = len(self.source)
            return None
        self.at = match.end()
        if self.source[start] != '"' or self.source[self.at - 1] != '"':
            self._note((start, self.at), _('Curly and other quotation marks are read as straight ones: "…".'))
        return Piece(_ESCAPED.sub(r"\1", match[1]), True, (start, self.at))

    def _is_field(self, match: re.Match[str]) -> bool:
        """``Delta: late`` is two words; ``lang: en`` is a field whose value stands apart."""
        name = match[1].lower()
        known = name in BY_NAME or name in LEAF_FIELDS or name in OPTIONS
        follows = self.source[match.end() : match.end() + 1]
        return known or not (follows == "" or follows.isspace() or follows in ")(")

    def _field(self, match: re.Match[str]) -> Token | None:
        start = self.at
        self.at = match.end()
        operator = _OPERATOR.match(self.source, self.at)
        if operator:
            self.at = operator.end()
        sign = operator.group() if operator and operator.group() != "=" else ":"
        values: list[Piece] = []
        while (piece := self._value()) is not None:
            values.append(piece)
            if self.source[self.at : self.at + 1] != ",":
                break
            self.at += 1
        values = _split(values)
        if not values and self.source[self.at : self.at + 1] != "(" and not self._failed(start):
            self._error(
                (start, self.at), _("Write a value right behind “%(name)s:”, without a space."), name=match[1]
            )
            return None
        return Token(Kind.FIELD, (start, self.at), match[1].lower(), operator=sign, values=tuple(values))

    def _value(self) -> Piece | None:
        char = self.source[self.at : self.at + 1]
        if char and char in QUOTES:
            return self._quoted()
        match = _VALUE.match(self.source, self.at)
        if match is None:
            return None
        text = match.group()
        follows = self.source[match.end() : match.end() + 1]
        if text.endswith(",") and follows and follows in QUOTES:
            # A list goes on with a quoted value; the comma stays for the loop.
            self.at = match.end() - 1
            text = text[:-1]
        else:
            self.at = match.end()
        return Piece(text, False, (match.start(), self.at)) if text else None

    def _word(self) -> Token:
        match = _BARE.match(self.source, self.at)
        # Spaces, brackets and quotation marks were looked at before, so there is something.
        text = match.group() if match else self.source[self.at]
        start, self.at = self.at, self.at + len(text)
        span = (start, self.at)
        if text in ("AND", "OR", "NOT"):
            return Token(Kind(text), span, text)
        near = _NEAR.match(text)
        if near:
            ordered = near[1].upper() == "ONEAR" or bool(near[3])
            return Token(Kind.NEAR, span, text, int(near[2]), ordered)
        if text in ("NEAR", "ONEAR") or text.upper().startswith(("NEAR/", "ONEAR/")):
            self._error(span, _("Write how many other words may be between, such as NEAR/5."))
        elif text in ("||", "|", "&&", "!"):
            self._error(span, _("Write this as a word in capitals: AND, OR or NOT."))
        elif text.lower() in ("and", "or", "not"):
            self._warn(
                span,
                _("“%(word)s” is looked for as a word here. To combine words, write it in capitals: %(upper)s."),
                word=text, upper=text.upper(),
            )  # fmt: skip
        return Token(Kind.WORD, span, text)

    def _failed(self, start: int) -> bool:
        """Whether an error was already told of this field."""
        return any(one.severity is Severity.ERROR and one.span[0] >= start for one in self.problems[-1:])

    def _error(self, span: Span, template: Promise, **values: object) -> None:
        self.problems.append(Problem(Severity.ERROR, span, template, values))

    def _warn(self, span: Span, template: Promise, **values: object) -> None:
        self.problems.append(Problem(Severity.WARNING, span, template, values))

    def _note(self, span: Span, template: Promise, **values: object) -> None:
        self.problems.append(Problem(Severity.NOTE, span, template, values))


def _split(values: list[Piece]) -> list[Piece]:
    """Bare values at their commas."""
    found: list[Piece] = []
    for piece in values:
        if piece.quoted:
            found.append(piece)
        else:
            found += [Piece(one, False, piece.span) for one in piece.text.split(",") if one]
    return found
