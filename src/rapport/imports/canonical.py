"""Rapport's own format, as JSON lines or CSV: one message a row. Described in docs/how-to/import.md."""

from __future__ import annotations

import hashlib
import json
import re
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from django.utils.text import slugify

from rapport.imports.lines import Lines
from rapport.imports.records import Record, csv_records, json_records
from rapport.imports.source import FUTURE_DAYS, FileReader, Progress, Row, Target
from rapport.lib.errors import Invalid
from rapport.networks.base import MessageSeen, RawItem
from rapport.networks.files.parse import canonical_events, identifier, truth

# Every column, in the order the export writes them. The first group is stored with the message, the
# second says where it goes and who its author is to the brand.
MESSAGE_COLUMNS = (
    "id", "parent_id", "thread_key", "author_id", "author_handle", "author_name", "text", "created_at",
    "edited_at", "deleted_at", "visibility", "automatic", "lang", "url", "media",
)  # fmt: skip
PLACE_COLUMNS = ("brand", "brand_name", "channel", "channel_handle", "inbound", "author_brand")
COLUMNS = PLACE_COLUMNS + MESSAGE_COLUMNS
NEEDED = ("id", "author_id", "text", "created_at")
_TICK = 2000
_CONTROL = re.compile("[\0-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class _Message:
    """A row that can be used. ``speaker``: the author's own channel, when that is another account."""

    line: int
    target: Target
    speaker: Target | None
    payload: dict[str, Any]

    def key(self) -> str:
        return f"{self.target.brand}\0{self.target.account}\0{self.payload['id']}"

    def key_hash(self) -> int:
        """64 bits: enough to find the few ids that may be repeated; those are then compared in full."""
        digest = hashlib.blake2b(self.key().encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big", signed=True)


@dataclass(frozen=True, slots=True)
class _Bad:
    line: int
    reason: str
    excerpt: str


def default_target(slug: str, name: str) -> Target:
    """The channel of a brand whose rows name none."""
    return Target(account=f"file:{slug}", handle=name, brand=slug, brand_name=name)


class CanonicalSource:
    """One file. ``brand``: what every row is imported into; without it each row must name its brand.

    ``live``: accounts of channels this instance is connected to, as an export writes them: rows of
    those are refused, because the conversations are here already.
    """

    def __init__(
        self,
        path: Path,
        *,
        file_format: Literal["jsonl", "csv"],
        brand: tuple[str, str] | None = None,
        live: frozenset[str] = frozenset(),
    ) -> None:
        self.passes = 2
        self._reader = FileReader(path, self.passes)
        self._format = file_format
        self._brand = brand
        self._live = live
        self._latest = datetime.now(UTC) + timedelta(days=FUTURE_DAYS)
        self._targets: dict[Target, None] = {}
        self._repeated: frozenset[int] = frozenset()

    def prepare(self, progress: Progress) -> None:
        """Find every channel and every repeated id."""
        hashes = array("q")
        with self._reader.lines(progress, "reading") as (lines, tick):
            for number, message in enumerate(self._messages(lines)):
                if number % _TICK == 0:
                    tick()
                if isinstance(message, _Message):
                    hashes.append(message.key_hash())
                    self._targets[message.target] = None
                    if message.speaker is not None:
                        self._targets[message.speaker] = None
        ordered = sorted(hashes)
        self._repeated = frozenset(one for one, next_one in pairwise(ordered) if one == next_one)

    def targets(self) -> set[Target]:
        """Channels that rows go into, and those of brands that speak in other brands' conversations."""
        return set(self._targets)

    def totals(self) -> Mapping[str, int]:
        return {}

    def rows(self, progress: Progress) -> Iterator[Row]:
        """Every row with the channel it goes to."""
        first: dict[str, dict[str, Any]] = {}
        with self._reader.lines(progress, "importing") as (lines, tick):
            for number, message in enumerate(self._messages(lines)):
                if number % _TICK == 0:
                    tick()
                if isinstance(message, _Bad):
                    yield Row(message.line, rejected=message.reason, excerpt=message.excerpt)
                    continue
                if message.target not in self._targets:
                    yield Row(message.line, rejected="the file changed while it was read; import it again")
                    continue
                if message.key_hash() in self._repeated:
                    earlier = first.setdefault(message.key(), message.payload)
                    if earlier is not message.payload:
                        yield _again(message, earlier)
                        continue
                yield Row(message.line, item=RawItem("jsonl", message.payload), targets=(message.target,))

    def _messages(self, lines: Lines) -> Iterator[_Message | _Bad]:
        for record in self._records(lines):
            if record.fields is None:
                yield _Bad(record.line, record.problem, record.excerpt)
                continue
            try:
                yield self._message(record.line, record.fields)
            except ValueError as error:
                excerpt = json.dumps({key: record.fields[key] for key in list(record.fields)[:20]})
                yield _Bad(record.line, str(error), excerpt)

    def _records(self, lines: Lines) -> Iterator[Record]:
        if self._format == "jsonl":
            return json_records(lines)
        return _csv_values(csv_records(lines, needed=NEEDED))

    def _message(self, line: int, fields: Mapping[str, Any]) -> _Message:
        payload = {
            column: fields[column] for column in MESSAGE_COLUMNS if fields.get(column) not in (None, "", [])
        }
        payload.setdefault("text", fields.get("text", None))
        target = self._target(fields)
        own = _own(fields)
        speaker = None
        if slug := _text(fields, "author_brand"):
            handle = _text(fields, "author_handle", 200) or slug
            account = identifier(fields, "author_id", required=True)
            speaker = Target(account, handle, slug, slug, guest=True)
            if own and self._brand is not None:
                speaker = Target(account, handle, target.brand, target.brand_name)
            if speaker.account == target.account:
                speaker = None
        elif own:
            payload["author_id"] = target.account
        elif not fields.get("channel"):
            # Ids of different brands' files have nothing to do with each other.
            payload["author_id"] = f"{target.brand}:{identifier(fields, 'author_id', required=True)}"
        message = canonical_events(payload)[0]
        assert isinstance(message, MessageSeen)
        if message.sent_at > self._latest:
            raise ValueError("created_at lies in the future")
        payload["id"], payload["author_id"] = message.external_id, message.author.external_id
        if message.parent_id:
            payload["parent_id"] = message.parent_id
        if message.automatic:
            payload["automatic"] = True
        else:
            payload.pop("automatic", None)
        return _Message(line, target, speaker, payload)

    def _target(self, fields: Mapping[str, Any]) -> Target:
        account = _text(fields, "channel", 200)
        if account in self._live:
            raise ValueError(f"this Rapport is connected to the channel {account} itself")
        named = _text(fields, "brand")
        if self._brand is not None:
            slug, name = self._brand
        elif named:
            slug, name = slugify(named)[:60], _text(fields, "brand_name") or named
            if not slug:
                raise ValueError(f"brand has no letters or digits a short name could be made of: {named!a}")
        else:
            raise ValueError("no brand can be told: fill the column brand, or use --brand")
        if not account:
            return default_target(slug, name)
        return Target(account, _text(fields, "channel_handle", 200) or name, slug, name)


def brand_names(brand: str) -> tuple[str, str]:
    """Slug and name of a brand that is to be made. Raises :class:`Invalid`."""
    slug = slugify(brand)[:60]
    if not slug:
        raise Invalid(f"A brand needs a name with Latin letters or digits; {brand!r} has none.")
    return slug, brand[:120]


def _again(message: _Message, earlier: dict[str, Any]) -> Row:
    if earlier == message.payload:
        return Row(message.line, repeated=True)
    reason = f"id {message.payload['id']!a} was in an earlier row with other content"
    return Row(message.line, rejected=reason, excerpt=json.dumps(message.payload))


def _own(fields: Mapping[str, Any]) -> bool:
    """Whether the brand wrote it: ``own``, or the opposite of ``inbound``."""
    own, inbound = truth(fields, "own"), truth(fields, "inbound")
    if own is None and inbound is None:
        raise ValueError("inbound (or own) is missing: it says who wrote the message")
    if own is not None and inbound is not None and own == inbound:
        raise ValueError("inbound and own contradict each other")
    return own if own is not None else not inbound


def _text(fields: Mapping[str, Any], column: str, limit: int = 120) -> str:
    value = fields.get(column)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > limit or _CONTROL.search(value):
        raise ValueError(f"{column} must be a line of text of at most {limit} characters")
    return value.strip()


def _csv_values(records: Iterator[Record]) -> Iterator[Record]:
    """``media`` is JSON within the CSV."""
    for record in records:
        if record.fields and record.fields.get("media"):
            try:
                record.fields["media"] = json.loads(record.fields["media"])
            except (ValueError, RecursionError):
                yield Record(record.line, problem="media is not JSON", excerpt=str(record.fields["media"]))
                continue
        yield record
