"""Pods that stay while a model is scaled to zero, until its holding page has their requests.

Whoever writes ``scale.replicas`` (a person, GitOps, KEDA), the operator takes the pods away. So the order is ours:
the page is ready, the route leads to it, the Gateway says so, ``drainSeconds`` pass, the pods go.
"""

from __future__ import annotations

from collections.abc import Iterator

from rollmodel.api.conditions import find
from rollmodel.api.modeldeployment import ArmStatus
from rollmodel.plan import naming
from rollmodel.plan.deployment.advance import drained
from rollmodel.plan.deployment.rollout import Rollout

__all__ = ["is_falling_asleep", "pods_that_stay", "seconds_to_stay"]

#: How long pods stay for a page that does not answer, in seconds: an image is pulled in that time. Who asks for zero
#: wants to pay for no pods, whatever keeps the page away.
_MOST_SECONDS = 60


def is_falling_asleep(rollout: Rollout) -> bool:
    """Whether the model is scaled to zero, and some pods stay for a while."""
    return any(pods_that_stay(rollout, arm) for arm in rollout.state.arms())


def pods_that_stay(rollout: Rollout, arm: ArmStatus) -> int:
    """Pods that a revision keeps though it should have none: those that it has, while requests may come to them."""
    return rollout.live.asked_replicas(arm.revision) if any(_seconds_left(rollout, arm)) else 0


def seconds_to_stay(rollout: Rollout) -> Iterator[float]:
    """When the pods go although nothing else happens."""
    for arm in rollout.state.arms():
        yield from _seconds_left(rollout, arm)


def _seconds_left(rollout: Rollout, arm: ArmStatus) -> Iterator[float]:
    """Seconds, above 0, for which the pods of a revision stay; nothing where they do not."""
    asked = rollout.spec.scale.holding_page is not None and rollout.full_size == 0 and rollout.stable is not None
    if not asked or not rollout.live.ready(arm.revision):
        return
    if not _page_has_requests(rollout, arm):
        left = _MOST_SECONDS - _seconds_at_zero(rollout)
    else:
        left = (
            0.0
            if drained(arm, rollout)
            else rollout.spec.rollout.drain_seconds - rollout.seconds_since(arm.weight_since)
        )
    if left > 0:
        yield left


def _page_has_requests(rollout: Rollout, arm: ArmStatus) -> bool:
    """Whether the main Service leads to the page, and the route was observed to lead nothing past it."""
    service, page = rollout.live.main_service, naming.holding_selector(rollout.owner.name)
    selected = service is not None and service["spec"]["selector"] == page
    return selected and rollout.traffic.weights is not None and not arm.weight


def _seconds_at_zero(rollout: Rollout) -> float:
    """Since when there should be no pods: ``Available`` is False from then on, or for longer if no pod was ready."""
    before = find(rollout.observed.status.conditions, "Available")
    return 0.0 if before is None or before.status != "False" else rollout.seconds_since(before.last_transition_time)
