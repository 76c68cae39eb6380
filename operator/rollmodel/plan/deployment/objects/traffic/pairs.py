"""The Service by which a candidate finds the pods of stable, whose answers it compares with its own."""

from __future__ import annotations

from collections.abc import Iterator

from rollmodel.plan import naming
from rollmodel.plan.deployment.objects.traffic.services import pods_service
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.strategies.current_goal import current_goal
from rollmodel.plan.manifest import Manifest

__all__ = ["pairs_service"]


def pairs_service(rollout: Rollout) -> Iterator[Manifest]:
    """The Service, from the candidate's start to the end of the copies."""
    stable, candidate = rollout.stable, rollout.candidate
    if stable is None or candidate is None or not any(m.paired is not None for m in rollout.spec.analysis.metrics):
        return
    if candidate.step is None or candidate.step < 0 or current_goal(rollout).mirrored:
        yield pods_service(rollout.owner, naming.pairs(rollout.owner.name), stable.revision)
