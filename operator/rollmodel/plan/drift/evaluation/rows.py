"""How many rows come: fewer than a person says there should be are broken data, whatever is in them.

That is counted, not estimated, so it has no chance of a false alarm beside what the floor itself means. A window says
something once all of its steps are known: where Prometheus was away rows are missing that did come.
"""

from __future__ import annotations

import numpy as np

from rollmodel.plan.drift.evaluation.queries import step_of
from rollmodel.plan.drift.evaluation.seen import Seen
from rollmodel.plan.drift.evaluation.watches import Watch
from rollmodel.plan.drift.evaluation.windows import Windows

__all__ = ["of_rows"]

#: log10 p of what was counted: below each threshold.
_CERTAIN = -999.0


def of_rows(windows: Windows, test: Watch) -> Seen:
    """By window: the part of ``test.floor`` (rows an hour) that did not come."""
    spec, step = windows.spec, step_of(windows.spec)
    rows = windows.groups[:, :, 2].max(axis=1)
    hours = np.array(spec.windows) / 3600.0
    known = np.array(
        [
            begin + width <= windows.times.at + 1e-6
            and len(windows.history.rows(begin, windows.times.at)[0]) >= width / step
            for width, (begin, _) in zip(spec.windows, windows.times.windows(spec), strict=True)
        ]
    )
    missing = np.where(known, np.clip(1.0 - rows / (hours * test.floor), 0.0, 1.0), 0.0)
    return Seen(np.where(missing > 0.0, _CERTAIN, 0.0), missing, enough=known, rows=rows, values=rows / hours)
