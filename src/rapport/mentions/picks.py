"""What somebody chose among mentions, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

MOST_PICKS: Final = 500
# So long an act can be undone.
KEPT: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pick:
    """A mention that somebody chose, in the version that they saw; None asks for no check."""

    mention_id: int
    version: int | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of it. ``left``: not theirs, or changed by a colleague meanwhile. ``why``: for others, in words."""

    act_id: int | None
    done: tuple[int, ...]
    left: int = 0
    why: tuple[str, ...] = ()
