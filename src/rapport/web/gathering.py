"""Hints of a short while as one for each brand: fifty changes a second are not fifty events for each of hundreds of screens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# Many screens are told less often, because telling one more takes its time; nobody waits longer than the last.
PAUSE_S: Final = 0.1
PAUSE_PER_SCREEN_S: Final = 0.001
LONGEST_PAUSE_S: Final = 1.0
# More cases than a screen shows: look at everything instead.
MOST_CASES: Final = 200


@dataclass(frozen=True)
class Hint:
    """Cases of a brand changed; no ids: look at everything of that brand. ``people``: it is for these alone.
    ``thread``: only what their own pages show, so lists stay as they are. ``mentions``: not cases, but mentions.
    ``holders``: who has any of these cases now, None where that was not asked."""

    brand_id: int
    case_ids: tuple[int, ...]
    people: tuple[int, ...] = ()
    thread: bool = False
    mentions: bool = False
    holders: frozenset[int] | None = None


class Gathering:
    """Hints that wait to be passed on: the first at once, and those of the pause after it together. Times are in seconds
    of any clock that only goes forward."""

    def __init__(self) -> None:
        self._cases: dict[tuple[int, tuple[int, ...], bool, bool], set[int] | None] = {}
        self._passed_on = float("-inf")

    def add(self, hint: Hint) -> None:
        """Take one up."""
        kind = (hint.brand_id, hint.people, hint.thread, hint.mentions)
        here = self._cases.setdefault(kind, set())
        if here is not None:
            here.update(hint.case_ids)
            if not hint.case_ids or len(here) > MOST_CASES:
                self._cases[kind] = None

    def wait(self, *, now: float, screens: int) -> float | None:
        """How long until what is there is passed on to so many screens; 0 or less: at once. None: nothing is there."""
        if not self._cases:
            return None
        pause = min(max(PAUSE_S, screens * PAUSE_PER_SCREEN_S), LONGEST_PAUSE_S)
        return self._passed_on + pause - now

    def take(self, *, now: float) -> list[Hint]:
        """What is there, to be passed on now."""
        gathered, self._cases = self._cases, {}
        self._passed_on = now
        return [
            Hint(brand_id, tuple(sorted(cases or ())), people, thread, mentions)
            for (brand_id, people, thread, mentions), cases in gathered.items()
        ]
