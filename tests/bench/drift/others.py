"""Evidently's default for tables of more than 1,000 rows, which needs rows and not counts.

A number has drifted if Wasserstein's distance, in standard deviations of the reference, is at least 0.1, and a category
if the Jensen-Shannon distance is; a data set if half of its columns have. The package takes seconds for an hour of
30 columns, so months are judged by the same rule written for arrays; ``package.py`` compares it with the package,
column by column, where that is installed (``pip install evidently 'pandas<3'`` in an environment of its own).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rollmodel.evidence.core.arrays import Array
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

from tests.bench.drift.worlds import (
    CATEGORIES,
    CATEGORY,
    FEATURES,
    MOVING,
    NOTHING,
    NUMBER,
    NUMERIC,
    WEEK,
    Change,
    World,
)

__all__ = ["LIMIT", "Rows", "distances", "drifted", "reference_of", "rows_of"]

LIMIT = 0.1
_NEW = len(CATEGORIES)


@dataclass(frozen=True, slots=True)
class Rows:
    """Values of the numeric features [..., 24, N], NaN where missing, and codes of categories [..., 6, N]."""

    numbers: Array
    codes: NDArray[np.int64]


def rows_of(
    rng: np.random.Generator,
    world: World,
    *,
    hours: int,
    rows: int,
    change: Change = NOTHING,
    shift: Array | None = None,
) -> Rows:
    """Rows of so many hours: as those that :func:`tests.bench.drift.worlds.counts` counts."""
    different = rows // world.repeat
    values = rng.standard_normal((hours, NUMERIC, different))
    if shift is not None:
        values[:, :MOVING] += shift[:hours, :, None]
    one = values[:, NUMBER]
    one[:] = one * change.spread + change.mean + 3.0 * (rng.random(one.shape) < change.tail)
    values[:, NUMERIC // 2 :] = np.exp(values[:, NUMERIC // 2 :])
    one[rng.random(one.shape) < change.missing] = np.nan
    codes = rng.choice(len(CATEGORIES), p=CATEGORIES, size=(hours, FEATURES - NUMERIC, different))
    codes[:, CATEGORY - NUMERIC][rng.random((hours, different)) < change.new_category] = _NEW
    return Rows(np.repeat(values, world.repeat, axis=-1), np.repeat(codes, world.repeat, axis=-1))


def reference_of(rng: np.random.Generator, world: World, rows: int = 10_000) -> tuple[Rows, NDArray[np.int64]]:
    """What the training saw in four weeks of this world, as one hour; and the hour of the week of each row."""
    hours = rng.integers(0, 4 * WEEK, rows)
    found = rows_of(rng, World(), hours=1, rows=rows)
    if world.shift is not None:  # numbers that move are normal, not log-normal
        found.numbers[0, :MOVING] += world.shift(rng, 4 * WEEK)[hours].T
    return found, hours % WEEK


def drifted(reference: Rows, live: Rows) -> NDArray[np.bool_]:
    """Whether each column has drifted, in each hour [hours, F]."""
    return distances(reference, live) >= LIMIT


def distances(reference: Rows, live: Rows) -> Array:
    """How far each column is from the reference, in each hour [hours, F]."""
    found = np.zeros((len(live.numbers), FEATURES))
    for column in range(NUMERIC):
        found[:, column] = _wasserstein(reference.numbers[0, column], live.numbers[:, column])
    for column in range(FEATURES - NUMERIC):
        before = _shares(reference.codes[0, column][None])[0]
        now = _shares(live.codes[:, column])
        found[:, NUMERIC + column] = jensenshannon(np.broadcast_to(before, now.shape), now, axis=1)
    return found


def _wasserstein(reference: Array, live: Array) -> Array:
    """Of each hour [hours, N], in standard deviations of the reference."""
    spread = max(float(np.std(reference)), 1e-3)
    each, rest = divmod(len(reference), live.shape[-1])
    if rest or np.isnan(live).any():
        return np.array([wasserstein_distance(reference, one[~np.isnan(one)]) / spread for one in live])
    parts = np.sort(reference).reshape(1, -1, each)  # each row is moved to its share of the reference
    return np.asarray(np.abs(parts - np.sort(live, axis=-1)[..., None]).mean(axis=(1, 2)) / spread)


def _shares(codes: NDArray[np.int64]) -> Array:
    return np.stack([(codes == code).mean(axis=-1) for code in range(_NEW + 1)], axis=-1)
