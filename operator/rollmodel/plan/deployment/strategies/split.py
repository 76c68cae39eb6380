"""How much traffic each revision should get now, and how many pods that takes.

A strategy says what a candidate should get. Weight goes only to revisions with ready pods, and never more than they can
carry; a baseline gets what the candidate gets, and stable what both leave. The stable revision stays at full size, so
that it can take everything back at any moment. Where the candidate's pods take the places of others (``needs.surge`` is
False), ``swap.places`` says who has how many.
"""

from __future__ import annotations

from collections.abc import Mapping

from rollmodel.api.modeldeployment import ArmStatus
from rollmodel.plan.deployment.objects.pod.ports import grpc_port
from rollmodel.plan.deployment.objects.pools.desired import pooled
from rollmodel.plan.deployment.objects.traffic.holding import holds
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.routers.match import RequestMatch
from rollmodel.plan.deployment.routers.traffic import Split
from rollmodel.plan.deployment.strategies.current_goal import current_goal
from rollmodel.plan.deployment.strategies.outages.outage import is_outage, stable_is_down
from rollmodel.plan.deployment.strategies.swap import places

__all__ = [
    "at_goal",
    "candidate_pods",
    "carried",
    "desired_split",
    "desired_weights",
    "least_are_ready",
    "least_pods",
    "mirrors_can_be_carried",
    "pods_for_all",
    "pods_to_have",
    "retiring_pods",
    "stable_pods",
]


def least_pods(rollout: Rollout) -> int:
    """Pods that the candidate has whatever its weight: what it starts with."""
    pods = rollout.router.pods_for(current_goal(rollout).sized_for, rollout.full_size)
    return pods if rollout.strategy.needs.surge else min(pods, places.most_freed(rollout))


def pods_for_all(rollout: Rollout) -> int:
    """Ready pods with which a revision may take all traffic."""
    return rollout.full_size if rollout.strategy.needs.surge else places.least(rollout)


def stable_pods(rollout: Rollout) -> int:
    """Pods that the stable revision should have."""
    return rollout.full_size if rollout.strategy.needs.surge else places.stable_pods(rollout)


def pods_to_have(rollout: Rollout) -> int:
    """Pods with which the stable revision is whole: fewer than all while others have their places."""
    return rollout.full_size if rollout.candidate is None or rollout.stable is None else stable_pods(rollout)


def retiring_pods(rollout: Rollout) -> list[tuple[ArmStatus, int]]:
    """Pods of retired revisions that give places back one after the other; of others the pods go all at once."""
    if rollout.strategy.needs.surge:
        return []
    return [(arm, places.retiring_pods(rollout, arm)) for arm in rollout.retiring]


def mirrors_can_be_carried(rollout: Rollout) -> bool:
    """Whether the candidate has the pods that it starts with: fewer would be slow for want of pods."""
    return rollout.candidate is not None and rollout.live.ready(rollout.candidate.revision) >= max(
        1, least_pods(rollout)
    )


def least_are_ready(rollout: Rollout) -> bool:
    """Whether the candidate, and its baseline where there is one, have the pods that they start with."""
    tried = [arm for arm in (rollout.candidate, rollout.baseline) if arm is not None]
    return all(rollout.live.ready(arm.revision) >= least_pods(rollout) for arm in tried)


def candidate_pods(rollout: Rollout) -> int:
    """Pods that the candidate should have: for the weight it should get, and for the one it still has."""
    candidate = rollout.candidate
    if candidate is None:
        return 0
    if not rollout.strategy.needs.surge:
        return places.candidate_pods(rollout)
    if rollout.stable is None:
        return rollout.full_size
    weight = max(current_goal(rollout).weight, desired_weights(rollout).get(candidate.revision, 0))
    if rollout.router.capabilities.exact_weights:
        weight = max(weight, candidate.weight)
    return max(least_pods(rollout), rollout.router.pods_for(weight, rollout.full_size))


def carried(rollout: Rollout) -> int:
    """The largest weight, of those that the candidate has earned so far, that its ready pods can carry.

    A baseline must be able to carry the same, but for all traffic, which is the candidate's alone, and while stable is
    down: then nobody is compared. What a weight takes follows the pods that the stable revision has now, so that
    scaling both up takes no weight away. All traffic takes the full size.
    """
    candidate, goal = rollout.candidate, current_goal(rollout).weight
    if candidate is None or candidate.step is None:
        return 0
    full, ready = rollout.full_size, rollout.live.ready(candidate.revision)
    nobody = rollout.baseline is None or stable_is_down(rollout)
    beside = ready if nobody or rollout.baseline is None else min(ready, rollout.live.ready(rollout.baseline.revision))
    now = min(full, max(1, rollout.live.ready(rollout.stable.revision))) if rollout.stable is not None else full
    before = range(min(candidate.step, rollout.strategy.step_count(rollout.spec)))
    earned = {rollout.strategy.goal(rollout.spec, step).weight for step in before} | {goal}
    most = full if rollout.strategy.needs.surge else places.most_freed(rollout)

    def takes(weight: int) -> int:
        return pods_for_all(rollout) if weight == 100 else min(most, rollout.router.pods_for(weight, now))

    fits = (
        weight for weight in earned if 0 < weight <= goal and (ready if weight == 100 else beside) >= takes(weight) > 0
    )
    return max(fits, default=0)


def at_goal(rollout: Rollout) -> bool:
    """Whether the candidate was observed to have its weight; where weights are not exact any share is as good."""
    candidate, goal = rollout.candidate, current_goal(rollout).weight
    if candidate is None:
        return False
    if rollout.baseline is not None and rollout.baseline.weight != candidate.weight:
        return False
    exact = rollout.router.capabilities.exact_weights
    return candidate.weight == goal if exact else (candidate.weight > 0) == (goal > 0)


def desired_weights(rollout: Rollout) -> dict[str, int]:
    """Percent by revision that the traffic should have now; empty while nothing can answer for the first time.

    A stable revision without one ready pod cannot take its share: a candidate that has earned some weight stands in.
    """
    stable, candidate = rollout.stable, rollout.candidate
    if stable is None:
        return {candidate.revision: 100} if candidate is not None and rollout.live.ready(candidate.revision) else {}
    if candidate is None:
        return _with_others(rollout, stable.revision)
    share = carried(rollout)
    if not rollout.strategy.needs.surge:
        share = places.candidate_weight(rollout, share)
    if share == 0 and not _stands_by(rollout):
        return {stable.revision: 100}
    if rollout.live.ready(stable.revision) == 0:
        share = 100
    return _parts({stable.revision: 100 - share, candidate.revision: share, **_beside(rollout, share)})


def _beside(rollout: Rollout, share: int) -> dict[str, int]:
    """What the baseline gets beside a candidate with this share, and the stable revision then."""
    if rollout.baseline is None or rollout.stable is None:
        return {}
    weight = min(share, 100 - share)
    return {rollout.baseline.revision: weight, rollout.stable.revision: 100 - share - weight}


def _with_others(rollout: Rollout, stable: str) -> dict[str, int]:
    """All traffic, or what retired revisions leave that give it back one pod after the other."""
    others = {} if rollout.strategy.needs.surge else places.retiring_weights(rollout)
    return _parts({stable: 100 - sum(others.values()), **others})


def _parts(weights: dict[str, int]) -> dict[str, int]:
    return {revision: weight for revision, weight in weights.items() if weight}


def _stands_by(rollout: Rollout) -> bool:
    """Whether a candidate at a step without weight must stand in: stable has had no pod for a minute, it has one."""
    candidate = rollout.candidate
    if candidate is None or candidate.step is None or current_goal(rollout).weight or not stable_is_down(rollout):
        return False
    at_step = 0 <= candidate.step < rollout.strategy.step_count(rollout.spec)
    ready = rollout.live.ready(candidate.revision) > 0
    return at_step and ready and (candidate.weight == 100 or is_outage(rollout))


def desired_split(rollout: Rollout) -> Split | None:
    """How the traffic should be split; None where there is no revision."""
    main = rollout.stable or rollout.candidate
    if main is None:
        return None
    return Split(
        main.revision,
        desired_weights(rollout),
        mirrored=_mirrored(rollout),
        draining=bool(rollout.retiring),
        matched=_matched(rollout),
        main_grpc_port=grpc_port(rollout, main.revision),
        holding=holds(rollout),
        pooled=pooled(rollout),
    )


def _matched(rollout: Rollout) -> Mapping[str, RequestMatch]:
    """Who answers only requests that match: the candidate, until it has all traffic, so that clients stay with it."""
    candidate, count = rollout.candidate, rollout.strategy.step_count(rollout.spec)
    if candidate is None or rollout.stable is None or not count:
        return {}
    match = rollout.strategy.goal(rollout.spec, count - 1).match
    return {} if match is None else {candidate.revision: match}


def _mirrored(rollout: Rollout) -> dict[str, int]:
    """Copies go to as many ready pods as they take, and only while somebody else answers."""
    candidate, percent = rollout.candidate, current_goal(rollout).mirrored
    if candidate is None or rollout.stable is None or not percent or not mirrors_can_be_carried(rollout):
        return {}
    stands_in = candidate.revision in desired_weights(rollout)
    return {} if stands_in else {candidate.revision: percent}
