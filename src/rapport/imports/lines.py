"""Physical lines of a file of any size, counted, with a place to put lines back."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

# A record may span lines (quoted line breaks); neither a line nor a record may be longer than this, so
# that a file without line breaks, or with a quote that never closes, cannot fill the memory.
MAX_LINE = 1_000_000
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """``number`` counts from 1. ``text`` keeps its line break; bytes that are not UTF-8 are lone
    surrogates in it. ``cut``: it was longer than :data:`MAX_LINE`, and the rest was passed over."""

    number: int
    text: str
    cut: bool = False


class Lines:
    """Iterates over the lines of ``file``, which must be open in binary mode at its beginning, or after ``before``
    lines of it."""

    def __init__(self, file: BinaryIO, *, before: int = 0) -> None:
        self._file = file
        self._number = before
        self._returned: deque[Line] = deque()
        self.bytes_read = 0

    def __iter__(self) -> Iterator[Line]:
        return self

    def __next__(self) -> Line:
        if self._returned:
            return self._returned.popleft()
        data = self._file.readline(MAX_LINE)
        if not data:
            raise StopIteration
        self.bytes_read += len(data)
        self._number += 1
        cut = len(data) >= MAX_LINE and not data.endswith(b"\n")
        if cut:
            self._pass_over_rest()
        if self._number == 1:
            data = data.removeprefix(_BOM)
        return Line(self._number, data.decode("utf-8", "surrogateescape"), cut)

    def _pass_over_rest(self) -> None:
        while True:
            data = self._file.readline(MAX_LINE)
            self.bytes_read += len(data)
            if not data or data.endswith(b"\n"):
                return

    @property
    def number(self) -> int:
        """How many lines were read."""
        return self._number

    @property
    def settled(self) -> bool:
        """Whether all that was read was also passed on: then what comes next begins after ``bytes_read``."""
        return not self._returned

    def give_back(self, lines: list[Line]) -> None:
        """The next lines to be read are ``lines``, in their order."""
        self._returned.extendleft(reversed(lines))
