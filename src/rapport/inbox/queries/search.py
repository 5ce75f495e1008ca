"""Finding cases by words: in messages, in notes, and in contacts' names and handles; narrowed by fields.

A text is found when it has every word and phrase and none that is left out. Its terms are in an index that
``inbox/words.py`` fills behind the ingest; texts that are not read yet are cut into terms here, so a message is
found as soon as it is there. The newest texts are looked at first, until there are enough cases: a word that is
everywhere costs no more than a rare one, and ``cut`` says when older texts were left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from django.db import connection
from django.utils.translation import gettext as _

from rapport.inbox.queries import search_index as index
from rapport.inbox.queries.search_days import months
from rapport.inbox.queries.search_fields import NotUnderstood
from rapport.inbox.queries.search_parse import Query, Words, parse_query, words_of
from rapport.inbox.queries.search_resolve import Meaning, channels_of, resolve
from rapport.inbox.queries.search_terms import Endings, Key, asked, of_vector
from rapport.inbox.queries.search_walk import newest_first
from rapport.inbox.words import IDENTITIES, MESSAGES, NOTES, Source
from rapport.lib.pg import array
from rapport.staff.models import User

__all__ = ["Hit", "Matches", "Query", "matching_cases", "parse_query"]

# Enough cases to page through; a search that would find more says so.
ENOUGH = 200
# Texts of one kind that a search looks at.
MOST_TEXTS = 6000
# Texts of named people.
MOST_BY_AUTHORS = 1000
# People that a name may mean.
MOST_PEOPLE = 1000


@dataclass(frozen=True)
class Hit:
    """Where a case was found: in the newest text of it that fits. A person is found by name or handle."""

    kind: Literal["message", "note", "person"]
    id: int


@dataclass(frozen=True, kw_only=True)
class Matches:
    """What a search found. ``case_ids``: in no order; None when it only narrows, by ``conditions`` on
    ``inbox_case c`` with ``params``. ``cut``: there may be more, in older texts than were looked at or in texts
    that wait to be read."""

    case_ids: tuple[int, ...] | None
    hits: Mapping[int, Hit] = field(default_factory=dict)
    cut: bool = False
    conditions: tuple[str, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)


_OF_MESSAGES = """
    SELECT case_id, id FROM (
        SELECT DISTINCT ON (c.id) c.id AS case_id, m.id
        FROM inbox_message m
        JOIN contacts_identity i ON i.id = m.identity_id
        JOIN inbox_casethread ct ON ct.thread_id = m.thread_id AND (m.from_brand OR ct.contact_id = i.contact_id)
        JOIN inbox_case c ON c.id = ct.case_id
        WHERE m.id = ANY(%(s_ids)s::bigint[]) AND m.deleted_at IS NULL AND {conditions}
        ORDER BY c.id, m.id DESC
    ) AS one ORDER BY id DESC LIMIT %(s_enough)s
"""
_OF_NOTES = """
    SELECT case_id, id FROM (
        SELECT DISTINCT ON (c.id) c.id AS case_id, n.id
        FROM inbox_note n JOIN inbox_case c ON c.id = n.case_id
        WHERE n.id = ANY(%(s_ids)s::bigint[]) AND {conditions}
        ORDER BY c.id, n.id DESC
    ) AS one ORDER BY id DESC LIMIT %(s_enough)s
"""
_OF_PEOPLE = """
    SELECT case_id, id FROM (
        SELECT DISTINCT ON (c.id) c.id AS case_id, i.id
        FROM contacts_identity i JOIN inbox_case c ON c.contact_id = i.contact_id
        WHERE i.id = ANY(%(s_ids)s::bigint[]) AND NOT i.is_brand AND {conditions}
        ORDER BY c.id, i.id DESC
    ) AS one ORDER BY id DESC LIMIT %(s_enough)s
"""
_BY_AUTHORS = """
    SELECT w.message_id FROM inbox_message m JOIN inbox_messagewords w ON w.message_id = m.id
    WHERE m.identity_id = ANY(%(s_authors)s) AND w.words @@ %(s_query)s::tsquery
    ORDER BY w.message_id DESC LIMIT %(s_enough)s
"""


def matching_cases(*, user: User, query: Query, brand_ids: Sequence[int]) -> Matches:
    """Cases of these brands, which ``user`` may see, that fit ``query``. Merged cases are left out.

    Raises NotUnderstood for a field's value that names nothing.
    """
    if query.empty or not brand_ids:
        return Matches(case_ids=())
    meaning = resolve(user=user, query=query, brand_ids=brand_ids)
    return _Search(query, meaning, brand_ids).run()


class _Search:
    """One search: what it asks for, and what it has found so far."""

    def __init__(self, query: Query, meaning: Meaning, brand_ids: Sequence[int]) -> None:
        self.query = query
        self.meaning = meaning
        self.unread = index.Unread()
        self.cut = self.unread.cut
        self.hits: dict[int, Hit] = {}
        self.endings = self._endings(query.wanted + query.excluded)
        self.conditions = ["c.brand_id = ANY(%(s_brands)s)", "c.status <> 'merged'", *meaning.cases]
        self.channels = channels_of(brand_ids, meaning.channels)
        self.params: dict[str, Any] = {
            **meaning.params,
            "s_brands": list(brand_ids),
            "s_channels": sorted(meaning.channels or ()),
            "s_since": meaning.since,
            "s_until": meaning.until,
            "s_enough": ENOUGH,
            "s_authors": sorted(self._identities(meaning.authors)) if meaning.authors else [],
            "s_others": sorted(self._identities(meaning.not_authors)) if meaning.not_authors else [],
        }

    def run(self) -> Matches:
        meaning = self.meaning
        if self.query.wanted or meaning.positive:
            self._messages()
            if not meaning.by_message:
                self._notes()
                if meaning.since is None and meaning.until is None:
                    self._people(self._texts(IDENTITIES, ()))
            return Matches(case_ids=tuple(self.hits), hits=self.hits, cut=self.cut)
        if meaning.facts or meaning.not_facts:
            raise NotUnderstood(_("Add a word to look for: a search cannot only leave words out."))
        narrowed = [*self.conditions, *self._of_case()]
        if meaning.authors:
            self.conditions = narrowed
            self._people([self.params["s_authors"]])
            return Matches(case_ids=tuple(self.hits), hits=self.hits, cut=self.cut)
        return Matches(case_ids=None, conditions=tuple(narrowed), params=self.params)

    def _of_case(self) -> Iterator[str]:
        """What is otherwise asked of a message, asked of the case: where it came to, when it ran, who it is with."""
        if self.meaning.channels is not None:
            yield "c.channel_id = ANY(%(s_channels)s)"
        if self.meaning.since is not None:
            yield "c.last_message_at >= %(s_since)s"
        if self.meaning.until is not None:
            yield "c.opened_at < %(s_until)s"
        if self.meaning.not_authors:
            yield (
                "NOT EXISTS (SELECT FROM contacts_identity other "
                "WHERE other.contact_id = c.contact_id AND other.id = ANY(%(s_others)s))"
            )

    def _messages(self) -> None:
        meaning, conditions = self.meaning, [*self.conditions, "m.brand_id = ANY(%(s_brands)s)"]
        facts = [*meaning.facts, *self._time()]
        if self.channels is not None:
            facts.append(Key(tuple(f"c:{one}" for one in self.channels)))
        if meaning.channels is not None:
            conditions.append("m.channel_id = ANY(%(s_channels)s)")
        if meaning.since is not None:
            conditions.append("m.sent_at >= %(s_since)s")
        if meaning.until is not None:
            conditions.append("m.sent_at < %(s_until)s")
        if meaning.not_authors:
            conditions.append("m.identity_id <> ALL(%(s_others)s)")
        if meaning.authors:
            conditions.append("m.identity_id = ANY(%(s_authors)s)")
        self._collect("message", _OF_MESSAGES, conditions, self._texts(MESSAGES, facts, meaning.not_facts))

    def _time(self) -> list[Key]:
        """The months of the time that is asked for."""
        since, until = self.meaning.since, self.meaning.until
        return [] if since is None and until is None else [months(since, until)]

    def _notes(self) -> None:
        conditions = [*self.conditions]
        if self.meaning.channels is not None:
            conditions.append("c.channel_id = ANY(%(s_channels)s)")
        if self.meaning.since is not None:
            conditions.append("n.created_at >= %(s_since)s")
        if self.meaning.until is not None:
            conditions.append("n.created_at < %(s_until)s")
        self._collect("note", _OF_NOTES, conditions, self._texts(NOTES, self._time()))

    def _people(self, batches: Iterable[list[int]]) -> None:
        conditions = [*self.conditions]
        if self.meaning.channels is not None:
            conditions.append("c.channel_id = ANY(%(s_channels)s)")
        self._collect("person", _OF_PEOPLE, conditions, batches)

    def _texts(
        self, source: Source, facts: Sequence[Key], not_facts: Sequence[Key] = ()
    ) -> Iterator[list[int]]:
        """The ids of a source's texts that fit, newest first: the ones not read yet, then the index."""
        query = self.query
        yield self.unread.fitting(source, of_vector(query.wanted, query.excluded, facts, not_facts))
        in_index = asked(query.wanted, query.excluded, facts, not_facts, self.endings)
        if source is MESSAGES and self.meaning.authors:
            with connection.cursor() as cursor:
                cursor.execute(
                    _BY_AUTHORS, {**self.params, "s_query": in_index.whole, "s_enough": MOST_BY_AUTHORS}
                )
                ids = [row[0] for row in cursor.fetchall()]
            self.cut |= len(ids) >= MOST_BY_AUTHORS
            yield [one for one in ids if one not in self.unread.ids[source]]
            return
        yield from newest_first(
            source,
            in_index,
            but=self.unread.ids[source],
            since=self.meaning.since,
            until=self.meaning.until,
        )

    def _collect(
        self,
        kind: Literal["message", "note", "person"],
        statement: str,
        conditions: Sequence[str],
        batches: Iterable[list[int]],
    ) -> None:
        """Note the cases of the texts, batch by batch, until there are enough."""
        statement = statement.replace("{conditions}", " AND ".join(conditions))
        found: set[int] = set()
        looked = 0
        for ids in batches:
            looked += len(ids)
            if not ids:
                continue
            with connection.cursor() as cursor:
                cursor.execute(statement, {**self.params, "s_ids": array(ids)})
                rows = cursor.fetchall()
            self.cut |= len(rows) >= ENOUGH
            for case_id, text_id in rows:
                self.hits.setdefault(case_id, Hit(kind, text_id))
                found.add(case_id)
            if len(found) >= ENOUGH or looked >= MOST_TEXTS:
                # Whether there are more is not asked, which may take as long as finding these.
                self.cut = True
                return

    def _identities(self, narrowings: Iterable[Sequence[str]]) -> set[int]:
        """Who may be meant: for each narrowing one of its names."""
        found: set[int] | None = None
        for values in narrowings:
            any_of: set[int] = set()
            for value in values:
                any_of |= self._named(value)
            found = any_of if found is None else found & any_of
        return found or set()

    def _named(self, value: str) -> set[int]:
        wanted = words_of(value)
        if not wanted:
            raise NotUnderstood(_("“from:” needs a name or handle."))
        ids = set(self.unread.fitting(IDENTITIES, of_vector(wanted, (), (), ())))
        in_index = asked(wanted, (), (), (), self._endings(wanted))
        for batch in newest_first(IDENTITIES, in_index, but=self.unread.ids[IDENTITIES]):
            if len(ids) >= MOST_PEOPLE:
                self.cut = True
                break
            ids.update(batch)
        return ids

    def _endings(self, wanted: Sequence[Words]) -> Endings:
        found = index.endings(wanted)
        self.cut |= any(len(one) >= index.ENDINGS for one in found.values())
        return found
