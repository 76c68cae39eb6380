"""Rates with their intervals of 95 %, and limits that make a rule ring as often as another."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy import stats

__all__ = ["limit_for", "median", "poisson", "reached", "share", "wilson"]

_Z = 1.96


def wilson(count: int, of: int) -> tuple[float, float]:
    """The interval of a share: Wilson's."""
    p, z2 = count / of, _Z**2
    centre, spread = p + z2 / (2 * of), _Z * math.sqrt(p * (1.0 - p) / of + z2 / (4 * of**2))
    return max(0.0, (centre - spread) / (1.0 + z2 / of)), min(1.0, (centre + spread) / (1.0 + z2 / of))


def poisson(count: int, of: int) -> tuple[float, float]:
    """The interval of a mean number of events: the exact one of a Poisson distribution."""
    low = stats.chi2.ppf(0.025, 2 * count) / 2.0 if count else 0.0
    return float(low) / of, float(stats.chi2.ppf(0.975, 2 * (count + 1))) / 2.0 / of


def median(values: Sequence[float]) -> tuple[float, float, float]:
    """The median and its interval, by order statistics; infinite values are the largest."""
    ordered, n = sorted(values), len(values)
    low = int(stats.binom.ppf(0.025, n, 0.5))
    return ordered[n // 2], ordered[max(0, low - 1)], ordered[min(n - 1, n - low)]


def limit_for(highest: Sequence[float], months: int) -> float:
    """The smallest limit above which only so many of these months go."""
    ordered = sorted(highest, reverse=True)
    return ordered[months] if months < len(ordered) else -math.inf


def reached(rises: Sequence[tuple[float, float]], limit: float) -> float:
    """The first hour above the limit, of ``rises`` as :func:`tests.bench.drift.months.rises` gives them."""
    return next((float(hour) for hour, value in rises if value > limit), math.inf)


def share(count: int, of: int) -> str:
    """A share with its interval, for a table."""
    low, high = wilson(count, of)
    return f"{count / of:.0%} [{low:.1%}, {high:.1%}]"
