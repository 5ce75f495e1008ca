"""Records of a file: CSV rows or JSON lines, each with the line it starts at; damage costs one line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rapport.imports.lines import Line, Lines

# Enough for a text of 100,000 characters with line breaks; see lines.MAX_LINE for why there is a limit.
MAX_RECORD_LINES = 10_000


@dataclass(frozen=True, slots=True)
class Record:
    """One record, or what is wrong with it: exactly one of ``fields`` and ``problem`` is set."""

    line: int
    fields: dict[str, Any] | None = None
    problem: str = ""
    excerpt: str = ""


class WrongHeader(ValueError):
    """The first line is not this format's; the text says what was expected."""


class _RecordFeed:
    """Feeds ``csv.reader`` line by line and remembers which lines the current record took."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self.taken: list[Line] = []
        self._size = 0

    def start(self) -> None:
        self.taken = []
        self._size = 0

    def __iter__(self) -> _RecordFeed:
        return self

    def __next__(self) -> str:
        if self.taken and (len(self.taken) >= MAX_RECORD_LINES or self._size > csv.field_size_limit()):
            raise csv.Error("a quote is not closed")
        line = next(self._lines)
        self.taken.append(line)
        self._size += len(line.text)
        return line.text


def csv_records(lines: Lines, *, needed: tuple[str, ...]) -> Iterator[Record]:
    """Rows under a header that names at least ``needed``; other columns are passed on too.

    A quote that is never closed would swallow the rows after it: when a record that spans lines makes
    no sense, only its first line is given up and reading starts again at the second. Raises
    :class:`WrongHeader`.
    """
    feed = _RecordFeed(lines)
    reader = csv.reader(feed, strict=True)
    header = _header(feed, reader, needed)
    while True:
        feed.start()
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem = f"not a CSV row: {error}"
        else:
            if not row:
                continue
            if any(line.cut for line in feed.taken):
                problem = "the line is too long"
            elif len(row) != len(header):
                problem = f"{len(row)} columns instead of {len(header)}"
            else:
                yield Record(feed.taken[0].number, dict(zip(header, row, strict=True)))
                continue
        if not feed.taken:
            return
        first, *rest = feed.taken
        lines.give_back(rest)
        yield Record(first.number, problem=problem, excerpt=first.text)


def _header(feed: _RecordFeed, reader: Any, needed: tuple[str, ...]) -> list[str]:
    try:
        header = [name.strip() for name in next(reader)]
    except StopIteration:
        raise WrongHeader("The file is empty.") from None
    except csv.Error as error:
        raise WrongHeader(f"The first line is not a CSV header: {error}.") from None
    missing = [name for name in needed if name not in header]
    if missing:
        raise WrongHeader(
            f"The header lacks {', '.join(missing)}. Expected a comma-separated UTF-8 file with at least "
            f"the columns {', '.join(needed)}."
        )
    if len(set(header)) != len(header):
        raise WrongHeader("The header names a column twice.")
    return header


def json_records(lines: Lines) -> Iterator[Record]:
    """One JSON object per line; empty lines are passed over."""
    for line in lines:
        if line.cut:
            yield Record(line.number, problem="the line is too long", excerpt=line.text)
            continue
        if not line.text.strip():
            continue
        try:
            value = json.loads(line.text)
        except (ValueError, RecursionError) as error:
            yield Record(line.number, problem=f"not JSON: {error}", excerpt=line.text)
            continue
        if isinstance(value, dict):
            yield Record(line.number, value)
        else:
            yield Record(line.number, problem="not a JSON object", excerpt=line.text)
