"""Which plans can be judged at all."""

from __future__ import annotations

import math
from dataclasses import replace

from rollmodel.evidence.core.types import JudgePlan, MetricPlan

__all__ = ["PlanError", "validated"]


class PlanError(ValueError):
    """A plan that makes no sense; the message says what is allowed."""


def validated(plan: JudgePlan) -> JudgePlan:
    """The plan with its metrics as a tuple. Raises :class:`PlanError`."""
    for name in ("alpha_harm", "alpha_safe", "alpha_ceiling"):
        _require(0 < getattr(plan, name) < 1, f"{name} must be between 0 and 1, not {getattr(plan, name)}")
    _require(math.isfinite(plan.interval) and plan.interval > 0, "interval must be positive")
    _require(plan.planned_ticks > 0, "planned_ticks must be positive")
    _require(0 < plan.candidate_share <= 1, "candidate_share must be above 0, and 1 without a stable arm")
    names = [m.name for m in plan.metrics]
    _require(len(set(names)) == len(names), f"two metrics have one name: {names}")
    for metric in plan.metrics:
        _check(metric)
    return replace(plan, metrics=tuple(plan.metrics))


def _check(metric: MetricPlan) -> None:
    name = metric.name
    _require(0 < metric.weight < math.inf, f"{name}: weight must be positive")
    _require(0 <= metric.delay < math.inf, f"{name}: delay must not be negative")
    _require(metric.failure_limit >= 0, f"{name}: failure_limit must not be negative")
    _require(metric.ceiling is None or 0 < metric.ceiling < 1, f"{name}: ceiling must be between 0 and 1")
    if metric.kind == "value":
        _require(metric.value_min is not None or metric.value_max is not None, f"{name}: needs value_min or value_max")
        return
    if metric.kind in {"paired", "difference"}:
        limit = metric.value_max
        _require(limit is not None and 0 < limit < 1, f"{name}: value_max must be between 0 and 1")
        return
    for ratio in (metric.harm_ratio, metric.safe_ratio):
        _require(0 < ratio < math.inf, f"{name}: ratios must be positive")
    most = 1.0 if metric.kind == "count" else math.inf
    for absolute in (metric.harm_absolute, metric.safe_absolute):
        _require(0 <= absolute < most, f"{name}: absolute margins must be at least 0, and below 1 for counts")
    provable = metric.safe_ratio > 1 or metric.safe_absolute > 0
    _require(
        provable, f"{name}: with a safe ratio of 1 and no absolute margin an equal candidate can never be proven safe"
    )


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise PlanError(message)
