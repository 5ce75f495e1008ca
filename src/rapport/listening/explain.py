"""A query in words: a tree of sentences for the person who wrote it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import date_format
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rapport.listening.fields import BY_NAME
from rapport.listening.query import Query
from rapport.listening.show import show_node
from rapport.listening.tree import (
    And,
    Emoji,
    Field,
    Mention,
    Near,
    Node,
    Not,
    OneLetter,
    Or,
    Prefix,
    Raw,
    Tag,
    Term,
    Ticker,
    Value,
)  # fmt: skip


@dataclass(frozen=True)
class Sentence:
    """What one part asks for; with ``parts``, its words end where these begin."""

    words: str
    parts: tuple[Sentence, ...] = ()

    def lines(self, *, indent: str = "  ") -> list[str]:
        """The sentence and what is below it, deeper by ``indent`` each."""
        return [self.words, *(indent + line for part in self.parts for line in part.lines(indent=indent))]


def in_words(query: Query) -> Sentence:
    """The whole query."""
    sentence = explain(query.root)
    options = []
    if query.accents:
        options.append(Sentence(_("Accents matter.")))
    if query.stems:
        options.append(
            Sentence(_("Other endings count too, for: %(names)s.") % {"names": ", ".join(query.stems)})
        )
    return Sentence(_("Posts with:"), (sentence, *options))


def explain(node: Node) -> Sentence:
    """One part of a query."""
    match node:
        case And():
            return Sentence(_("all of these:"), tuple(map(explain, node.parts)))
        case Or():
            return Sentence(_("at least one of these:"), tuple(map(explain, node.parts)))
        case Not():
            return Sentence(_("not this:"), (explain(node.part),))
        case Near():
            return Sentence(_near(node), tuple(map(explain, node.parts)))
        case _:
            return Sentence(_leaf(node))


def _near(node: Near) -> str:
    if node.n == 0:
        return _("these side by side, in this order:") if node.ordered else _("these side by side:")
    if node.ordered:
        text = ngettext(
            "these in this order, with at most %(count)d other word between:",
            "these in this order, with at most %(count)d other words between:",
            node.n,
        )
    else:
        text = ngettext(
            "these in any order, with at most %(count)d other word between:",
            "these in any order, with at most %(count)d other words between:",
            node.n,
        )
    return text % {"count": node.n}


def _leaf(node: Node) -> str:
    match node:
        case Term(forms=forms) if forms:
            return _("the word “%(word)s” or another ending of it") % {"word": node.text}
        case Term():
            written = node.symbols or node.accented or node.text
            if " " in written:
                return _("the words “%(words)s”, side by side") % {"words": written}
            return _("the word “%(word)s”") % {"word": written}
        case Prefix():
            written = node.symbols or node.accented or node.text
            if " " in written:
                return _("words that begin with “%(words)s”, side by side") % {"words": written}
            return _("a word that begins with “%(word)s”") % {"word": written}
        case OneLetter():
            written = (node.accented or node.text) + ("*" if node.beginning else "")
            return _("“%(word)s”, where each ? is any one letter") % {"word": written}
        case Emoji():
            return _("the emoji %(emoji)s") % {"emoji": node.text.replace(" ", "")}
        case Raw():
            return _("exactly “%(text)s”, with these signs and capitals") % {"text": node.text}
        case Tag():
            if node.beginning:
                return _("a hashtag that begins with #%(name)s") % {"name": node.name}
            return _("the hashtag #%(name)s") % {"name": node.name}
        case Mention():
            return _("a mention of @%(name)s") % {"name": node.name}
        case Ticker():
            return _("the share sign $%(name)s") % {"name": node.name}
        case Field():
            return _field(node)
        case _:
            return show_node(node)


def _field(node: Field) -> str:
    spec = BY_NAME[node.name]
    values = [_value(node, one) for one in node.values]
    sign = {">": "> ", ">=": "≥ ", "<": "< ", "<=": "≤ "}.get(node.operator, "")
    return _("%(field)s: %(values)s") % {
        "field": spec.does,
        "values": get_text_list([f"{sign}{one}" for one in values], _("or")),
    }


def _value(node: Field, value: Value) -> str:
    if isinstance(value, datetime):
        return date_format(value, "Y-m-d H:i" if value.hour or value.minute else "Y-m-d")
    if isinstance(value, str) and value in BY_NAME[node.name].values:
        return str(BY_NAME[node.name].values[value])
    return str(value)
