"""How much traffic each revision should get, and how many pods that takes.

Weight goes only to revisions with ready pods, and never more than they can carry; the stable revision stays at full
size, so that it can take everything back at any moment.
"""

from __future__ import annotations

from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.routers.traffic import Split

__all__ = [
    "at_target",
    "candidate_pods",
    "carried",
    "desired_split",
    "desired_weights",
    "first_pods",
    "first_weight",
    "step_weight",
    "target",
]


def step_weight(spec: ModelDeploymentSpec, step: int) -> int:
    """Weight at a step in percent; a pause keeps the weight of the step before it."""
    if step >= len(spec.rollout.steps):
        return 100
    before = [s.weight for s in spec.rollout.steps[: step + 1] if s.weight is not None]
    return before[-1] if before else 0


def target(rollout: Rollout) -> int:
    """The weight that the candidate should have now, if its pods can carry it."""
    if rollout.candidate is None or rollout.candidate.step is None or rollout.candidate.step < 0:
        return 0
    step = rollout.candidate.step
    last = len(rollout.spec.rollout.steps)
    return step_weight(rollout.spec, last - 1 if step >= last and rollout.paused else step)


def first_weight(spec: ModelDeploymentSpec) -> int:
    """The first weight in percent."""
    return next((step.weight for step in spec.rollout.steps if step.weight is not None), 99)


def first_pods(rollout: Rollout) -> int:
    """Pods that the first weight takes: what a candidate starts with."""
    return rollout.router.pods_for(first_weight(rollout.spec), rollout.full_size)


def candidate_pods(rollout: Rollout) -> int:
    """Pods that the candidate should have: for the weight it should get, and for the one it still has."""
    candidate = rollout.candidate
    if candidate is None:
        return 0
    if rollout.stable is None:
        return rollout.full_size
    weight = max(target(rollout), desired_weights(rollout).get(candidate.revision, 0))
    if rollout.router.capabilities.exact_weights:
        weight = max(weight, candidate.weight)
    return max(first_pods(rollout), rollout.router.pods_for(weight, rollout.full_size))


def carried(rollout: Rollout) -> int:
    """The largest weight, of those that the candidate has earned so far, that its ready pods can carry.

    What a weight takes follows the pods that the stable revision has now, so that scaling both up takes no weight away.
    All traffic takes the full size.
    """
    candidate, goal = rollout.candidate, target(rollout)
    if candidate is None or candidate.step is None:
        return 0
    full, ready = rollout.full_size, rollout.live.ready(candidate.revision)
    now = min(full, max(1, rollout.live.ready(rollout.stable.revision))) if rollout.stable is not None else full
    earned = {step_weight(rollout.spec, step) for step in range(candidate.step)} | {goal}
    pods_for = rollout.router.pods_for
    fits = (w for w in earned if 0 < w <= goal and ready >= pods_for(w, full if w == 100 else now) > 0)
    return max(fits, default=0)


def at_target(rollout: Rollout) -> bool:
    """Whether the candidate was observed to have its weight; by replica ratio the achieved share is as good as any."""
    candidate = rollout.candidate
    if candidate is None:
        return False
    exact = rollout.router.capabilities.exact_weights
    return candidate.weight == target(rollout) if exact else candidate.weight > 0


def desired_weights(rollout: Rollout) -> dict[str, int]:
    """Percent by revision that the traffic should have now; empty while nothing can answer for the first time.

    A stable revision without one ready pod cannot take its share: a candidate that has earned some weight stands in.
    """
    stable, candidate = rollout.stable, rollout.candidate
    if stable is None:
        return {candidate.revision: 100} if candidate is not None and rollout.live.ready(candidate.revision) else {}
    share = carried(rollout)
    if candidate is None or share == 0:
        return {stable.revision: 100}
    if rollout.live.ready(stable.revision) == 0:
        share = 100
    return {
        revision: weight for revision, weight in ((stable.revision, 100 - share), (candidate.revision, share)) if weight
    }


def desired_split(rollout: Rollout) -> Split | None:
    """How traffic should be split; None where there is no revision."""
    main = rollout.stable or rollout.candidate
    if main is None:
        return None
    return Split(main.revision, desired_weights(rollout), draining=bool(rollout.retiring))
