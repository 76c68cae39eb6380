"""From the spec's ``analysis`` to the plan of the judge."""

from __future__ import annotations

from dataclasses import replace

from rollmodel.api.base import decimal
from rollmodel.api.modeldeployment import Metric, ModelDeploymentSpec, Tolerance
from rollmodel.evidence.core.types import JudgePlan, MetricPlan
from rollmodel.plan.deployment.analysis.signals import signal_of
from rollmodel.plan.deployment.full_size import full_size
from rollmodel.plan.deployment.routers.router import router_for
from rollmodel.plan.deployment.strategies.baseline.compared import asks_baseline
from rollmodel.plan.deployment.strategies.table import strategy_for

__all__ = ["compared_part", "judge_plan"]


def judge_plan(spec: ModelDeploymentSpec, interval: float | None = None) -> JudgePlan:
    """The plan of a rollout that begins now; ``interval``: seconds of a window, by default as the spec has it."""
    analysis, seconds = spec.analysis, strategy_for(spec).planned_seconds(spec)
    interval = interval or float(analysis.interval_seconds)
    share, checked = _split(spec)
    return JudgePlan(
        metrics=tuple(_metric_plan(metric) for metric in analysis.metrics),
        interval=interval,
        alpha_harm=decimal(analysis.false_rollback_risk),
        alpha_safe=decimal(analysis.false_promotion_risk),
        planned_ticks=max(30, int(seconds // interval)),
        candidate_share=share,
        check_share=checked,
    )


def _split(spec: ModelDeploymentSpec) -> tuple[float, bool]:
    """The candidate's share of the compared requests at its first step with any, and whether another one is a fault."""
    strategy, router = strategy_for(spec), router_for(spec)
    goals = (strategy.goal(spec, step) for step in range(strategy.step_count(spec)))
    first = next((goal for goal in goals if goal.asked), None)
    if first is None:
        return 1.0, False  # nobody to compare with
    if first.mirrored:
        return first.mirrored / (100 + first.mirrored), False
    if first.match is not None:
        return first.weight / 100, False  # clients ask for different amounts
    if asks_baseline(spec):
        return 0.5, router.capabilities.exact_weights
    return router.share_of(first.weight, full_size(spec)), router.capabilities.exact_weights


def compared_part(spec: ModelDeploymentSpec) -> float:
    """Which part of all requests is compared at the first step with any: all, but for the candidate and a baseline."""
    if not asks_baseline(spec):
        return 1.0
    strategy = strategy_for(spec)
    weights = (strategy.goal(spec, step).weight for step in range(strategy.step_count(spec)))
    return next((2 * weight / 100 for weight in weights if weight), 1.0)


def _metric_plan(metric: Metric) -> MetricPlan:
    plan = signal_of(metric).plan(metric)
    limited = plan.kind in {"value", "paired", "difference"}
    return plan if limited else _with_margins(plan, metric.tolerance, metric.safe_tolerance)


def _with_margins(plan: MetricPlan, harm: Tolerance | None, safe: Tolerance | None) -> MetricPlan:
    """A tolerance that is written replaces the default as a whole; the safe margin is never narrower."""
    if harm is not None:
        plan = replace(plan, harm_ratio=decimal(harm.ratio or "1"), harm_absolute=decimal(harm.absolute or "0"))
    if safe is not None:
        return replace(plan, safe_ratio=decimal(safe.ratio or "1"), safe_absolute=decimal(safe.absolute or "0"))
    return replace(plan, safe_ratio=max(plan.safe_ratio, plan.harm_ratio), safe_absolute=plan.harm_absolute)
