"""Reading lists newest first, down to a time, in bounded pieces.

A list that is longer than one poll may take is not cut: its place goes into the cursor, and the next poll goes
on there. Places are pages' own cursors, so what is written meanwhile moves nothing past them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rapport.networks.meta.graph import following_page
from rapport.networks.meta.values import data, optional_mapping

PAGES = 40  # answers that one poll asks for; about a second each


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where to go on: in the list ``edge`` of the object ``of`` (empty: the account), with ``params``."""

    edge: str
    of: str = ""
    params: Mapping[str, str] = field(default_factory=dict)

    def kept(self) -> dict[str, Any]:
        """As a cursor holds it."""
        return {"edge": self.edge, "of": self.of, "params": dict(self.params)}

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Place:
        params = {str(k): str(v) for k, v in optional_mapping(value.get("params")).items()}
        return cls(edge=str(value["edge"]), of=str(value.get("of") or ""), params=params)


class Walk:
    """One poll's way through lists, down to ``since``. ``left``: what the next one has to go on with.

    ``ask`` brings one answer of a list; ``at`` says when a thing in it was written.
    """

    def __init__(
        self,
        ask: Callable[[Place], Mapping[str, Any]],
        at: Callable[[str, Mapping[str, Any]], datetime],
        since: datetime,
    ) -> None:
        self._ask, self._at, self.since = ask, at, since
        self._pages = PAGES
        self.left: list[Place] = []
        self.begun_again = False

    def recent(self, edge: str, one: Mapping[str, Any]) -> bool:
        return self._at(edge, one) >= self.since

    def down(self, place: Place, *, watch: int = 0) -> list[Mapping[str, Any]]:
        """What the list holds from ``place`` to the first answer with something older, that included.

        ``watch``: read at least so many, however old they are.
        """
        found: list[Mapping[str, Any]] = []
        while self._pages > 0:
            self._pages -= 1
            page = self._ask(place)
            objects = list(data(page))
            found += objects
            following = following_page(page)
            if following is None or following == place.params:
                return found
            if len(found) >= watch and not all(self.recent(place.edge, one) for one in objects):
                return found
            place = Place(edge=place.edge, of=place.of, params=following)
        self.left.append(place)
        return found
