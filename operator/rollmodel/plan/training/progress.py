"""How far a run is, from the metrics that it logged."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from rollmodel.api.base import GROUP
from rollmodel.api.trainingjob import Progress
from rollmodel.api.trainingjob.status import MetricValue
from rollmodel.plan.times import stamp
from rollmodel.plan.training.observed import TrackedRun

__all__ = ["TOTAL_STEPS_TAG", "progress"]

#: Tag that the training code sets, so that an estimate is possible.
TOTAL_STEPS_TAG = f"{GROUP}/total-steps"

_SHOWN = 20
_HELPERS = ("/fold", "/bootstrap")
_FARTHEST = timedelta(days=365)
#: What status can hold; code that takes the time in nanoseconds for a step logs more.
_MOST_STEPS = 2**53


def progress(run: TrackedRun | None, now: datetime) -> Progress | None:
    """Step, last values and an estimate; None before anything was logged. The newest values are shown."""
    if run is None or not run.metrics:
        return None
    step = max(point.step for point in run.metrics.values())
    shown = [(name, point) for name, point in run.metrics.items() if not name.endswith(_HELPERS)]
    shown.sort(key=lambda item: (-item[1].time, item[0]))
    values = [MetricValue(name=name, value=f"{point.value:.6g}") for name, point in shown[:_SHOWN] if len(name) <= 256]
    done = _estimate(run, step, now)
    return Progress(step=min(max(0, step), _MOST_STEPS), metrics=sorted(values, key=lambda value: value.name), **done)


def _estimate(run: TrackedRun, step: int, now: datetime) -> dict[str, str]:
    """The end at the pace so far: from the start of the run to the last logged step."""
    total = run.tags.get(TOTAL_STEPS_TAG, "")
    if not (total.isascii() and total.isdecimal() and len(total) < 16) or step <= 0:
        return {}
    logged = max(point.time for point in run.metrics.values() if point.step == step)
    seconds = (int(total) - step) * (logged - run.started) / step
    if not math.isfinite(seconds) or logged <= run.started or seconds < 0:
        return {}
    end = datetime.fromtimestamp(logged, UTC) + timedelta(seconds=min(seconds, _FARTHEST.total_seconds()))
    return {"estimated_completion_time": stamp(max(end, now))}
