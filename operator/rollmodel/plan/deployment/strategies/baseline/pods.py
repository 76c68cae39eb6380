"""How many pods the baseline has."""

from __future__ import annotations

from rollmodel.api.modeldeployment import ArmStatus
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.strategies.split import candidate_pods, desired_weights, least_pods
from rollmodel.plan.deployment.strategies.steps.bake import has_all_traffic

__all__ = ["baseline_is_missing", "baseline_pods"]


def baseline_is_missing(rollout: Rollout) -> bool:
    """Whether pods of the baseline are missing, and none of the candidate."""
    baseline, candidate = rollout.baseline, rollout.candidate
    if baseline is None or candidate is None:
        return False
    whole = rollout.live.ready(candidate.revision) >= candidate_pods(rollout)
    return whole and rollout.live.ready(baseline.revision) < baseline_pods(rollout)


def baseline_pods(rollout: Rollout) -> int:
    """Pods that the baseline should have: as many as the candidate, until that grows to take over.

    Then those that its weight takes, and none once it has drained.
    """
    baseline, candidate = rollout.baseline, rollout.candidate
    if baseline is None or candidate is None:
        return 0
    if candidate.step is None or candidate.step < rollout.strategy.step_count(rollout.spec):
        return candidate_pods(rollout)
    if has_all_traffic(rollout) and _has_drained(rollout, baseline):
        return 0
    weight = max(desired_weights(rollout).get(baseline.revision, 0), baseline.weight)
    return max(least_pods(rollout), rollout.router.pods_for(weight, rollout.full_size))


def _has_drained(rollout: Rollout, baseline: ArmStatus) -> bool:
    """Whether requests that it had begun have had their time."""
    since = baseline.weight_since
    return not baseline.weight and (since is None or rollout.seconds_since(since) >= rollout.spec.rollout.drain_seconds)
