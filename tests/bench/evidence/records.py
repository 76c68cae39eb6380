"""One line of results, and how it is measured from verdicts."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.bench.evidence.rules.rivals import Verdicts
from tests.bench.evidence.worlds import TICK_SECONDS, Counts, World

__all__ = ["Record", "measure", "median"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Record:
    """What one rule did in one world. Times are medians over ALL runs, in seconds; infinite is None.

    ``rollback`` and ``promote`` are fractions of the runs. ``exposed`` is the mean number of requests that the canary
    answered between the onset of its fault and the rollback, or the end of the run.
    """

    suite: str
    rule: str
    world: dict[str, Any]
    runs: int
    rollback: float
    rollback_seconds: float | None
    rollback_error: float | None
    """Standard error of the median, from the order statistics around it."""
    promote: float
    promote_seconds: float | None
    exposed: float
    oracle: float | None = None
    label: str = ""

    @property
    def place(self) -> str:
        """The world in words."""
        world = self.world
        return f"{world['canary_rps']:g} vs {world['stable_rps']:g} rps, {100 * world['base']:g} %, {world['noise']}"


def median(times: Floats) -> tuple[float | None, float | None]:
    """Median and its standard error; None where they are infinite."""
    ordered, runs = np.sort(times), len(times)
    reach = math.sqrt(runs) / 2
    low, high = ordered[max(0, math.floor(runs / 2 - reach))], ordered[min(runs - 1, math.ceil(runs / 2 + reach))]
    middle = ordered[(runs - 1) // 2]
    return _finite(float(middle)), _finite(float(high - low) / 2 if math.isfinite(high) else math.inf)


def measure(
    suite: str,
    rule: str,
    world: World,
    counts: Counts,
    verdicts: Verdicts,
    *,
    oracle: float = math.inf,
    label: str = "",
) -> Record:
    """The record of one rule in one world."""
    since = np.where(np.isfinite(verdicts.rollback), verdicts.rollback - world.onset, np.inf)
    middle, error = median(since)
    return Record(
        suite=suite,
        rule=rule,
        world=asdict(world),
        runs=len(since),
        rollback=float(np.isfinite(verdicts.rollback).mean()),
        rollback_seconds=middle,
        rollback_error=error,
        promote=float(np.isfinite(verdicts.promote).mean()),
        promote_seconds=median(verdicts.promote)[0],
        exposed=_exposed(world, counts, verdicts),
        oracle=_finite(oracle),
        label=label,
    )


def _exposed(world: World, counts: Counts, verdicts: Verdicts) -> float:
    ends = (np.arange(counts.na.shape[1]) + 1) * TICK_SECONDS
    seen = (ends > world.onset) & (ends <= verdicts.rollback[:, None])
    return float((counts.na * seen).sum(axis=1).mean())


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
