"""Whether the fresh pods are there that a candidate is compared with."""

from __future__ import annotations

from rollmodel.api.conditions import find
from rollmodel.plan.conditions import ConditionDraft
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.status.pod_diagnostics import diagnose
from rollmodel.plan.deployment.status.summary import pods
from rollmodel.plan.deployment.strategies.baseline.pods import baseline_pods

__all__ = ["BASELINE_READY", "baseline_condition"]

BASELINE_READY = "BaselineReady"


def baseline_condition(rollout: Rollout) -> dict[str, ConditionDraft]:
    """The condition, once a rollout has had a baseline: False where pods are missing and something says why."""
    arm = rollout.baseline
    if arm is None:
        before = find(rollout.observed.status.conditions, BASELINE_READY)
        return {} if before is None else {BASELINE_READY: ConditionDraft("Unknown", "NotNeeded", "")}
    wanted = baseline_pods(rollout)
    line = pods(rollout, arm, wanted)
    if arm.ready_replicas >= wanted:
        return {BASELINE_READY: ConditionDraft("True", "Ready", line)}
    trouble = diagnose(rollout.context, arm.revision)
    if trouble is None:
        return {BASELINE_READY: ConditionDraft("Unknown", "Starting", line)}
    return {BASELINE_READY: ConditionDraft("False", trouble.reason, line)}
