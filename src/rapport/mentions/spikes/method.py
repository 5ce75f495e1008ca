"""Is this a spike: windows against what is normal for them, and one event until it is over. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rapport.mentions.spikes.baseline import PER_DAY, PER_HOUR, Series
from rapport.mentions.spikes.tail import at_least

# Buckets of five minutes: a quarter of an hour, an hour, six hours.
WINDOWS = (3, PER_HOUR, 6 * PER_HOUR)
# Posts come late: short windows are looked at again for so long.
LATE = PER_HOUR
# Nothing is said before so much was heard, and of a window before three of its length came before it.
LEAST_HEARD = 6 * PER_HOUR
_BEFORE = 4
# Windows that begin every five minutes are no separate trials; about three are worth one of their length.
_OVERLAP = 3.0
_PER_WEEK = 7 * PER_DAY
# What is rarer than so by its own hours' past.
_SUSPICIOUS = 0.01
# An hour that chance alone fills so in one of twenty is normal again.
_NORMAL_AGAIN = 0.05
# And three hours that are as full in one of a hundred.
_SLOWLY_AGAIN = 0.01


@dataclass(frozen=True)
class Setting:
    """``false_per_week``: alerts by chance that are put up with; ``least``: fewer in the window never alert."""

    false_per_week: float = 0.2
    least: int = 5

    def chance(self, length: int) -> float:
        """How unlikely a window of so many buckets must be: every length has an equal part of the false alarms."""
        trials = _OVERLAP * _PER_WEEK / length
        return min(0.05, self.false_per_week / len(WINDOWS) / trials)


@dataclass(frozen=True)
class Judged:
    """A window of ``length`` buckets before ``end``, and by what chance it would hold as many."""

    end: int
    length: int
    seen: int
    expected: float
    chance: float

    @property
    def start(self) -> int:
        return self.end - self.length


@dataclass(frozen=True)
class Event:
    """From bucket ``start`` on, noticed at ``found`` (the bucket that had just been counted), over at ``ended``."""

    start: int
    found: int
    seen: int
    expected: float
    ended: int | None = None


def judge(series: Series, end: int, length: int) -> Judged:
    """The window of ``length`` buckets before ``end``.

    What the same hours of past weeks call unlikely is asked again of the whole series: where bursts are common, one
    in an hour that was quiet so far is no wonder either. That is dear, and asked of few windows.
    """
    seen = series.total(end - length, end)
    normal = series.normal(end, length)
    chance = at_least(seen, mean=normal.mean, variance=normal.variance)
    if chance < _SUSPICIOUS and (spread := series.spread(end, length)):
        wide = series.normal(end, length, spread=spread)
        chance = min(_SUSPICIOUS, max(chance, at_least(seen, mean=wide.mean, variance=wide.variance)))
    return Judged(end, length, seen, normal.mean, chance)


def alarm(series: Series, end: int, setting: Setting, *, clear: int = 0, late: int = LATE) -> Judged | None:
    """The most unlikely window that is unlikely enough, of those that end at ``end`` or up to ``late`` buckets
    before it. ``clear``: windows that begin before it belong to an event that is over."""
    worst: Judged | None = None
    for length in WINDOWS:
        ends = range(end, end - late - 1, -1) if length < 6 * PER_HOUR else (end,)
        for stop in ends:
            if stop - length < clear or stop < max(LEAST_HEARD, _BEFORE * length):
                continue
            if series.total(stop - length, stop) < setting.least:
                continue
            found = judge(series, stop, length)
            if found.chance < setting.chance(length) and (worst is None or found.chance < worst.chance):
                worst = found
    return worst


def began(series: Series, found: Judged) -> int:
    """The first bucket of what is unusual: from where on, within the window, most lies above half of the peak."""
    peak = max(series.total(max(0, stop - 3), stop) / 3 for stop in range(found.start + 1, found.end + 1))
    rate = (found.expected / found.length + peak) / 2
    best, start, beyond = -math.inf, found.start, 0.0
    for first in range(found.end - 1, found.start - 1, -1):
        beyond += series.total(first, first + 1) - rate
        if beyond >= best:
            best, start = beyond, first
    return start


def so_far(series: Series, start: int, end: int) -> tuple[int, float]:
    """How many since the event began, and how many are normal for that time."""
    seen, expected = series.total(start, end), 0.0
    at = start
    while at < end:
        stop = min(end, at + PER_HOUR)
        expected += series.normal(stop, stop - at).mean
        at = stop
    return seen, expected


def is_over(series: Series, start: int, end: int) -> bool:
    """The newest hour is normal again, and so are the newest three: what burns slowly has quiet hours too."""
    if end - start < PER_HOUR or end < 12 * PER_HOUR:
        return False
    return (
        judge(series, end, PER_HOUR).chance > _NORMAL_AGAIN
        and judge(series, end, 3 * PER_HOUR).chance > _SLOWLY_AGAIN
    )


def replay(series: Series, settings: Sequence[Setting], *, start: int, step: int = 1) -> list[list[Event]]:
    """What each setting would have alerted of from bucket ``start`` on, had everything arrived at once.

    Looks every ``step`` buckets. What is normal is reckoned once for all settings.
    """
    loosest = Setting(max(one.false_per_week for one in settings), least=min(one.least for one in settings))
    events: list[list[Event]] = [[] for _ in settings]
    open_: list[Event | None] = [None] * len(settings)
    clear = [0] * len(settings)
    for end in range(max(start, LEAST_HEARD), len(series) + 1, step):
        unlikely = [
            found
            for length in WINDOWS
            if end >= _BEFORE * length and series.total(end - length, end) >= loosest.least
            and (found := judge(series, end, length)).chance < loosest.chance(length)
        ]  # fmt: skip
        for number, setting in enumerate(settings):
            now = open_[number]
            if now is not None:
                if is_over(series, now.start, end):
                    seen, expected = so_far(series, now.start, end - PER_HOUR)
                    events[number].append(Event(now.start, now.found, seen, expected, end))
                    open_[number], clear[number] = None, end - PER_HOUR
                continue
            hits = [
                one
                for one in unlikely
                if one.seen >= setting.least
                and one.start >= clear[number]
                and one.chance < setting.chance(one.length)
            ]
            if hits:
                worst = min(hits, key=lambda one: one.chance)
                open_[number] = Event(began(series, worst), end, worst.seen, worst.expected)
    for number, now in enumerate(open_):
        if now is not None:
            events[number].append(now)
    return events
