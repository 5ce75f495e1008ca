"""The query language: text → tree, with errors that point at the place.

From the tightest: brackets, quotes and fields; ``NEAR/n`` and ``ONEAR/n`` (from the left); ``NOT`` and ``-``;
``AND`` and a space; ``OR``. The language for people: ``docs/how-to/listen.md``.

A query is read in one pass. What could make it slow is bounded: its length, its words, its depth, the reach of
a NEAR; each limit is an error that says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from rapport.listening import stem
from rapport.listening.fields import OPTIONS
from rapport.listening.leaves import Leaves
from rapport.listening.lexer import Kind, Lexer, Piece, Token
from rapport.listening.problems import Problem, QueryError, Severity
from rapport.listening.query import Query
from rapport.listening.tree import (
    And,
    Emoji,
    Field,
    Near,
    Node,
    Not,
    OneLetter,
    Or,
    Prefix,
    Span,
    Term,
    pushed,
)  # fmt: skip

LONGEST = 50_000  # characters
MOST_LEAVES = 2_000
DEEPEST = 30  # brackets
TALLEST = 100  # levels of the tree: brackets, the operators between them, and NEARs in a row
_OPENS = (Kind.OPEN, Kind.WORD, Kind.PHRASE, Kind.FIELD, Kind.NOT)


@dataclass(frozen=True)
class Parsed:
    """What became of a text: a query unless there is an error among ``problems``."""

    source: str
    query: Query | None
    problems: tuple[Problem, ...]


def parse(source: str) -> Query:
    """The query in a text. Raises QueryError, whose text points at the places."""
    parsed = read(source)
    if parsed.query is None:
        errors = tuple(one for one in parsed.problems if one.severity is Severity.ERROR)
        raise QueryError(source, errors)
    return parsed.query


def read(source: str) -> Parsed:
    """The query in a text, with all that can be said about it, the worst first; never raises."""
    try:
        parser = _Parser(source)
        query = parser.query()
    except QueryError as error:
        return Parsed(source, None, _sorted(error.problems))
    return Parsed(source, query, _sorted(parser.problems))


def _sorted(problems: tuple[Problem, ...] | list[Problem]) -> tuple[Problem, ...]:
    order = list(Severity)
    return tuple(sorted(problems, key=lambda one: (order.index(one.severity), one.span)))


class _Parser:
    def __init__(self, source: str) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.leaves = Leaves(source, self.problems)
        if len(source) > LONGEST:
            raise self.leaves.error(
                (LONGEST, LONGEST + 1),
                _("A query has at most %(most)d characters; this has %(count)d. Split it into several."),
                most=LONGEST, count=len(source),
            )  # fmt: skip
        lexer = Lexer(source)
        self.tokens = lexer.tokens()
        self.problems += lexer.problems
        if any(one.severity is Severity.ERROR for one in self.problems):
            raise QueryError(source, tuple(self.problems))
        self.place = 0
        self.depth = 0
        self.count = 0
        self.joins = False  # whether the last piece between two ORs was several, without brackets
        self.inside: Token | None = None  # the field whose bracket this is

    def query(self) -> Query:
        self._take_options()
        if self._at(Kind.END):
            raise self._error((0, len(self.source)), _("Write a word to look for."))
        root = self._or()
        if self._at(Kind.CLOSE):
            raise self._error(
                self.token.span, _("This bracket closes none. Remove it, or add “(” where it should begin.")
            )
        self._refuse_tall(root)
        self._refuse_wide(root)
        self._refuse_only_not(root)
        self._lint(root)
        return Query(root, self.source, self.leaves.accents, self.leaves.stems)

    # Tokens -----------------------------------------------------------------------------------
    @property
    def token(self) -> Token:
        return self.tokens[self.place]

    def _at(self, *kinds: Kind) -> bool:
        return self.token.kind in kinds

    def _next(self) -> Token:
        token = self.token
        self.place += 1
        return token

    # The grammar ------------------------------------------------------------------------------
    def _or(self) -> Node:
        parts = [self._and()]
        operators: list[Token] = []
        open_ends = self.joins
        while self._at(Kind.OR):
            operators.append(self._next())
            parts.append(self._and())
            open_ends = open_ends or self.joins
        if operators and open_ends:
            self.leaves.warn(
                operators[0].span,
                _("AND, and a space, join before OR does. Put brackets around what belongs together."),
            )
        return self._joined(Or, parts)

    def _and(self) -> Node:
        parts = [self._not()]
        while True:
            if self._at(Kind.AND):
                self._next()
            elif not self._at(*_OPENS):
                self.joins = len(parts) > 1
                return self._joined(And, parts)
            parts.append(self._not())

    def _not(self) -> Node:
        first = self.token
        negated = 0
        while self._at(Kind.NOT):
            self._next()
            negated += 1
        node = self._near()
        if negated > 1:
            self.leaves.warn(first.span, _("NOT twice is the same as none."))
        if negated % 2 == 0:
            return node
        return node.part if isinstance(node, Not) else Not(node, (first.span[0], node.span[1]))

    def _near(self) -> Node:
        left = self._one()
        while self._at(Kind.NEAR):
            near = self._next()
            number = near.number or 0
            self.leaves.near_number(number, near.span)
            right = self._one()
            for part in (left, right):
                self._refuse_far(part, near)
            left = Near(number, near.ordered, (left, right), (left.span[0], right.span[1]))
        return left

    def _one(self) -> Node:
        token = self._next()
        match token.kind:
            case Kind.OPEN:
                return self._bracket(token)
            case Kind.WORD | Kind.PHRASE:
                return self._leaf(token)
            case Kind.FIELD:
                return self._field(token)
            case _:
                raise self._missing(token)

    def _bracket(self, opening: Token) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self._error(
                opening.span,
                _("Brackets are at most %(most)d deep. Simplify the query, or split it."), most=DEEPEST,
            )  # fmt: skip
        if self._at(Kind.CLOSE):
            raise self._error((opening.span[0], self.token.span[1]), _("There is nothing in these brackets."))
        node = self._or()
        if not self._at(Kind.CLOSE):
            raise self._error(opening.span, _("This bracket is never closed. Add “)” where it should end."))
        self._next()
        self.depth -= 1
        return node

    def _leaf(self, token: Token) -> Node:
        self._count(token)
        if self.inside is not None:
            piece = Piece(token.text, token.kind is Kind.PHRASE, token.span)
            return self.leaves.field(_placed(self.inside, token.span), (piece,))
        if token.kind is Kind.PHRASE:
            return self.leaves.phrase(token)
        return self.leaves.word(token.text, token.span)

    def _field(self, token: Token) -> Node:
        if token.text in OPTIONS:
            raise self._error(
                token.span, _("“%(name)s:” is about the whole query. Write it first, without AND, OR or brackets."),
                name=token.text,
            )  # fmt: skip
        if self.inside is not None:
            raise self._error(
                token.span, _("Inside the brackets of “%(name)s:” there can be values only."),
                name=self.inside.text,
            )  # fmt: skip
        if token.values:
            self._count(token)
            return self.leaves.field(token, token.values)
        self.inside = token
        node = self._bracket(self._next())
        self.inside = None
        return node

    def _joined(self, kind: type[And] | type[Or], parts: list[Node]) -> Node:
        if len(parts) == 1:
            return parts[0]
        flat: list[Node] = []
        for part in parts:
            flat += part.parts if isinstance(part, kind) else (part,)
        twice = next((part for part, count in Counter(flat).items() if count > 1), None)
        if twice is not None:
            self.leaves.warn(twice.span, _("This is here twice."))
        return kind(tuple(flat), (parts[0].span[0], parts[-1].span[1]))

    # Limits -----------------------------------------------------------------------------------
    def _count(self, token: Token) -> None:
        self.count += max(1, len(token.values))
        if self.count > MOST_LEAVES:
            raise self._error(
                token.span, _("A query has at most %(most)d words, phrases and values. Split it into several."),
                most=MOST_LEAVES,
            )  # fmt: skip

    def _refuse_far(self, part: Node, near: Token) -> None:
        for node in part.parts if isinstance(part, Or) else (part,):
            if not isinstance(node, Term | Prefix | OneLetter | Emoji | Near):
                raise self._error(
                    node.span,
                    _("%(near)s stands between words and phrases, or groups of them with OR: (late OR delayed) %(near)s flight. This is something else."),
                    near=near.text,
                )  # fmt: skip

    def _refuse_tall(self, root: Node) -> None:
        level: tuple[Node, ...] = (root,)
        for _height in range(TALLEST):
            level = tuple(part for node in level for part in _parts(node))
            if not level:
                return
        raise self._error(level[0].span, _("The query is nested too deeply here. Simplify it, or split it."))

    def _refuse_wide(self, node: Node) -> int:
        """How many words may be between in a part with all NEARs in one another; matching takes time for each."""
        inside = [self._refuse_wide(part) for part in _parts(node)]
        if not isinstance(node, Near):
            return max(inside, default=0)
        self.leaves.near_number(node.n + sum(inside), node.span)
        return node.n + sum(inside)

    def _refuse_only_not(self, root: Node) -> None:
        def lacks(node: Node) -> Node | None:
            """What of a tree with its NOTs at the leaves could be true of a post that has nothing of it."""
            if isinstance(node, Not):
                return node
            if isinstance(node, Or):
                return next((found for part in node.parts if (found := lacks(part))), None)
            if isinstance(node, And):
                all_lack = [lacks(part) for part in node.parts]
                return None if None in all_lack else all_lack[0]
            return None

        found = lacks(pushed(root))
        if found is not None:
            raise self._error(
                found.span,
                _("This only says what to leave out, so nearly every post would match. Add a word to look for with AND."),
            )  # fmt: skip

    # What is worth saying ---------------------------------------------------------------------
    def _lint(self, root: Node) -> None:
        if all(isinstance(leaf, Field) and leaf.name != "title" for leaf in _positive(pushed(root))):
            self.leaves.warn(
                root.span, _("There are only fields here, so every post that has them matches, whatever it says.")
            )  # fmt: skip

    def _missing(self, token: Token) -> QueryError:
        before = self.tokens[self.place - 2] if self.place >= 2 else None
        if before is not None and before.kind in (Kind.AND, Kind.OR, Kind.NOT, Kind.NEAR):
            if token.kind in (Kind.END, Kind.CLOSE):
                return self._error(
                    before.span, _("Nothing follows this %(operator)s. Add a word behind it, or remove it."),
                    operator=self._written(before),
                )  # fmt: skip
            return self._error(
                token.span, _("%(first)s and %(second)s stand side by side. Remove one, or put a word between them."),
                first=self._written(before), second=self._written(token),
            )  # fmt: skip
        if token.kind is Kind.CLOSE:
            return self._error(
                token.span, _("This bracket closes none. Remove it, or add “(” where it should begin.")
            )
        if token.kind is Kind.END:  # only an opening bracket can be before it
            return self._error(
                before.span if before else token.span,
                _("This bracket is never closed. Add “)” where it should end."),
            )
        return self._error(
            token.span, _("Nothing stands before this %(operator)s. Add a word before it, or remove it."),
            operator=self._written(token),
        )  # fmt: skip

    def _written(self, token: Token) -> str:
        return self.source[slice(*token.span)]

    def _error(self, span: Span, template: Promise, **values: object) -> QueryError:
        return self.leaves.error(span, template, **values)

    # Options ----------------------------------------------------------------------------------
    def _take_options(self) -> None:
        """Read the options at the beginning of the query, before any leaf is made."""
        while self._at(Kind.FIELD) and self.token.text in OPTIONS:
            token = self._next()
            written = [piece.text.lower() for piece in token.values]
            if token.text == "accents":
                if written not in (["exact"], ["any"]):
                    raise self._error(
                        token.span, _("“accents:” takes exact (accents matter) or any (they do not).")
                    )
                self.leaves.accents = written == ["exact"]
                continue
            for one in written or [""]:
                if one not in stem.ENDINGS:
                    raise self._error(
                        token.span, _("“stem:” takes the codes of languages: %(names)s."),
                        names=", ".join(stem.ENDINGS),
                    )  # fmt: skip
            self.leaves.stems = tuple(sorted({*self.leaves.stems, *written}))
        if self.leaves.stems and self.leaves.accents:
            self.leaves.warn(
                (0, self.token.span[0]), _("With accents:exact, other endings of a word are not looked for.")
            )


def _placed(token: Token, span: Span) -> Token:
    return Token(token.kind, span, token.text, operator=token.operator)


def _parts(node: Node) -> tuple[Node, ...]:
    return node.parts if isinstance(node, And | Or | Near) else (node.part,) if isinstance(node, Not) else ()


def _positive(node: Node) -> Iterator[Node]:
    if isinstance(node, And | Or):
        for part in node.parts:
            yield from _positive(part)
    elif not isinstance(node, Not):
        yield node
