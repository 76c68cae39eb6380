"""Slices of a metric, ``<name>/slice/<slice>``, and ``maxGap``: the largest difference between two of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal

from rollmodel.api.trainingjob import GateStatus, MetricGate
from rollmodel.plan.training.gates.bound import Bound, judged, not_evaluated
from rollmodel.plan.training.gates.metric_values import exact, plain
from rollmodel.plan.training.observed import GateFacts, MetricPoint, TrackedRun

__all__ = ["check", "problem", "title", "values_of"]

#: Repeated values of a slice are metrics too, but no slices.
_REPEATED = ("/fold", "/bootstrap")


def check(gate: MetricGate, run: TrackedRun, facts: GateFacts) -> Iterator[GateStatus]:
    """The gap between the best and the worst slice, where the gate limits it."""
    del facts
    if gate.over == "Slices" and gate.max_gap is not None:
        yield _gap(gate.name, Bound("MaxGap", gate.max_gap, "<=", "more than"), values_of(gate.name, run.metrics))


def title(name: str) -> str:
    """What a gate over slices is called, so that one of the same name over the run is not taken for it."""
    return f"{name} over slices"


def values_of(name: str, metrics: Mapping[str, MetricPoint]) -> dict[str, float]:
    """The last value of each slice of a metric."""
    prefix = f"{name}/slice/"
    repeated = {f"{metric}{kind}" for metric in metrics if metric.startswith(prefix) for kind in _REPEATED}
    return {
        metric.removeprefix(prefix): point.value
        for metric, point in sorted(metrics.items())
        if metric.startswith(prefix) and metric != prefix and metric not in repeated
    }


def problem(name: str, values: Mapping[str, float]) -> str | None:
    """Why these slices cannot be compared with anything, or None where they can."""
    if not values:
        return f"the run logged no metric '{name}/slice/<slice>'"
    odd = next((each for each, value in values.items() if not math.isfinite(value)), None)
    return None if odd is None else f"the run logged {values[odd]} as its last value for slice {odd!r}"


def _gap(name: str, bound: Bound, values: Mapping[str, float]) -> GateStatus:
    if message := problem(name, values):
        return not_evaluated(title(name), bound, message)
    if len(values) == 1:
        only = next(iter(values))
        return not_evaluated(title(name), bound, f"a gap needs two slices, and the run logged only {only!r}")
    low, high = (choose(values, key=lambda each: values[each]) for choose in (min, max))
    worst, best = exact(values[low]), exact(values[high])
    gap = best - worst
    where = f"between {low!r} ({plain(worst)}) and {high!r} ({plain(best)})"
    written = plain(gap, Decimal(bound.limit))
    message = f"the gap of {written} {where} is {bound.relation(gap)}"
    return judged(title(name), bound, gap, f"{written} {where}", message)
