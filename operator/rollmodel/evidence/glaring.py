"""A glaring fault is found while the noise is still being learnt: a second e-process beside the one against harm.

Without history thirty windows only teach, because what one burst is worth is not known. A fault that lasts needs no
such knowledge: with a part of the risk the guard bets, in these windows only, on far larger faults than ordinary noise
makes. A window brings it a fifth of the way at most, so that at least five must agree; how requests depend on each
other *inside* a window then hardly matters. Guard and test together are one e-process, as the mean of two is one.

What a kind of metric bets on is in its own ``cold_start``; all else about guards is here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeVar

import numpy as np

from rollmodel.evidence.core.arrays import Array, from_plain, select, to_plain
from rollmodel.evidence.core.mixture import RANGE, Mixture, Wealth, log_total, mixture, part_of, start
from rollmodel.evidence.levels import Levels

__all__ = [
    "RATIO",
    "absent",
    "begin",
    "in_use",
    "log_harm",
    "main_part",
    "prior",
    "rest",
    "with_absent",
    "without_absent",
    "words",
]

Record = TypeVar("Record")

#: Glaring is what is beyond so many times the stable value, and beyond the harm line.
RATIO = 1.5
#: Alternatives that a guard bets on, in equal parts.
ALTERNATIVES = 4
#: The guard's part of the risk, where noise has to be learnt.
PART = 0.5
#: Fewest windows that decide.
WINDOWS = 5


def main_part(teach: Array) -> Array:
    """The part of the risk that is left to the test itself, [...]: all of it where nothing has to be learnt."""
    return np.where(teach > 0, 1.0 - PART, 1.0)


def rest(made: Mixture, teach: Array) -> Wealth:
    """The wealth of the test itself before the first window: what the guard leaves of the risk."""
    return part_of(start(made), main_part(teach))


def log_harm(test: Wealth, guard: Wealth) -> Array:
    """Log of the e-process against "no worse than the harm line": the test's and the guard's part."""
    return np.logaddexp(log_total(test), log_total(guard))


def prior(levels: Levels) -> Mixture:
    """The guard's alternatives; levels: what its metric must reach, [...]."""
    weights = np.full((*levels.harm.shape, ALTERNATIVES), 1.0 / ALTERNATIVES)
    # What the test and other metrics begin with is at most 1 together, and must not let fewer windows decide.
    own, together = levels.harm - np.log(PART), np.log(np.expm1(levels.joint)) - np.log(PART)
    return mixture(weights, 0.0, own, joint=together, windows=levels.at_least(WINDOWS).windows)


def begin(made: Mixture, teach: Array) -> Wealth:
    """The guard's wealth before the first window: its part, and nothing where nothing is to be learnt."""
    full = part_of(start(made), np.full(np.shape(teach), PART))
    return select(np.asarray(teach > 0), full, absent(full))


def absent(like: Wealth) -> Wealth:
    """The wealth of no guard: what a wealth may fall to."""
    return Wealth(np.full_like(like.log, RANGE[0]), np.zeros_like(like.reserve))


def in_use(wealth: Wealth) -> bool:
    """Whether there is anything to remember of it."""
    return bool((wealth.log > RANGE[0]).any())


def without_absent(state: Any, guard: Wealth) -> Any:
    """A state whose last field is its guard, for JSON: without one that never had anything.

    So is the state of a rollout that began before there were guards.
    """
    plain = to_plain(state)
    return plain if in_use(guard) else plain[:-1]


def with_absent(like: Record, guard: Wealth, data: Any) -> Record:
    """The state that :func:`without_absent` wrote, in the form of ``like``. Raises ValueError."""
    complete = data if len(data) == len(to_plain(like)) else [*data, to_plain(absent(guard))]
    return from_plain(like, complete)


def words(wealth: Wealth, level: Array, learning: Sequence[object]) -> list[Literal["Watching", "Caught"] | None]:
    """What the guard of each metric [m] does: none where it is absent or its time is over."""
    caught = np.asarray(log_total(wealth) >= level)
    here = np.asarray((wealth.log > RANGE[0]).any(axis=-1))
    return [
        "Caught" if hit else "Watching" if present and now is not None else None
        for hit, present, now in zip(caught, here, learning, strict=True)
    ]
