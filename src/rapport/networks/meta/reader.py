"""Looking at a page or an account: what both networks' polling and history have in common."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from rapport.networks.base import Polled, RawItem
from rapport.networks.errors import Refused
from rapport.networks.meta import conversations
from rapport.networks.meta.errors import Missing, NotPermitted
from rapport.networks.meta.graph import Graph, following_page, reading, stamp
from rapport.networks.meta.limits import pace
from rapport.networks.meta.values import data, moment, optional_mapping
from rapport.networks.meta.walk import Place, Walk

log = logging.getLogger(__name__)

# A comment may show in lists a while after it was written.
OVERLAP = timedelta(minutes=10)
FIRST_LOOK = timedelta(hours=1)


class Reader(ABC):
    """Reads one account. ``account``: ``{"id", "handle"}``; ``scopes``: what the token may, None if unknown."""

    platform: ClassVar[str]
    looks: ClassVar[Sequence[str]]  # the account's lists, as polling asks for them
    stages: ClassVar[Sequence[str]]  # the same for history
    needs: ClassVar[Mapping[str, str]]  # each list's permission
    # Some accounts have none of these to show and refuse the question: that must not keep comments and
    # messages from being heard.
    optional: ClassVar[frozenset[str]]

    def __init__(self, graph: Graph, account: Mapping[str, str], scopes: frozenset[str] | None) -> None:
        self._graph = graph
        self._account = account
        self._scopes = scopes

    @abstractmethod
    def _public(self, place: Place) -> Mapping[str, Any]:
        """One answer of a list that is not private messages."""

    @abstractmethod
    def _public_at(self, one: Mapping[str, Any]) -> datetime: ...

    @abstractmethod
    def _public_items(self, place: Place, found: Sequence[Mapping[str, Any]], walk: Walk) -> list[RawItem]:
        """What is recent of the things found in a list, with what stands below them."""

    def _watch(self, edge: str) -> int:
        """How many things of a list to look at, however old they are."""
        return 0

    def poll(self, cursor: Mapping[str, Any]) -> Polled:
        """Everything since the last look, with overlap.

        ``cursor``: ``{"seen": ISO time}``; while a look goes on over several polls also ``since``, how far
        down it reads (ISO time), and ``left``, the places (:meth:`Place.kept`) to go on from.
        """
        now = datetime.now(UTC)
        with reading():
            places = [Place.read(one) for one in cursor.get("left") or ()]
            last = moment(cursor["seen"]) if cursor.get("seen") else now - FIRST_LOOK + OVERLAP
            since = moment(cursor["since"]) if places else last - OVERLAP
            walk = Walk(self._ask, self._at, since)
            items = self._go_on(places, walk) if places else self._look(walk)
        # What was written while we looked is found again by the overlap.
        kept: dict[str, Any] = {"seen": stamp(last if places else now)}
        if walk.left:
            kept |= {"since": stamp(since), "left": [place.kept() for place in walk.left]}
        wish = pace(self._graph.usage)
        # Neither a budget that runs low nor a place that was lost is made better by haste.
        more = bool(walk.left) and wish is None and not walk.begun_again
        return Polled(items=items, cursor=kept, more=more, next_after=wish)

    def history(self, cursor: Mapping[str, Any], *, since: datetime) -> Polled:
        """One answer's worth of the past, a stage after the other.

        ``cursor``: ``{"stage", "params"}``, and ``left`` as in :meth:`poll`.
        """
        stage = str(cursor.get("stage") or self.stages[0])
        params = {str(k): str(v) for k, v in optional_mapping(cursor.get("params")).items()}
        following: dict[str, str] | None = params
        with reading():
            walk = Walk(self._ask, self._at, since)
            if places := [Place.read(one) for one in cursor.get("left") or ()]:
                items = self._go_on(places, walk)
            else:
                items, following = self._past(Place(edge=stage, params=params), walk)
        if following is None:
            later = self.stages[self.stages.index(stage) + 1 :] if stage in self.stages else ()
            stage = later[0] if later else "done"
        kept: dict[str, Any] = {"stage": stage, **({"params": following} if following else {})}
        if walk.left:
            kept["left"] = [place.kept() for place in walk.left]
        return Polled(items=items, cursor=kept, more=bool(walk.left) or stage != "done")

    def _look(self, walk: Walk) -> list[RawItem]:
        items: list[RawItem] = []
        for edge in self.looks:
            if not self._may(edge):  # as check() has said
                continue
            try:
                items += self._read(Place(edge=edge), walk, watch=self._watch(edge))
            except Refused as error:
                if edge not in self.optional:
                    raise
                log.warning("account %s does not show its %s: %s", self._account["id"], edge, error)
        return items

    def _go_on(self, places: Sequence[Place], walk: Walk) -> list[RawItem]:
        items: list[RawItem] = []
        for place in places:
            if not self._may(place.edge):
                continue
            try:
                items += self._read(place, walk)
            except Refused as error:
                log.warning("account %s: %s could not be gone on with: %s", self._account["id"], place, error)
                if place.edge in self.optional or isinstance(error, (Missing, NotPermitted)):
                    continue
                if not place.params:
                    raise
                # Meta's places do not last for ever: this list is read from its beginning again.
                walk.left.append(Place(edge=place.edge, of=place.of))
                walk.begun_again = True
        return items

    def _past(self, place: Place, walk: Walk) -> tuple[list[RawItem], dict[str, str] | None]:
        if place.edge not in self.stages or not self._may(place.edge):
            return [], None
        try:
            page = self._ask(place)
        except NotPermitted:
            return [], None
        found = list(data(page))
        items = self._items(place, [one for one in found if walk.recent(place.edge, one)], walk)
        ended = not found or not all(walk.recent(place.edge, one) for one in found)
        return items, None if ended else following_page(page)

    def _read(self, place: Place, walk: Walk, *, watch: int = 0) -> list[RawItem]:
        return self._items(place, walk.down(place, watch=watch), walk)

    def _ask(self, place: Place) -> Mapping[str, Any]:
        if place.edge in {"dm", "messages"}:
            return conversations.page(self._graph, platform=self.platform, place=place)
        return self._public(place)

    def _at(self, edge: str, one: Mapping[str, Any]) -> datetime:
        if edge in {"dm", "messages"}:
            return conversations.at(edge, one)
        return self._public_at(one)

    def _items(self, place: Place, found: Sequence[Mapping[str, Any]], walk: Walk) -> list[RawItem]:
        if place.edge in {"dm", "messages"}:
            return conversations.messages(
                place, found, platform=self.platform, account=self._account, walk=walk
            )
        return self._public_items(place, found, walk)

    def _may(self, edge: str) -> bool:
        return self._scopes is None or self.needs[edge] in self._scopes
