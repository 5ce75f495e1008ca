"""The side file that says which rows of an import were not used, and why."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from types import TracebackType
from typing import IO

MAX_EXCERPT = 500


class Rejects:
    """Writes ``<file>.rejected.jsonl``, made only when there is something to say.

    A side file of an earlier import of the same file is replaced, or removed if nothing is wrong now.
    """

    def __init__(self, source: Path, fallback: Path | None = None) -> None:
        self._name = f"{source.name}.rejected.jsonl"
        self._places = [source.parent, *([fallback] if fallback else [])]
        self._file: IO[str] | None = None
        self.written: Path | None = None

    def __enter__(self) -> Rejects:
        return self

    def add(self, *, line: int, reason: str, excerpt: str) -> None:
        """One row. ``excerpt`` is the beginning of what the file holds there."""
        if self._file is None:
            self._file = self._open()
        # ASCII only: what is wrong may be the encoding itself.
        row = {"line": line, "reason": reason, "excerpt": excerpt[:MAX_EXCERPT].rstrip("\r\n")}
        self._file.write(json.dumps(row) + "\n")

    def _open(self) -> IO[str]:
        for place in self._places:
            try:
                place.mkdir(parents=True, exist_ok=True)
                file = (place / self._name).open("w", encoding="ascii")
            except OSError:
                if place is self._places[-1]:
                    raise
            else:
                self.written = place / self._name
                return file
        raise AssertionError("unreachable: the last place either opens or raises")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
        elif kind is None:
            for place in self._places:
                with contextlib.suppress(OSError):
                    (place / self._name).unlink()
