"""What is kept of each simulated month: of all rules at once, since simulating takes longer than judging.

Of rules with a limit to choose it is what they look at, so that the limit can be chosen afterwards: the highest value
of a quiet month, and at which hour after a change which value was first reached.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rollmodel.evidence.core.arrays import Array

from tests.bench.drift.rules import RULES, STATISTICS, Alarms, Ours, Rule
from tests.bench.drift.worlds import CHANGES, WEEK, WORLDS, Month, month

__all__ = [
    "AFTER",
    "BEFORE",
    "FREE",
    "HOURS",
    "LOOKS",
    "OURS",
    "ROWS",
    "changed",
    "first",
    "in_a_row",
    "quiet",
    "rises",
]

ROWS, HOURS = 500, 720
#: Hours before a month or a change, which the longest window and the seasons need; and those after a change.
BEFORE, AFTER = 2 * WEEK, 480
#: How many hours in a row others must ring.
LOOKS = (1, 3)
OURS = "ours"
#: Ours as others are: no change is too small to matter.
FREE: Mapping[str, Rule] = {
    "ours, no least effect": Ours(by_hours=True, effect=0.0),
    "ours, no least effect, `raiseAfterLooks: 1`": Ours(by_hours=True, effect=0.0, looks_in_a_row=1),
}


def quiet(world: str, seed: int) -> dict[str, Any]:
    """``rules``: alarms that began in the month, and hours in alarm; ``highest``: by looks in a row and statistic."""
    data = month(np.random.default_rng([seed, 0]), WORLDS[world], rows=ROWS, hours=BEFORE + HOURS)
    return {
        "rules": {name: _alarms(rule(data)[-HOURS:]) for name, rule in {**RULES, **FREE}.items()},
        "highest": {key: float(values[-HOURS:].max()) for key, values in _statistics(data).items()},
    }


def changed(world: str, change: str, seed: int) -> dict[str, Any]:
    """``rules``: hours from the change to the first alarm (inf: none); ``rises``: see :func:`rises`."""
    data = month(
        np.random.default_rng([seed, 1]),
        WORLDS[world],
        rows=ROWS,
        hours=BEFORE + AFTER,
        change=CHANGES[change],
        before=BEFORE,
    )
    return {
        "rules": {name: first(rule(data)[BEFORE:]) for name, rule in {**RULES, **FREE}.items()},
        "rises": {key: rises(values[BEFORE:]) for key, values in _statistics(data).items()},
    }


def _statistics(data: Month) -> dict[str, Array]:
    found = {name: statistic(data) for name, statistic in STATISTICS.items()}
    return {f"{looks} {name}": in_a_row(values, looks) for looks in LOOKS for name, values in found.items()}


def _alarms(on: Alarms) -> tuple[int, int]:
    return int((on & ~np.concatenate([[False], on[:-1]])).sum()), int(on.sum())


def in_a_row(statistic: Array, looks: int) -> Array:
    """Of each hour the largest value that some feature [hours, F] has had in so many looks in a row."""
    least = statistic.copy()
    for back in range(1, looks):
        least[back:] = np.minimum(least[back:], statistic[:-back])
        least[:back] = 0.0
    return np.asarray(least.max(axis=1))


def rises(values: Array) -> list[tuple[int, float]]:
    """Hours (the first is 1) at which a value is higher than all before, and the value."""
    highest = np.maximum.accumulate(values)
    new = np.flatnonzero(np.diff(highest, prepend=-math.inf) > 0.0)
    return [(int(hour) + 1, float(highest[hour])) for hour in new]


def first(alarms: Sequence[bool] | Alarms) -> float:
    """The first hour that rings, of which the first is 1; infinite without one."""
    on = np.flatnonzero(alarms)
    return float(on[0]) + 1.0 if len(on) else math.inf
