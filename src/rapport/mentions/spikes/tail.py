"""How likely chance alone makes so many: the tail of a negative binomial distribution."""

from __future__ import annotations

import math

_TINY = 1e-300
_EXACT = 1e-12
_MOST_STEPS = 2000


def at_least(observed: int, *, mean: float, variance: float) -> float:
    """P(X ≥ ``observed``) of a negative binomial with this mean and variance (the variance is the larger one).

    It is the regularised incomplete beta function I(p; observed, r) with r = mean² / (variance - mean) and
    p = mean / (mean + r).
    """
    if observed <= 0:
        return 1.0
    size = mean * mean / (variance - mean)
    return _beta(float(observed), size, mean / (mean + size))


def _beta(a: float, b: float, x: float) -> float:
    """I(x; a, b), by the continued fraction of Lentz (Numerical Recipes, 6.4)."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x < (a + 1.0) / (a + b + 2.0):
        return min(1.0, front * _fraction(a, b, x) / a)
    return max(0.0, 1.0 - front * _fraction(b, a, 1.0 - x) / b)


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1.0 / _away(1.0 - (a + b) * x / (a + 1.0))
    found = d
    for m in range(1, _MOST_STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        d = 1.0 / _away(1.0 + even * d)
        c = _away(1.0 + even / c)
        found *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        d = 1.0 / _away(1.0 + odd * d)
        c = _away(1.0 + odd / c)
        found *= d * c
        if abs(d * c - 1.0) < _EXACT:
            break
    return found


def _away(value: float) -> float:
    """Not so near to zero that it cannot be divided by."""
    return value if abs(value) > _TINY else _TINY
