"""The public "Customer Support on Twitter" format: companies and customers, joined by reply links.

Conversations are the connected parts of the graph of reply links whose parent is in the file. A
conversation belongs to every company that wrote in it. Only ids, parents and authors are kept in
memory (about 40 bytes a row, three times that while ids are sorted); texts are read again.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from django.utils.text import slugify

from rapport.imports.lines import Lines
from rapport.imports.records import csv_records
from rapport.imports.source import FUTURE_DAYS, FileReader, Progress, Row, Target
from rapport.lib.errors import Invalid
from rapport.lib.near import near_matches
from rapport.networks.base import MessageSeen, RawItem
from rapport.networks.files.parse import TWCS_COLUMNS, is_company, truth, twcs_account, twcs_events

_MENTION = re.compile(r"(?<![A-Za-z0-9_])@([A-Za-z0-9_]{1,50})")
_TICK = 2000  # rows between two reports of progress
_NOBODY = -1


@dataclass(frozen=True, slots=True)
class _Tweet:
    """A row that can be used. ``company``: the author, when it is one."""

    line: int
    id: int
    parent: int | None
    company: str | None
    text: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Bad:
    line: int
    reason: str
    excerpt: str


def company_target(handle: str) -> Target:
    """The channel of a company: brand and channel are named after its handle."""
    return Target(
        account=twcs_account(handle),
        handle=handle,
        # A handle may be all underscores, which a slug drops.
        brand=slugify(handle)[:60] or f"brand-{len(handle)}",
        brand_name=handle,
        any_brand=True,
    )


class TwcsSource:
    """One file. ``brand``: import only what belongs to it. ``known``: handles of companies imported before.

    ``brand_handles``: handles of channels the wanted brand already has here, whatever it is called now.
    ``fallback``: where conversations go that name no company, when ``brand`` was given.
    """

    def __init__(
        self,
        path: Path,
        *,
        brand: str = "",
        known: frozenset[str] = frozenset(),
        brand_handles: frozenset[str] = frozenset(),
        fallback: Target | None = None,
    ) -> None:
        self.passes = 2
        self._reader = FileReader(path, self.passes)
        self._brand = brand
        self._brand_handles = brand_handles
        self._fallback = fallback
        self._latest = datetime.now(UTC) + timedelta(days=FUTURE_DAYS)
        self._companies: list[str] = []
        self._codes: dict[str, int] = {}
        for handle in sorted(known):
            self._code(handle)
        self._ids = array("q")
        self._repeated: frozenset[int] = frozenset()
        self._joined = array("i")
        # Which companies a conversation belongs to: an index into _sets, kept at its root.
        self._owner = array("i")
        self._sets: list[frozenset[int]] = []
        self._set_index: dict[frozenset[int], int] = {}
        self._wanted: frozenset[int] = frozenset()
        self._targets: dict[int, tuple[Target, ...]] = {}
        self._links = 0
        self._conversations = 0

    # The first pass ------------------------------------------------------------------------------
    def prepare(self, progress: Progress) -> None:
        """Join the rows into conversations and tell whose they are. Raises :class:`Invalid`."""
        ids, parents, authors = array("q"), array("q"), array("i")
        with self._reader.lines(progress, "reading") as (lines, tick):
            for number, tweet in enumerate(self._tweets(lines)):
                if isinstance(tweet, _Tweet):
                    ids.append(tweet.id)
                    parents.append(_NOBODY if tweet.parent is None else tweet.parent)
                    authors.append(_NOBODY if tweet.company is None else self._code(tweet.company))
                if number % _TICK == 0:
                    tick()
        self._join(ids, parents, authors)
        if any(self._owner[node] == _NOBODY for node in self._roots()):
            self._ask_mentions(progress)
        self._choose()
        self._count(ids, parents)

    def _tweets(self, lines: Lines) -> Iterator[_Tweet | _Bad]:
        for record in csv_records(lines, needed=TWCS_COLUMNS):
            if record.fields is None:
                yield _Bad(record.line, record.problem, record.excerpt)
                continue
            payload = {column: record.fields[column] for column in TWCS_COLUMNS}
            try:
                message = twcs_events(payload)[0]
                assert isinstance(message, MessageSeen)
                if message.sent_at > self._latest:
                    raise ValueError("created_at lies in the future")
                # Copies of the data set write it in two ways; the same row must stay the same event.
                if payload["inbound"] not in {"True", "False"}:
                    payload["inbound"] = str(truth(payload, "inbound"))
            except ValueError as error:
                yield _Bad(record.line, str(error), ",".join(map(str, record.fields.values())))
                continue
            author = payload["author_id"]
            yield _Tweet(
                line=record.line,
                id=int(message.external_id),
                parent=int(message.parent_id) if message.parent_id else None,
                company=author if is_company(author) else None,
                text=message.text,
                payload=payload,
            )

    def _code(self, handle: str) -> int:
        code = self._codes.get(handle)
        if code is None:
            code = self._codes[handle] = len(self._companies)
            self._companies.append(handle)
        return code

    def _join(self, ids: array[int], parents: array[int], authors: array[int]) -> None:
        self._ids = array("q", sorted(ids))
        self._repeated = frozenset(one for one, next_one in pairwise(self._ids) if one == next_one)
        self._joined = array("i", range(len(self._ids)))
        for tweet_id, parent in self._first_rows(ids, parents):
            node = self._node(parent)
            if node is not None:
                self._joined[self._root(node)] = self._root(bisect_left(self._ids, tweet_id))
        self._owner = array("i", [_NOBODY]) * len(self._ids)
        for tweet_id, author in self._first_rows(ids, authors):
            if author != _NOBODY:
                self._add_owners(self._root(bisect_left(self._ids, tweet_id)), frozenset((author,)))

    def _first_rows(self, ids: array[int], values: array[int]) -> Iterator[tuple[int, int]]:
        """``(id, value)`` in the file's order; of rows with one id only the first counts."""
        seen: set[int] = set()
        for tweet_id, value in zip(ids, values, strict=True):
            if tweet_id in self._repeated:
                if tweet_id in seen:
                    continue
                seen.add(tweet_id)
            yield tweet_id, value

    def _node(self, tweet_id: int) -> int | None:
        node = bisect_left(self._ids, tweet_id)
        return node if node < len(self._ids) and self._ids[node] == tweet_id else None

    def _root(self, node: int) -> int:
        joined = self._joined
        while joined[node] != node:
            joined[node] = joined[joined[node]]
            node = joined[node]
        return node

    def _roots(self) -> Iterator[int]:
        """One node per conversation. A repeated id has spare nodes that belong to nothing."""
        previous = None
        for node, tweet_id in enumerate(self._ids):
            if self._joined[node] == node and tweet_id != previous:
                yield node
            previous = tweet_id

    def _add_owners(self, root: int, companies: frozenset[int]) -> None:
        before = self._owner[root]
        together = companies if before == _NOBODY else self._sets[before] | companies
        index = self._set_index.get(together)
        if index is None:
            index = self._set_index[together] = len(self._sets)
            self._sets.append(together)
        self._owner[root] = index

    def _ask_mentions(self, progress: Progress) -> None:
        """Conversations in which no company wrote belong to the known companies they mention."""
        code_of = {handle.lower(): code for handle, code in self._codes.items()}
        mentioned: dict[int, frozenset[int]] = {}
        self._reader.more_passes(1)
        with self._reader.lines(progress, "looking for brands") as (lines, tick):
            for number, tweet in enumerate(self._tweets(lines)):
                if number % _TICK == 0:
                    tick()
                if isinstance(tweet, _Bad):
                    continue
                node = self._node(tweet.id)
                if node is None or self._owner[root := self._root(node)] != _NOBODY:
                    continue
                names = (name.lower() for name in _MENTION.findall(tweet.text))
                found = frozenset(code_of[name] for name in names if name in code_of)
                if found:
                    mentioned[root] = mentioned.get(root, frozenset()) | found
        for root, companies in mentioned.items():
            self._add_owners(root, companies)

    # What is imported ----------------------------------------------------------------------------
    def _choose(self) -> None:
        if not self._brand:
            return
        wanted = {self._brand.removeprefix("@").casefold()}
        slugs = {slugify(self._brand)} - {""}
        handles = {handle.casefold() for handle in self._brand_handles}
        self._wanted = frozenset(
            code
            for handle, code in self._codes.items()
            if handle.casefold() in wanted | handles or slugify(handle) in slugs
        )
        if self._wanted:
            self._fallback = company_target(min(self._companies[code] for code in self._wanted))
        if not any(self._targets_of(node) for node in self._roots()):
            raise Invalid(
                f"Nothing in the file belongs to {self._brand!r}" + near_matches(self._brand, self._companies)
            )

    def _targets_of(self, root: int) -> tuple[Target, ...]:
        owner = self._owner[root]
        if owner not in self._targets:
            if owner == _NOBODY:
                self._targets[owner] = (self._fallback,) if self._fallback else ()
            else:
                chosen = self._sets[owner] & self._wanted if self._brand else self._sets[owner]
                self._targets[owner] = tuple(
                    company_target(handle) for handle in sorted(self._companies[code] for code in chosen)
                )
        return self._targets[owner]

    def _count(self, ids: array[int], parents: array[int]) -> None:
        self._conversations = sum(1 for node in self._roots() if self._targets_of(node))
        self._links = sum(
            1
            for tweet_id, parent in self._first_rows(ids, parents)
            if self._node(parent) is not None
            and self._targets_of(self._root(bisect_left(self._ids, tweet_id)))
        )

    def targets(self) -> set[Target]:
        """Channels of every company in the conversations that are imported: one that only takes part
        in another's conversation must be known as a brand too, or it would count as a contact."""
        found: set[Target] = set()
        for node in self._roots():
            targets = self._targets_of(node)
            if targets:
                found.update(targets)
                owner = self._owner[node]
                companies = self._sets[owner] if owner != _NOBODY else ()
                found.update(company_target(self._companies[code]) for code in companies)
        return found

    def totals(self) -> Mapping[str, int]:
        """Conversations and reply links that are imported."""
        return {"conversations": self._conversations, "links": self._links}

    def rows(self, progress: Progress) -> Iterator[Row]:
        """Every row with the channels it goes to."""
        first: dict[int, dict[str, Any]] = {}
        with self._reader.lines(progress, "importing") as (lines, tick):
            for number, tweet in enumerate(self._tweets(lines)):
                if number % _TICK == 0:
                    tick()
                if isinstance(tweet, _Bad):
                    yield Row(tweet.line, rejected=tweet.reason, excerpt=tweet.excerpt)
                else:
                    yield self._judge(tweet, first)

    def _judge(self, tweet: _Tweet, first: dict[int, dict[str, Any]]) -> Row:
        if tweet.id in self._repeated:
            earlier = first.setdefault(tweet.id, tweet.payload)
            if earlier is not tweet.payload:
                if earlier == tweet.payload:
                    return Row(tweet.line, repeated=True)
                reason = f"tweet_id {tweet.id} was in an earlier row with other content"
                return Row(tweet.line, rejected=reason, excerpt=",".join(tweet.payload.values()))
        node = self._node(tweet.id)
        if node is None:
            return Row(tweet.line, rejected="the file changed while it was read; import it again")
        root = self._root(node)
        targets = self._targets_of(root)
        if targets:
            return Row(tweet.line, item=RawItem("twcs", tweet.payload), targets=targets)
        if self._owner[root] == _NOBODY:
            reason = (
                "no brand can be told: no company wrote in this conversation or is mentioned; use --brand"
            )
            return Row(tweet.line, rejected=reason, excerpt=",".join(tweet.payload.values()))
        return Row(tweet.line, skipped=True)
