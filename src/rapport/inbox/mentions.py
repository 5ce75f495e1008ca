"""Colleagues named in a note: who is meant, and whether they have seen it.

``@`` and somebody's full name, first name or initials, in any letter case. Where names begin alike the
longest that fits counts; where several people share it, all of them are meant: one too many who knows is
better than the one who does not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils import timezone

from rapport.inbox.models import Mention, Note
from rapport.inbox.queries.people import assignable_users
from rapport.staff.models import User


@dataclass(frozen=True)
class Named:
    """Where in a text somebody is named: ``text[start:end]`` with its ``@``, and who may be meant."""

    start: int
    end: int
    user_ids: frozenset[int]


def named_in(text: str, people: Iterable[User]) -> tuple[Named, ...]:
    """Every place of ``text`` that names one of ``people``, from first to last."""
    ids: dict[str, set[int]] = defaultdict(set)
    for person in people:
        for name in (" ".join(person.name.split()), person.first_name, person.initials):
            if name:
                ids[name.casefold()].add(person.id)
    longest_first = sorted(ids, key=len, reverse=True)
    # Letter by letter, so that places stay true where a folded letter is longer than it was ("ß").
    found: list[Named] = []
    at = text.find("@")
    while at >= 0:
        end = at + 1
        if at == 0 or not _in_word(text[at - 1]):
            for name in longest_first:
                stop = _end_of(text, at + 1, name)
                if stop is not None:
                    end = stop
                    found.append(Named(at, end, frozenset(ids[name])))
                    break
        at = text.find("@", end)
    return tuple(found)


def _end_of(text: str, start: int, name: str) -> int | None:
    """Where ``name`` (folded) ends that begins at ``start``, None when another word stands there."""
    left, at = name, start
    while left:
        if at >= len(text):
            return None
        folded = " " if text[at].isspace() else text[at].casefold()
        if not folded or not left.startswith(folded):
            return None
        left = left[len(folded) :]
        at += 1
    return None if at < len(text) and _in_word(text[at]) else at


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def record_mentions(*, note: Note, brand_id: int, case_id: int) -> list[int]:
    """Store who is named in a new note, among the people who work for the brand; returns their ids.

    Whoever names themselves is not told. Runs in the transaction that wrote the note.
    """
    if "@" not in note.text:
        return []
    named = named_in(note.text, assignable_users(brand_id=brand_id))
    user_ids = sorted(frozenset[int]().union(*(one.user_ids for one in named)) - {note.author_id})
    Mention.objects.bulk_create(
        [Mention(note=note, case_id=case_id, user_id=user_id) for user_id in user_ids], ignore_conflicts=True
    )
    return user_ids


def mark_seen(*, user: User, case_id: int) -> int:
    """``user`` looks at the case: what named them there is read. Returns how many mentions that were."""
    return Mention.objects.filter(user=user, case_id=case_id, seen_at__isnull=True).update(
        seen_at=timezone.now()
    )
