"""All tests in all windows: how unlikely what each sees is, and how large the change is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rollmodel.evidence.core.arrays import Array
from rollmodel.evidence.drift.performance import estimate
from rollmodel.evidence.drift.quality import log10_p_above, log10_p_of_rise, share_before
from rollmodel.plan.drift.evaluation.labels import of_labels
from rollmodel.plan.drift.evaluation.rows import of_rows
from rollmodel.plan.drift.evaluation.seen import Seen
from rollmodel.plan.drift.evaluation.watches import Watch
from rollmodel.plan.drift.evaluation.windows import Windows

__all__ = ["measure"]


def measure(windows: Windows, tests: Sequence[Watch]) -> list[Seen]:
    """What each test sees. Missing and unseen values of all columns are judged at once, since there are many."""
    found = windows.comparison
    risen: dict[str, tuple[Array, Array]] = {}
    if windows.concurrent is None:
        risen = {what: _risen(windows, what) for what in {test.what for test in tests} & {"null", "unseen"}}
    seen = []
    for test in tests:
        if test.what == "bins":
            seen.append(Seen(found.log10_p[:, test.index], found.corrected_psi[:, test.index]))
        elif test.what == "labels":
            seen.append(of_labels(windows, test))
        elif test.what == "performance":
            seen.append(_estimated(windows, test))
        elif test.what == "rows":
            seen.append(of_rows(windows, test))
        elif windows.concurrent is not None:
            seen.append(_beside_stable(windows, test.index, 0 if test.what == "null" else 1))
        else:
            log10_p, rise = risen[test.what]
            seen.append(Seen(log10_p[:, test.index], rise[:, test.index]))
    return seen


def _risen(windows: Windows, what: str) -> tuple[Array, Array]:
    """Of each window and signal [W, S]: log10 p, and how much larger the share is than in the profile."""
    signals, rows = windows.history.layout.signals, windows.groups[:, :, 2]
    count = windows.groups[:, :, 0 if what == "null" else 1]
    before = np.array([one.nulls if what == "null" else one.unseen for one in signals])
    known = np.array([one.rows for one in signals])
    rise = count / np.maximum(rows, 1.0) - before / np.maximum(known, 1.0)
    return log10_p_of_rise(count, rows, share_before(before, known), windows.dispersion), rise


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
