"""Files that a run must have logged."""

from __future__ import annotations

from typing import Literal

from rollmodel.api.trainingjob import GateStatus
from rollmodel.plan.problem import Problem
from rollmodel.plan.training.observed import GateFacts

__all__ = ["check"]


def check(path: str, facts: GateFacts) -> GateStatus:
    """Whether the run logged this file."""
    if isinstance(facts.artifacts, Problem):
        message = f"the run's artifacts cannot be listed: {facts.artifacts.message}"
        return _result(path, "NotEvaluated", None, message)
    if path in facts.artifacts:
        return _result(path, "Passed", "exists", "the run logged it")
    return _result(path, "Failed", "missing", f"the run logged no artifact {path!r}")


def _result(
    path: str, verdict: Literal["Passed", "Failed", "NotEvaluated"], seen: str | None, message: str
) -> GateStatus:
    return GateStatus(name=path, check="Artifact", asked="exists", seen=seen, verdict=verdict, message=message)
