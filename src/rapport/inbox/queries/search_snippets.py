"""The piece of a text in which a search found a case, with what was found marked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rapport.contacts.models import Identity
from rapport.inbox.models import Message, Note
from rapport.inbox.queries.search import Hit
from rapport.inbox.queries.search_parse import Query, Words
from rapport.lib.normalise import Mapped
from rapport.lib.terms import is_run

_BEFORE, _LENGTH = 30, 140
# Marking walks through a text character by character; a letter of a hundred pages is marked at its beginning.
_LONGEST = 20_000


@dataclass(frozen=True)
class Snippet:
    """``pieces`` of plain text in order, each with whether it is what was looked for; together one line.
    ``message_id``: the message it is from, where it is from one. ``note``: whether it is from a note."""

    pieces: tuple[tuple[str, bool], ...]
    message_id: int | None = None
    note: bool = False


def snippets(query: Query, hits: Mapping[int, Hit]) -> dict[int, Snippet]:
    """By case id, for the cases of one page: one query for each kind of text."""
    by_kind: dict[str, list[int]] = {}
    for hit in hits.values():
        by_kind.setdefault(hit.kind, []).append(hit.id)
    messages, notes, people = _messages(by_kind), _notes(by_kind), _people(by_kind)
    found: dict[int, Snippet] = {}
    for case_id, hit in hits.items():
        match hit.kind:
            case "message":
                text, subject = messages.get(hit.id, ("", None))
                pieces = marked(text, query.wanted)
                if isinstance(subject, str) and not any(mark for _piece, mark in pieces):
                    pieces = marked(f"{subject}: {text}", query.wanted)
                found[case_id] = Snippet(pieces, message_id=hit.id)
            case "note":
                found[case_id] = Snippet(marked(notes.get(hit.id, ""), query.wanted), note=True)
            case "person":
                # A name that was not looked for, because somebody else is meant by `from:`, tells nothing.
                if query.wanted:
                    found[case_id] = Snippet(marked(people.get(hit.id, ""), query.wanted))
    return found


def _messages(by_kind: Mapping[str, Sequence[int]]) -> dict[int, tuple[str, object]]:
    """Texts and subjects by id."""
    if "message" not in by_kind:
        return {}
    found = Message.objects.filter(id__in=by_kind["message"]).values_list("id", "text", "facts__subject")
    return {row[0]: (row[1], row[2]) for row in found}


def _notes(by_kind: Mapping[str, Sequence[int]]) -> dict[int, str]:
    return (
        dict(Note.objects.filter(id__in=by_kind["note"]).values_list("id", "text"))
        if "note" in by_kind
        else {}
    )


def _people(by_kind: Mapping[str, Sequence[int]]) -> dict[int, str]:
    """Names and handles in a line, by identity."""
    if "person" not in by_kind:
        return {}
    found = Identity.objects.filter(id__in=by_kind["person"])
    return {
        row[0]: " ".join(dict.fromkeys(part for part in row[1:] if part))
        for row in found.values_list("id", "contact__name", "name", "handle")
    }


def marked(text: str, wanted: Sequence[Words]) -> tuple[tuple[str, bool], ...]:
    """A line of ``text`` around the first place that was looked for, cut to some 140 characters."""
    text = text[:_LONGEST]
    mapped = Mapped(text)
    spans = _merged(sorted(span for words in wanted for span in _places(mapped, words)))
    start = max(spans[0][0] - _BEFORE, 0) if spans else 0
    if start:
        # From the beginning of a word, where one begins nearby.
        space = text.find(" ", start, spans[0][0])
        start = space + 1 if space >= 0 else start
    end = min(start + _LENGTH, len(text))
    pieces: list[tuple[str, bool]] = [("…", False)] if start else []
    place = start
    for first, last in spans:
        if first >= end:
            break
        pieces += [(_line(text[place:first]), False), (_line(text[first : min(last, end)]), True)]
        place = min(last, end)
    pieces.append((_line(text[place:end]) + ("…" if end < len(text) else ""), False))
    return tuple(piece for piece in pieces if piece[0])


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _places(mapped: Mapped, words: Words) -> Iterator[tuple[int, int]]:
    """Where ``words`` stand in the original."""
    needle = words.normalised
    before = "" if is_run(needle[0]) else r"(?<![^ ])"
    after = "" if is_run(needle[-1]) else r"[^ ]*" if words.goes_on else r"(?![^ ])"
    for match in re.finditer(before + re.escape(needle) + after, mapped.text):
        yield mapped.span(match.start(), match.end())


def _merged(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for first, last in spans:
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged
