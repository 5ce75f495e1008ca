"""What is normal for a window of time, from the same hours of past weeks; robust, and wide where little is known.

After Farrington et al. 1996 and Noufaily et al. 2013 (the "improved Farrington" of public health surveillance):
reference windows around the same time in the past, an overdispersion learned from them, past outbreaks weighted
down by their Anscombe residuals, a negative binomial tail. Where we depart is in ``docs/explanation/spikes.md``.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo

BUCKET = timedelta(minutes=5)
PER_HOUR = 12
PER_DAY = 24 * PER_HOUR
WEEKS = 8
# An event that is going on is no part of what is normal.
_RECENT = 6 * PER_HOUR
# Beside the same time of a like day, half an hour before and after it.
_BESIDE = (-6, 0, 6)
# A like day: Noufaily's 2.58 (one in a hundred) is where a reference begins to count less.
_UNUSUAL = 2.58
_ROUNDS = 3
# Before anything is known the variance is taken for twice the mean, with the weight of so many references.
_SPREAD_BEFORE, _WEIGHT_BEFORE = 2.0, 4.0
_LEAST_SPREAD = 1.05
# How far the level itself may be off when like days, few of them, other days, or hours before are asked.
_UNSURE, _UNSURE_FEW, _UNSURE_OTHER, _UNSURE_HOURS = 0.1, 0.25, 0.5, 1.0
_ENOUGH = 3
_HOLIDAY = 6  # is like a Sunday
_MOST_GROWTH = 3.0
# Windows of four weeks by which it is known how unruly a series is, and how few are too few.
_SAMPLES, _LEAST_SAMPLES = 400, 50
_A_DAY_BEFORE = 5.0  # mentions: of levels that are low the ratio says little


@dataclass(frozen=True)
class Normal:
    """What a window would hold by itself: its mean and variance."""

    mean: float
    variance: float


@dataclass
class Series:
    """Counts of five minutes each, one after the other from ``began`` (aware) on; the last one may not be over.

    ``zone``: people live by it, so hours of the week are its hours. ``holidays``: days there that are like Sundays.
    """

    began: datetime
    counts: Sequence[int]
    zone: tzinfo = UTC
    holidays: frozenset[date] = frozenset()
    _sums: list[int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        total = 0
        self._sums = [0]
        for count in self.counts:
            total += count
            self._sums.append(total)
        self._levels: dict[int, float] = {}
        self._bursts: dict[tuple[int, int], float] = {}
        self._like: dict[tuple[date, int], list[int]] = {}

    def __len__(self) -> int:
        return len(self.counts)

    def at(self, index: int) -> datetime:
        """When a bucket begins."""
        return self.began + BUCKET * index

    def total(self, start: int, end: int) -> int:
        """How many in the buckets from ``start`` on, before ``end``."""
        return self._sums[end] - self._sums[start]

    def normal(self, end: int, length: int, *, spread: float = 0.0) -> Normal:
        """What is normal for the window of ``length`` buckets before ``end``, by what came before it alone.

        ``spread``: the variance is at least so many times the mean, whatever these hours' references say.
        """
        references, days, unsure = self._references(end, length)
        return _normal(references, days, unsure, spread)

    def spread(self, end: int, length: int) -> float:
        """How much more windows of this length vary than chance alone would make them, whatever the hour: the
        variance by the mean over the four weeks before, but for the wildest in a hundred. 0: not known."""
        last = end // PER_DAY * PER_DAY
        key = (last, length)
        if key not in self._bursts:
            step = max(length, 4 * 7 * PER_DAY // _SAMPLES)
            found = []
            for stop in range(max(length, last - 4 * 7 * PER_DAY), last, step):
                backs = [back for back in self._like_days(stop) if stop - back >= length]
                if len(backs) >= _ENOUGH:
                    expected = statistics.fmean(
                        self._growth(stop, back) * self.total(stop - back - length, stop - back)
                        for back in backs
                    )
                    # A mean of so few is off itself.
                    off = (self.total(stop - length, stop) - expected) ** 2 / (1 + 1 / len(backs))
                    found.append((off, expected))
            found.sort()
            calm = found[: len(found) * 99 // 100]
            mean = sum(expected for _off, expected in calm)
            enough = len(calm) >= _LEAST_SAMPLES and mean > 0
            self._bursts[key] = sum(off for off, _expected in calm) / mean if enough else 0.0
        return self._bursts[key]

    def _references(self, end: int, length: int) -> tuple[list[float], int, float]:
        """Counts of windows like this one, of how many days, and how far the level may be off."""
        latest = end - max(length, _RECENT)
        like = [back for back in self._like_days(end) if end - back >= length]
        if len(like) >= _ENOUGH:
            unsure = _UNSURE_FEW if len(like) < 4 else _UNSURE
            return self._around(end, length, like, latest, level=True), len(like), unsure
        other = [PER_DAY * n for n in range(1, 15) if end - PER_DAY * n >= length]
        if len(other) >= _ENOUGH:
            return self._around(end, length, other, latest, level=False), len(other), _UNSURE_OTHER
        before = [
            float(self.total(stop - length, stop))
            for stop in range(end - length, max(length, end - length - PER_DAY) - 1, -length)
        ]
        return before, max(1, len(before) * length // PER_DAY), _UNSURE_HOURS

    def _around(
        self, end: int, length: int, backs: Sequence[int], latest: int, *, level: bool
    ) -> list[float]:
        found = []
        for back in backs:
            factor = self._growth(end, back) if level else 1.0
            for beside in _BESIDE:
                stop = end - back + beside
                if length <= stop <= latest:
                    found.append(factor * self.total(stop - length, stop))
        return found

    def _growth(self, end: int, back: int) -> float:
        """How much more is said in these days than in those: both days' medians, shrunk towards 1."""
        now = self._level(end // PER_HOUR * PER_HOUR - _RECENT)
        then = self._level((end - back) // PER_HOUR * PER_HOUR - _RECENT + 3 * PER_DAY)
        ratio = (now + _A_DAY_BEFORE) / (then + _A_DAY_BEFORE)
        return min(max(ratio, 1 / _MOST_GROWTH), _MOST_GROWTH)

    def _level(self, end: int) -> float:
        """The median of seven days' counts: one day that was wild does not move it."""
        if end not in self._levels:
            days = [
                self.total(stop - PER_DAY, stop)
                for stop in range(end, end - 7 * PER_DAY, -PER_DAY)
                if stop >= PER_DAY and stop <= len(self.counts)
            ]
            self._levels[end] = statistics.median(days) if days else 0.0
        return self._levels[end]

    def _like_days(self, end: int) -> list[int]:
        """So many buckets before ``end`` it was the same time of a like day, the nearest first."""
        local = (self.at(end) - BUCKET).astimezone(self.zone)
        slot = (local.date(), local.hour * PER_HOUR + local.minute // 5)
        if slot not in self._like:
            self._like[slot] = list(self._days_like(local))
        return self._like[slot]

    def _days_like(self, local: datetime) -> Iterator[int]:
        kind, offset = self._kind(local.date()), local.utcoffset() or timedelta(0)
        for days in range(1, 7 * WEEKS + 1):
            # The same time by the clock on the wall, whichever side of a change of the clocks.
            then = local - timedelta(days=days)
            if self._kind(then.date()) == kind:
                moved = (then.utcoffset() or timedelta(0)) - offset
                yield PER_DAY * days + round(moved / BUCKET)

    def _kind(self, day: date) -> int:
        return _HOLIDAY if day in self.holidays else day.weekday()


def _normal(references: Sequence[float], days: int, unsure: float, least_spread: float) -> Normal:
    """Mean and variance by weighted references; of the mean's own uncertainty too (Farrington 1996, 3.4)."""
    count = len(references)
    # A median of small counts is too low, so the mean of the lower three quarters may be it; both only begin.
    begin = statistics.median(references) if references else 0.0
    if count:
        begin = max(begin, statistics.fmean(sorted(references)[: max(1, count * 3 // 4)]))
    mean = begin + 0.5 / (count + 1)
    spread = _first_spread(references, mean)
    for _round in range(_ROUNDS):
        weights = [_weight(value, mean, spread) for value in references]
        mean = _mean(references, weights)
        # Nothing counts for more than what is only just unusual: an outbreak is no measure of calm days.
        most = _UNUSUAL**2 * spread
        off = sum(
            w * min((value - mean) ** 2 / mean, most) for w, value in zip(weights, references, strict=True)
        )
        spread = max(
            _LEAST_SPREAD,
            (_SPREAD_BEFORE * _WEIGHT_BEFORE + off) / (_WEIGHT_BEFORE + max(0.0, sum(weights) - 1)),
        )
    variance = max(spread, least_spread) * mean * (1 + 1 / max(1, days)) + (unsure * mean) ** 2
    return Normal(mean, variance)


def _first_spread(references: Sequence[float], mean: float) -> float:
    """Variance by mean, from the median deviation (1.4826 of it is a standard deviation); 2 for what is short."""
    if len(references) < _ENOUGH:
        return _SPREAD_BEFORE
    deviation = 1.4826 * statistics.median(abs(value - mean) for value in references)
    return max(_SPREAD_BEFORE, deviation**2 / mean)


def _mean(references: Sequence[float], weights: Sequence[float]) -> float:
    """Weighted, and half a mention more in all: what was never seen is not impossible."""
    total = sum(w * value for w, value in zip(weights, references, strict=True))
    return total / (sum(weights) or 1.0) + 0.5 / (len(references) + 1)


def _weight(value: float, mean: float, spread: float) -> float:
    """1, and less for what was itself an outbreak: by its Anscombe residual."""
    residual = float(1.5 * (value ** (2 / 3) - mean ** (2 / 3)) / (spread**0.5 * mean ** (1 / 6)))
    return 1.0 if residual <= _UNUSUAL else (_UNUSUAL / residual) ** 2
