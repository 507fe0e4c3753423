"""Student's t distribution: the probability below a value, and the value of a probability.

P(T <= t) = 1 - I_x(df/2, 1/2) / 2 for t >= 0 with x = df / (df + t^2), I the regularised incomplete beta function by its continued
fraction (Lentz's algorithm; Abramowitz & Stegun 26.5.8, 26.7.1). Quantiles by bisection. Agrees with printed tables to all their
digits; written here because the referee needs nothing else of a statistics library.
"""

from __future__ import annotations

import math
from functools import lru_cache

from models.types import require

_TERMS, _TINY, _EPSILON = 1000, 1e-300, 1e-15


def probability(t: float, df: float) -> float:
    """P(T <= t) for `df` > 0 degrees of freedom, 0-1."""
    require(df > 0, "Student's t", "degrees of freedom", df, "> 0")
    if math.isinf(t):
        return float(t > 0)
    tail = _incomplete_beta(df / 2, 0.5, df / (df + t * t)) / 2
    return 1 - tail if t >= 0 else tail


def two_sided(t: float, df: float) -> float:
    """P(|T| >= |t|): the p-value of a t statistic, exact in the far tail too."""
    return 2 * probability(-abs(t), df)


@lru_cache(maxsize=4096)
def quantile(share: float, df: float) -> float:
    """The t below which `share` (0 < share < 1) of the distribution lies."""
    require(0 < share < 1, "Student's t", "share", share, "a share in (0, 1)")
    if share < 0.5:
        return -quantile(1 - share, df)
    low, high = 0.0, 1.0
    while probability(high, df) < share and high < 1e12:
        low, high = high, 2 * high
    while high - low > 1e-14 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if probability(middle, df) < share else (low, middle)
    return (low + high) / 2


def _incomplete_beta(a: float, b: float, x: float) -> float:
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, 1 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    """1 / (1 + d_1 / (1 + d_2 / ...)), the fraction of the incomplete beta function; fast for x < (a + 1) / (a + b + 2)."""
    value = c = 1.0
    d = 0.0
    for place in range(1, _TERMS):
        m = place // 2
        odd, even = -(a + m) * (a + b + m) * x, m * (b - m) * x
        term = odd / ((a + 2 * m) * (a + 2 * m + 1)) if place % 2 else even / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / _off_zero(1 + term * d)
        c = _off_zero(1 + term / c)
        value *= c * d
        if abs(c * d - 1) < _EPSILON:
            break
    return 1 / value


def _off_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
