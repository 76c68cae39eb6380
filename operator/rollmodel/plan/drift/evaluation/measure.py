"""One test in all windows: how unlikely what it sees is, and how large the change is."""

from __future__ import annotations

import numpy as np

from rollmodel.evidence.drift.performance import estimate
from rollmodel.evidence.drift.quality import log10_p_above, log10_p_of_rise, share_before
from rollmodel.plan.drift.evaluation.labels import of_labels
from rollmodel.plan.drift.evaluation.seen import Seen
from rollmodel.plan.drift.evaluation.watches import Watch
from rollmodel.plan.drift.evaluation.windows import Windows

__all__ = ["measure"]


def measure(windows: Windows, test: Watch) -> Seen:
    """What this test sees."""
    found, index = windows.comparison, test.index
    if test.what == "bins":
        return Seen(found.log10_p[:, index], found.corrected_psi[:, index])
    if test.what == "labels":
        return of_labels(windows, test)
    if test.what == "performance":
        return _estimated(windows, test)
    column = 0 if test.what == "null" else 1
    count, rows = windows.groups[:, index, column], windows.groups[:, index, 2]
    if windows.concurrent is not None:
        return _beside_stable(windows, index, column)
    signal = windows.history.layout.signals[index]
    before = signal.nulls if test.what == "null" else signal.unseen
    rise = count / np.maximum(rows, 1.0) - before / max(signal.rows, 1.0)
    careful = share_before(before, signal.rows)
    return Seen(log10_p_of_rise(count, rows, careful, windows.dispersion[index]), rise)


def _estimated(windows: Windows, test: Watch) -> Seen:
    """The performance that the scores promise, against that of the training; of short windows at the same hours."""
    layout, index = windows.history.layout, test.index
    calibration = layout.calibration
    assert calibration is not None  # noqa: S101  such a test is made only with one
    spread, parts = float(windows.dispersion[index]), []
    for window, live in enumerate(windows.live[:, index, : len(calibration.rows)]):
        of_window = calibration
        if windows.own_hours is not None and windows.own_hours[window] and layout.rhythm is not None:
            of_window = layout.rhythm.calibration_of(index, calibration, windows.reference[window, index])
        parts.append(estimate(test.metric, of_window, live, spread))
    log10_p, drop, now = (np.array([getattr(one, name) for one in parts]) for name in ("log10_p", "drop", "now"))
    return Seen(log10_p, drop, values=now)


def _beside_stable(windows: Windows, index: int, column: int) -> Seen:
    """Missing or unseen values of a candidate: above the share that the stable revision has at the same time."""
    assert windows.concurrent is not None  # noqa: S101  asked by the caller
    count, rows = windows.groups[:, index, column], windows.groups[:, index, 2]
    known = np.stack([one.reference_groups[index] for one in windows.totals])
    if column == 1 and not windows.concurrent.same_bins(index):  # other bins: unseen is another question
        return Seen(np.zeros(len(rows)), np.zeros(len(rows)))
    rise = count / np.maximum(rows, 1.0) - known[:, column] / np.maximum(known[:, 2], 1.0)
    return Seen(log10_p_above(count, rows, known[:, column], known[:, 2], windows.dispersion[index]), rise)
