"""Gates: what the training logged against what is asked. What cannot be evaluated does not hold, and says why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rollmodel.api.trainingjob import Gates, GateStatus, MetricGate
from rollmodel.plan.training.gates import artifacts, champion, limits, slices
from rollmodel.plan.training.observed import GateFacts, TrackedRun

__all__ = ["METRIC_CHECKS", "MetricCheck", "evaluate", "held"]

#: Results of the checks of one kind that a gate asks for; none where it asks for no such check.
MetricCheck = Callable[[MetricGate, TrackedRun, GateFacts], Iterator[GateStatus]]

#: Each reads its own fields of a gate.
METRIC_CHECKS: Sequence[MetricCheck] = (limits.check, slices.check, champion.check)


def evaluate(gates: Gates, run: TrackedRun, facts: GateFacts) -> tuple[GateStatus, ...]:
    """The result of every check, in the order of the spec: metrics, then artifacts."""
    metrics = [result for gate in gates.metrics or () for check in METRIC_CHECKS for result in check(gate, run, facts)]
    return (*metrics, *(artifacts.check(path, facts) for path in gates.artifacts or ()))


def held(results: Sequence[GateStatus]) -> bool:
    """Whether every gate passed. One that could not be evaluated did not."""
    return all(result.verdict == "Passed" for result in results)
