"""What a format's reader gives to the import, whatever the format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rapport.imports.lines import Lines
from rapport.networks.base import RawItem

Progress = Callable[[str, int, int], None]  # what is being done, bytes done, bytes in all

# How far ahead of this machine's clock a row may be dated: it then was written by a wrong clock.
FUTURE_DAYS = 1


@dataclass(frozen=True, slots=True)
class Target:
    """A channel to import into. ``account``: its external id. ``brand``: slug; both made if missing.

    ``any_brand``: a channel of that account is used even if it now belongs to another brand.
    ``guest``: known only from speaking in others' conversations, so its names are second best.
    """

    account: str
    handle: str
    brand: str
    brand_name: str
    any_brand: bool = False
    guest: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One row's fate: stored in its targets; or ``rejected`` with a reason; or ``repeated`` (it was in
    the file before) or ``skipped`` (another brand's)."""

    line: int
    item: RawItem | None = None
    targets: tuple[Target, ...] = ()
    rejected: str = ""
    excerpt: str = ""
    repeated: bool = False
    skipped: bool = False


class Source(Protocol):
    """A file in one format. ``prepare`` reads it once and keeps what is needed to judge each row."""

    passes: int

    def prepare(self, progress: Progress) -> None: ...

    def targets(self) -> set[Target]:
        """Every channel that rows go into or that speaks in them."""

    def rows(self, progress: Progress) -> Iterator[Row]:
        """Every record of the file, in its order; the same each time."""

    def totals(self) -> Mapping[str, int]:
        """Figures for the summary that only this format knows, such as conversations."""


class FileReader:
    """Opens the file anew for each pass and reports bytes read over all passes."""

    def __init__(self, path: Path, passes: int) -> None:
        self.path = path
        self._size = path.stat().st_size
        self._passes = passes
        self._done = 0

    def more_passes(self, count: int) -> None:
        """It turned out that the file must be read ``count`` times more."""
        self._passes += count

    @contextmanager
    def lines(self, progress: Progress, doing: str) -> Iterator[tuple[Lines, Callable[[], None]]]:
        """The lines, and a function to call now and then so that progress is shown."""
        with self.path.open("rb") as file:
            lines = Lines(file)

            def tick() -> None:
                progress(doing, self._done + lines.bytes_read, self._size * self._passes)

            yield lines, tick
            self._done += self._size
            progress(doing, self._done, self._size * self._passes)
