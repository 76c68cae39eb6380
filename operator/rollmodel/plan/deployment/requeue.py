"""When the next pass is due although nothing happens: the next tick, the end of a wait, a deadline."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rollmodel.api.modeldeployment import ArmStatus
from rollmodel.plan.coordination.hold import NOT_ASKED
from rollmodel.plan.deployment.advance import drained
from rollmodel.plan.deployment.beginning import held
from rollmodel.plan.deployment.objects.traffic.falling_asleep import seconds_to_stay
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.routers.contention import pause
from rollmodel.plan.deployment.strategies.split import least_pods, pods_to_have
from rollmodel.plan.deployment.strategies.steps.bake import seconds_left
from rollmodel.plan.times import parse

__all__ = ["requeue_after"]

#: Pods are not watched; while some are missing they are listed this often, in seconds. Those that take long are asked
#: seldom: a third of the time that they took already. Where none exists its Deployment, which is watched, tells of it.
_PODS_SECONDS, _PODS_SELDOM_SECONDS = 5.0, 20.0
#: A registry that somebody wants to be read is waited for in steps of this, in seconds.
_REGISTRY_SECONDS = 5.0
#: Routes of others are not watched; one that is in the way is looked at this often, in seconds.
_ROUTES_SECONDS = 60.0
#: They are listed anew for a route that is younger than the list, but not more often than this, in seconds.
_UNREAD_SECONDS = 5.0
#: One that waits for a place looks this often who has it, in seconds.
_PLACES_SECONDS = 300.0
_SOONEST = 0.5


def requeue_after(rollout: Rollout) -> float | None:
    """Seconds until something is due; None at rest."""
    waits = (_held, _contended, _draining, seconds_to_stay, _missing, _unanswered, _retry, _refresh, _taken, _waiting)
    due = [seconds for wait in waits for seconds in wait(rollout)]
    if rollout.candidate is not None and rollout.stable is not None and rollout.full_size > 0:
        due += _candidate(rollout, rollout.candidate)
    return max(_SOONEST, min(due)) if due else None


def _held(rollout: Rollout) -> Iterator[float]:
    """When fewer pods are kept."""
    held = rollout.state.held_size
    if held is not None and held.until is not None:
        yield (parse(held.until) - rollout.now).total_seconds()


def _contended(rollout: Rollout) -> Iterator[float]:
    """When a rule that somebody writes back is put right again."""
    rule = rollout.state.routed_rule
    if rule is not None and rule.in_force is None and (left := pause(rule, rollout.now)) > 0:
        yield left


def _draining(rollout: Rollout) -> Iterator[float]:
    for arm in rollout.retiring:
        if arm.weight == 0 and arm.weight_since is not None and not drained(arm, rollout):
            yield rollout.spec.rollout.drain_seconds - rollout.seconds_since(arm.weight_since)


def _unanswered(rollout: Rollout) -> Iterator[float]:
    """When a Gateway has been silent for too long."""
    left = rollout.spec.rollout.deadline_seconds - rollout.unanswered_seconds
    if rollout.traffic.waits and left > 0:
        yield left


def _retry(rollout: Rollout) -> Iterator[float]:
    """When a revision is tried again that something else than the model has stopped."""
    lost = rollout.state.rejected
    if lost is not None and lost.retry_at is not None:
        left = (parse(lost.retry_at) - rollout.now).total_seconds()
        if left > 0:  # later it begins when nothing else has traffic, which wakes by itself
            yield left


def _refresh(rollout: Rollout) -> Iterator[float]:
    """Somebody waits for a look at the registry, which has not answered yet."""
    if not rollout.observed.registry_read:
        yield _REGISTRY_SECONDS


def _taken(rollout: Rollout) -> Iterator[float]:
    """A route of somebody else has the address, or may have it; whether it goes is seen by looking."""
    taken = rollout.observed.address_taken
    if not rollout.observed.routes_read:
        yield _UNREAD_SECONDS
    if taken is not None and not taken.watched:
        yield _ROUTES_SECONDS


def _waiting(rollout: Rollout) -> Iterator[float]:
    """Rules hold it up. Who gets a place is woken; this only keeps the message true."""
    hold = held(rollout)
    if hold is NOT_ASKED:
        yield _SOONEST
    elif hold is not None:
        yield _PLACES_SECONDS if hold.until is None else (hold.until - rollout.now).total_seconds()


def _missing(rollout: Rollout) -> Iterator[float]:
    """Why pods are missing shows in the pods alone."""
    if rollout.stable is not None and rollout.stable.ready_replicas < pods_to_have(rollout):
        yield _PODS_SECONDS
    if rollout.candidate is not None and rollout.candidate.ready_replicas < min(rollout.full_size, least_pods(rollout)):
        yield _pods_seconds(rollout.candidate, rollout.seconds_since(rollout.candidate.since))


def _pods_seconds(arm: ArmStatus, waited: float) -> float:
    """When pods that are missing for so long are listed again."""
    return min(max(_PODS_SECONDS, waited / 3), _PODS_SELDOM_SECONDS) if arm.replicas else _PODS_SELDOM_SECONDS


def _candidate(rollout: Rollout, candidate: ArmStatus) -> Iterator[float]:
    """Ends of waits of the current step, and the judge's next tick."""
    policy, interval = rollout.spec.rollout, rollout.spec.analysis.interval_seconds
    waited = rollout.seconds_since(candidate.since)
    if candidate.ready_since is None:
        yield policy.deadline_seconds - waited
        yield _pods_seconds(candidate, waited)
    elif candidate.step is not None and candidate.step < 0:
        warming = policy.warm_up_seconds - rollout.seconds_since(candidate.ready_since)
        yield warming if warming > 0 else interval
    if (baking := seconds_left(rollout)) > 0:
        yield baking
    if candidate.step is not None and candidate.step >= 0:
        yield _until_tick(rollout, interval)
    if rollout.traffic.status != "True":
        yield interval


def _until_tick(rollout: Rollout, interval: int) -> float:
    """Seconds until the samples of the next window have arrived."""
    moment = rollout.now.timestamp() - rollout.observed.defaults.prometheus_delay_seconds
    return (math.floor(moment / interval) + 1) * interval - moment
