"""Performance with labels: of the rows whose prediction is old enough, if enough of them have a label.

A window ends `outcomes.delaySeconds` before the look. Labels that come early are often of one class, so a window counts
only once nearly all of its rows have one.
"""

from __future__ import annotations

import math

import numpy as np

from rollmodel.api.driftpolicy import Outcomes
from rollmodel.api.fields.decimals import decimal
from rollmodel.evidence.drift.performance import measured
from rollmodel.plan.drift.evaluation.queries import step_of
from rollmodel.plan.drift.evaluation.seen import Seen
from rollmodel.plan.drift.evaluation.watches import Watch
from rollmodel.plan.drift.evaluation.windows import Windows

__all__ = ["of_labels"]


def of_labels(windows: Windows, test: Watch) -> Seen:
    """What the labels say, by window."""
    spec, history, calibration = windows.spec, windows.history, windows.history.layout.calibration
    assert calibration is not None  # noqa: S101  such a test is made only with one
    outcomes, step = spec.outcomes or Outcomes(delay_seconds=0), step_of(spec)
    end = math.floor((windows.times.at - outcomes.delay_seconds) / step) * step
    count = len(spec.windows)
    log10_p, drop, rows, shares, now = (np.zeros(count) for _ in range(5))
    for index, width in enumerate(spec.windows):
        found = history.labelled(end - width, end) if end - width >= windows.times.since - 1e-6 else None
        if found is None or found.sum() < 0.5:
            continue
        positives, negatives, _ = found.T
        rows[index], shares[index] = (positives + negatives).sum(), (positives + negatives).sum() / found.sum()
        seen = measured(test.metric, calibration, positives, negatives, float(windows.dispersion[test.index]))
        log10_p[index], drop[index], now[index] = seen.log10_p, seen.drop, seen.now
    enough = (shares >= decimal(outcomes.mature_share)) & (rows >= spec.samples.min_per_window)
    said = "" if enough.any() else f"{shares.max():.0%} of the rows of a window have a label, {rows.max():.0f} rows"
    return Seen(log10_p, np.where(enough, drop, 0.0), enough=enough, rows=rows, values=now, said=said)
