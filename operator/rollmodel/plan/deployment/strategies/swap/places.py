"""Who has which of the places for pods, and which share of the traffic, while pods are swapped.

There are as many places as the full size. A place is freed before somebody else takes it, and the ready pods of all
revisions are never made fewer than must serve. While the candidate is judged, the stable revision keeps so many that it
can take all traffic back at once. When the candidate has earned all traffic the rest is swapped too; a way back from
there is the same way in reverse. Everything follows from the pods that exist and are ready, so nothing is remembered.
"""

from __future__ import annotations

from rollmodel.api.modeldeployment import ArmStatus
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.strategies.current_goal import current_goal
from rollmodel.plan.deployment.strategies.swap.limits import least_serving

__all__ = [
    "candidate_pods",
    "candidate_weight",
    "least",
    "most_freed",
    "retiring_pods",
    "retiring_weights",
    "stable_pods",
]


def least(rollout: Rollout) -> int:
    """Ready pods of all revisions that must serve: they can carry all traffic."""
    return least_serving(rollout.spec, rollout.full_size)


def most_freed(rollout: Rollout) -> int:
    """Places that a candidate has at most while it is judged."""
    return rollout.full_size - least(rollout)


def stable_pods(rollout: Rollout) -> int:
    """Pods that the stable revision should have now: it gives places to the candidate, or takes free ones back."""
    full, stable, candidate = rollout.full_size, rollout.stable, rollout.candidate
    assert stable is not None  # noqa: S101 - nobody else has places to give
    asked, others = rollout.live.asked_replicas(stable.revision), [*rollout.retiring]
    wanted = full
    if candidate is not None:
        others.append(candidate)
        wanted = max(full - _places_wanted(rollout, candidate), _kept(rollout, stable, candidate))
    free = full - sum(_places(rollout, arm.revision) for arm in others)
    return max(min(asked, wanted), min(wanted, free))


def candidate_pods(rollout: Rollout) -> int:
    """Pods that the candidate should have now: those that it should have, as far as places are free."""
    stable, candidate = rollout.stable, rollout.candidate
    assert candidate is not None  # noqa: S101 - nobody else takes places
    asked = rollout.live.asked_replicas(candidate.revision)
    if stable is None:  # the first revision may follow one that was not wanted any more before it served
        wanted, others = rollout.full_size, 0
    else:
        wanted = _places_wanted(rollout, candidate)
        others = max(_places(rollout, stable.revision), stable_pods(rollout))
    others += sum(_places(rollout, arm.revision) for arm in rollout.retiring)
    return max(min(asked, wanted), min(wanted, rollout.full_size - others))


def retiring_pods(rollout: Rollout, arm: ArmStatus) -> int:
    """Pods that a retired revision still has: as many as must serve in place of those that are missing.

    Before anything serves, one without a ready pod only holds places.
    """
    asked, stable = rollout.live.asked_replicas(arm.revision), rollout.stable
    if stable is None:
        return asked if rollout.live.ready(arm.revision) else 0
    if not retiring_weights(rollout).get(arm.revision):
        return asked
    return min(asked, max(1, least(rollout) - rollout.live.ready(stable.revision)))


def candidate_weight(rollout: Rollout, earned: int) -> int:
    """Percent that the candidate should have; ``earned`` is what its steps and its pods give it.

    On its way to all traffic, and on a way back from there, shares follow the pods.
    """
    stable, candidate = rollout.stable, rollout.candidate
    assert stable is not None and candidate is not None  # noqa: S101, PT018 - the first revision has all traffic
    goal, ready = current_goal(rollout).weight, rollout.live.ready
    if goal == 100:
        enough = ready(candidate.revision) >= max(1, least(rollout))
        return 100 if enough else _shares(rollout, candidate, stable)[0]
    if candidate.weight > goal and ready(stable.revision) < least(rollout):
        return min(candidate.weight, _shares(rollout, stable, candidate)[1])
    return earned


def retiring_weights(rollout: Rollout) -> dict[str, int]:
    """Percent that a retired revision keeps until so many pods of the stable one are ready as must serve."""
    stable = rollout.stable
    if stable is None or rollout.candidate is not None or rollout.live.ready(stable.revision) >= least(rollout):
        return {}
    serving = [arm for arm in rollout.retiring if arm.weight and rollout.live.ready(arm.revision)]
    if not serving:
        return {}
    arm = max(serving, key=lambda one: (rollout.live.ready(one.revision), one.revision))
    return {arm.revision: _shares(rollout, stable, arm)[1]}


def _shares(rollout: Rollout, growing: ArmStatus, giving: ArmStatus) -> tuple[int, int]:
    """Percents of two by their ready pods, after one of them has freed what it may."""
    grown, given = (rollout.live.ready(arm.revision) for arm in (growing, giving))
    left = min(given, max(1, least(rollout) - grown))
    pods = max(1, grown + left)
    return 100 * grown // pods, 100 * left // pods


def _places_wanted(rollout: Rollout, candidate: ArmStatus) -> int:
    """Places that the candidate should have, whether or not they are free."""
    goal, full, serving = current_goal(rollout), rollout.full_size, least(rollout)
    if goal.weight == 100:
        return full
    pods = max(rollout.router.pods_for(each, full) for each in (goal.sized_for, goal.weight))
    wanted = min(pods, full - serving)
    if candidate.weight <= goal.weight or rollout.stable is None:
        return wanted
    asked = rollout.live.asked_replicas(candidate.revision)
    missing = serving - rollout.live.ready(rollout.stable.revision)
    return max(wanted, asked if missing <= 0 else min(asked, max(1, missing)))


def _kept(rollout: Rollout, stable: ArmStatus, candidate: ArmStatus) -> int:
    """Pods that the stable revision keeps, however many the candidate wants."""
    missing = least(rollout) - rollout.live.ready(candidate.revision)
    if current_goal(rollout).weight < 100:
        return max(1, least(rollout))
    if missing > 0:
        return missing
    return rollout.live.asked_replicas(stable.revision) if stable.weight else 0


def _places(rollout: Rollout, revision: str) -> int:
    """Places that a revision holds: pods that it asks for, that it has, and that end."""
    ending = (rollout.live.deployments.get(revision, {}).get("status") or {}).get("terminatingReplicas") or 0
    return max(rollout.live.asked_replicas(revision), rollout.live.replicas(revision)) + int(ending)
