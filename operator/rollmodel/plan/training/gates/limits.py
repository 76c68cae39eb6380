"""``min`` and ``max``: limits on the last value of a metric, or on every slice of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from rollmodel.api.trainingjob import GateStatus, MetricGate
from rollmodel.plan.training.gates import slices
from rollmodel.plan.training.gates.bound import Bound, judged, not_evaluated
from rollmodel.plan.training.gates.metric_values import exact, plain, trouble
from rollmodel.plan.training.observed import GateFacts, MetricPoint, TrackedRun

__all__ = ["check"]


def check(gate: MetricGate, run: TrackedRun, facts: GateFacts) -> Iterator[GateStatus]:
    """One result for each limit that the gate has."""
    del facts
    for bound in _bounds(gate):
        if gate.over == "Slices":
            yield _over_slices(gate.name, bound, slices.values_of(gate.name, run.metrics))
        else:
            yield _over_run(gate.name, bound, run.metrics)


def _bounds(gate: MetricGate) -> Iterator[Bound]:
    if gate.min is not None:
        yield Bound("Min", gate.min, ">=", "less than")
    if gate.max is not None:
        yield Bound("Max", gate.max, "<=", "more than")


def _over_run(name: str, bound: Bound, metrics: Mapping[str, MetricPoint]) -> GateStatus:
    if problem := trouble(name, metrics):
        return not_evaluated(name, bound, problem)
    value = exact(metrics[name].value)
    seen = plain(value, Decimal(bound.limit))
    return judged(name, bound, value, seen, f"{seen} is {bound.relation(value)}")


def _over_slices(name: str, bound: Bound, values: Mapping[str, float]) -> GateStatus:
    """The worst slice decides."""
    title = slices.title(name)
    if problem := slices.problem(name, values):
        return not_evaluated(title, bound, problem)
    choose = min if bound.check == "Min" else max
    worst = choose(values, key=lambda each: values[each])
    value = exact(values[worst])
    written = plain(value, Decimal(bound.limit))
    seen = f"{written} in {worst!r}, the worst of {len(values)}"
    message = f"the worst slice, {worst!r}, has {written}, which is {bound.relation(value)}"
    return judged(title, bound, value, seen, message)
