"""A parsed query, as many of which are kept for long."""

from __future__ import annotations

from rapport.listening.packed import packed, unpacked
from rapport.listening.tree import Node


class Query:
    """A parsed query. ``accents`` says that accents matter; ``stems`` the languages whose endings do not.

    Both are already in the leaves; they are kept so that the query can be written again. Two are equal when they ask
    for the same, whatever their ``source``. Immutable.
    """

    __slots__ = ("_packed", "accents", "source", "stems")

    def __init__(
        self, root: Node, source: str = "", accents: bool = False, stems: tuple[str, ...] = ()
    ) -> None:
        self._packed = packed(root)
        self.source = source
        self.accents = accents
        self.stems = stems

    @property
    def root(self) -> Node:
        """Its tree, made anew each time: some microseconds for each leaf."""
        return unpacked(self._packed)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Query):
            return NotImplemented
        return self._asks() == other._asks()

    def __hash__(self) -> int:
        return hash(self._asks())

    def __repr__(self) -> str:
        return f"Query({self.root!r}, {self.source!r}, accents={self.accents}, stems={self.stems})"

    def _asks(self) -> tuple[Node, bool, tuple[str, ...]]:
        return self.root, self.accents, self.stems
