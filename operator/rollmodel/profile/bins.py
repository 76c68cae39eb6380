"""Bins: where the edges are, which bin a value is in, and which bins are merged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Grid", "count_bins", "is_null", "is_numeric", "merge_small", "numbers", "quantile_edges", "texts"]

#: Deciles, and the tails beyond 1 % and 99 %: without these a change of the spread is hardly seen.
LEVELS = (0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99)


def is_numeric(values: ArrayLike) -> bool:
    """Whether a column is counted by size: numbers and truth values, but no texts."""
    array = np.asarray(values)
    if array.dtype.kind in "biuf":
        return True
    if array.dtype.kind != "O":
        return False
    known = [value for value in array.ravel().tolist() if not is_null(value)]
    return bool(known) and all(isinstance(value, int | float | np.number | np.bool_) for value in known)


def numbers(values: Any) -> NDArray[np.float64]:
    """The column as floats; what is no number is NaN. Infinite values stay, and are in the outermost bins."""
    array = np.asarray(values)
    if array.dtype.kind in "biuf":
        return array.astype(np.float64)
    return np.array([_number(value) for value in array.ravel().tolist()], dtype=np.float64)


def texts(values: Any) -> list[str | None]:
    """The column as texts; None where a value is missing. A truth value is ``true`` or ``false``."""
    return [None if is_null(value) else _text(value) for value in np.asarray(values, dtype=object).ravel().tolist()]


class Grid:
    """The numbers that a profile writes of a column: a thousandth of its spread apart. An edge in all its digits would
    be somebody's value, and take three times the room.
    """

    def __init__(self, finite: NDArray[np.float64]) -> None:
        low, high, least, most = (0.0,) * 4 if not finite.size else np.quantile(finite, (0.1, 0.9, 0.0, 1.0)).tolist()
        spread = high - low or most - least
        self._digits = 3 - math.floor(math.log10(spread)) if 0.0 < spread < math.inf else None

    def above(self, value: float) -> float:
        """The next number of the grid, at least as large but for rounding: a value at an edge stays below it."""
        if self._digits is None or not math.isfinite(value):
            return value
        near = round(value, self._digits)
        step = 10.0**-self._digits
        return near if near >= value - 1e-6 * step else round(near + step, self._digits)

    def below(self, value: float) -> float:
        """The next number of the grid that is not larger."""
        return -self.above(-value)


def quantile_edges(values: NDArray[np.float64], levels: Sequence[float] = LEVELS) -> list[float]:
    """Edges at these quantiles of the finite values, on the column's grid; fewer where values repeat."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return []
    grid, most = Grid(finite), float(finite.max())
    edges = {grid.above(float(edge)) for edge in np.quantile(finite, levels, method="lower")}
    return sorted(edge for edge in edges if edge < most)


def count_bins(values: NDArray[np.float64], edges: Sequence[float]) -> NDArray[np.int64]:
    """How many of the values are in each bin; NaN is in none."""
    known = values[~np.isnan(values)]
    inside = np.searchsorted(np.asarray(edges, dtype=np.float64), known, side="left")
    return np.bincount(inside, minlength=len(edges) + 1).astype(np.int64)


def merge_small(counts: Sequence[int], smallest: int, keep: float | None, edges: Sequence[float]) -> list[float]:
    """The edges without those that would make a bin of fewer rows than ``smallest``; ``keep`` goes last of all."""
    edges, counts = list(edges), list(counts)
    while edges and min(counts) < smallest:
        at = int(np.argmin(counts))
        sides = [side for side in (at - 1, at) if 0 <= side < len(edges)]
        side = min(sides, key=lambda side: (edges[side] == keep, counts[side] + counts[side + 1]))
        counts[side : side + 2] = [counts[side] + counts[side + 1]]
        del edges[side]
    return edges


def is_null(value: Any) -> bool:
    """Whether a value is missing."""
    return value is None or value != value or type(value).__name__ in {"NAType", "NaTType"}  # noqa: PLR0124  NaN


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool | np.bool_) else str(value)
