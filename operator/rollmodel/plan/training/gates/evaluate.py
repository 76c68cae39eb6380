"""Gates: what the training logged against what is asked. What cannot be evaluated does not hold, and says why."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from rollmodel.api.trainingjob import Gates, GateStatus, MetricGate
from rollmodel.plan.training.gates.champion import compare
from rollmodel.plan.training.gates.metric_values import exact, plain, trouble
from rollmodel.plan.training.observed import GateFacts, MetricPoint, Problem, TrackedRun

__all__ = ["evaluate", "held"]

_HISTORIES = ("/fold", "/bootstrap")

Check = Literal["Min", "Max", "MaxGap"]


@dataclass(frozen=True, slots=True)
class _Bound:
    """A limit, and how it is written and spoken of."""

    check: Check
    limit: str
    sign: str
    worse: str

    @property
    def asked(self) -> str:
        return f"{'gap ' if self.check == 'MaxGap' else ''}{self.sign} {self.limit}"

    def holds(self, value: Decimal) -> bool:
        limit = Decimal(self.limit)
        return value >= limit if self.check == "Min" else value <= limit


def evaluate(gates: Gates, run: TrackedRun, facts: GateFacts) -> tuple[GateStatus, ...]:
    """The result of every check, in the order of the spec: metrics, then artifacts.

    A gate with ``over: Slices`` is called ``<name> over slices``, so that one with the same name over the run is not
    taken for it.
    """
    metrics = [status for gate in gates.metrics or () for status in _metric(gate, run, facts)]
    return (*metrics, *(_artifact(path, facts.artifacts) for path in gates.artifacts or ()))


def held(results: Sequence[GateStatus]) -> bool:
    """Whether every gate passed. One that could not be evaluated did not."""
    return all(result.verdict == "Passed" for result in results)


def _metric(gate: MetricGate, run: TrackedRun, facts: GateFacts) -> Iterator[GateStatus]:
    if gate.over == "Slices":
        slices = _slices(gate.name, run.metrics)
        yield from (_over_slices(gate.name, bound, slices) for bound in _bounds(gate))
        if gate.max_gap is not None:
            yield _gap(gate.name, _Bound("MaxGap", gate.max_gap, "<=", "more than"), slices)
        return
    yield from (_over_run(gate.name, bound, run.metrics) for bound in _bounds(gate))
    if gate.no_worse_than_champion_by is not None:
        yield compare(gate, run.metrics, facts)


def _bounds(gate: MetricGate) -> Iterator[_Bound]:
    if gate.min is not None:
        yield _Bound("Min", gate.min, ">=", "less than")
    if gate.max is not None:
        yield _Bound("Max", gate.max, "<=", "more than")


def _over_run(name: str, bound: _Bound, metrics: Mapping[str, MetricPoint]) -> GateStatus:
    if odd := trouble(name, metrics):
        return _open(name, bound, odd)
    value = exact(metrics[name].value)
    seen = plain(value, Decimal(bound.limit))
    return _judged(name, bound, value, seen, f"{seen} is {_relation(bound, value)}")


def _over_slices(name: str, bound: _Bound, slices: Mapping[str, float]) -> GateStatus:
    title = f"{name} over slices"
    if odd := _unusable(name, slices):
        return _open(title, bound, odd)
    choose = min if bound.check == "Min" else max
    worst = choose(slices, key=lambda slice_: slices[slice_])
    value = exact(slices[worst])
    shown = plain(value, Decimal(bound.limit))
    seen = f"{shown} in {worst!r}, the worst of {len(slices)}"
    message = f"the worst slice, {worst!r}, has {shown}, which is {_relation(bound, value)}"
    return _judged(title, bound, value, seen, message)


def _gap(name: str, bound: _Bound, slices: Mapping[str, float]) -> GateStatus:
    title = f"{name} over slices"
    if odd := _unusable(name, slices):
        return _open(title, bound, odd)
    if len(slices) == 1:
        return _open(title, bound, f"a gap needs two slices, and the run logged only {next(iter(slices))!r}")
    low, high = (choose(slices, key=lambda slice_: slices[slice_]) for choose in (min, max))
    worst, best = exact(slices[low]), exact(slices[high])
    value = best - worst
    where = f"between {low!r} ({plain(worst)}) and {high!r} ({plain(best)})"
    shown = plain(value, Decimal(bound.limit))
    message = f"the gap of {shown} {where} is {_relation(bound, value)}"
    return _judged(title, bound, value, f"{shown} {where}", message)


def _artifact(path: str, artifacts: frozenset[str] | Problem) -> GateStatus:
    def result(verdict: Literal["Passed", "Failed", "NotEvaluated"], seen: str | None, message: str) -> GateStatus:
        return GateStatus(name=path, check="Artifact", asked="exists", seen=seen, verdict=verdict, message=message)

    if isinstance(artifacts, Problem):
        return result("NotEvaluated", None, f"the run's artifacts cannot be listed: {artifacts.message}")
    if path in artifacts:
        return result("Passed", "exists", "the run logged it")
    return result("Failed", "missing", f"the run logged no artifact {path!r}")


def _slices(name: str, metrics: Mapping[str, MetricPoint]) -> dict[str, float]:
    """Value by slice. The folds or draws of a slice are metrics too, but no slices."""
    prefix = f"{name}/slice/"
    histories = {f"{metric}{kind}" for metric in metrics if metric.startswith(prefix) for kind in _HISTORIES}
    return {
        metric.removeprefix(prefix): point.value
        for metric, point in sorted(metrics.items())
        if metric.startswith(prefix) and metric != prefix and metric not in histories
    }


def _unusable(name: str, slices: Mapping[str, float]) -> str | None:
    if not slices:
        return f"the run logged no metric '{name}/slice/<slice>'"
    odd = next((slice_ for slice_, value in slices.items() if not math.isfinite(value)), None)
    return None if odd is None else f"the run logged {slices[odd]} as its last value for slice {odd!r}"


def _relation(bound: _Bound, value: Decimal) -> str:
    return f"{'not ' if bound.holds(value) else ''}{bound.worse} {bound.limit}"


def _judged(name: str, bound: _Bound, value: Decimal, seen: str, message: str) -> GateStatus:
    verdict: Literal["Passed", "Failed"] = "Passed" if bound.holds(value) else "Failed"
    return GateStatus(name=name, check=bound.check, asked=bound.asked, seen=seen, verdict=verdict, message=message)


def _open(name: str, bound: _Bound, message: str) -> GateStatus:
    return GateStatus(name=name, check=bound.check, asked=bound.asked, verdict="NotEvaluated", message=message)
