"""The numbers of a look for the operator's metrics: they change each time, so they are no status."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from rollmodel.evidence.core.arrays import Array, Mask
from rollmodel.plan.decision import Reading
from rollmodel.plan.drift.evaluation.seen import Seen
from rollmodel.plan.drift.evaluation.watches import Watch

__all__ = ["MOST_SIGNALS", "of_performance", "of_signals", "of_windows"]

#: Signals of a policy that have series: those with the largest share of the budget, so that the same ones stay.
MOST_SIGNALS = 50


def of_signals(tests: Sequence[Watch], log10_p: Array, change: Array, enough: Mask) -> Iterator[Reading]:
    """By signal, of the windows [W] that have enough rows: the largest change, and the least likely one.

    ``log10_p`` and ``change`` are [signals, W]. Nothing where no window has enough rows.
    """
    if not enough.any():
        return
    first = {test.name: index for index, test in reversed(list(enumerate(tests)))}
    heaviest = sorted(first.values(), key=lambda index: (-tests[index].weight, tests[index].name))[:MOST_SIGNALS]
    most, least = change[:, enough].max(axis=1), log10_p[:, enough].min(axis=1)
    for index in sorted(heaviest):
        test, largest = tests[index], float(most[index])
        yield Reading("change_ratio", test.name, largest / test.limit if test.limit else 0.0)
        yield Reading("log10_p", test.name, float(least[index]))
        if test.what == "bins":
            yield Reading("corrected_psi", test.name, largest)


def of_performance(tests: Sequence[Watch], measured: Sequence[Seen], enough: Mask) -> Iterator[Reading]:
    """The performance itself, estimated or with labels: in the window where it dropped most."""
    for test, seen in zip(tests, measured, strict=True):
        able = enough if seen.enough is None else seen.enough
        if test.what != "rows" and seen.values is not None and able.any():
            yield Reading("performance", test.name, float(seen.values[np.argmax(np.where(able, seen.change, -np.inf))]))


def of_windows(
    widths: Sequence[int], rows: Sequence[int], enough: Sequence[bool], visible: Sequence[float]
) -> Iterator[Reading]:
    """By window: its rows, and the smallest PSI that it can see; none where it has too few rows."""
    for width, count, able, psi in zip(widths, rows, enough, visible, strict=True):
        yield Reading("window_rows", str(width), float(count))
        if able and math.isfinite(psi):
            yield Reading("visible_psi", str(width), psi)
