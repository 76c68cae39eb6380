"""When to look again although nothing happens: the next tick, the end of a wait, a deadline."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rollmodel.api.modeldeployment import ArmStatus
from rollmodel.plan.deployment.advance import drained
from rollmodel.plan.deployment.context import Context
from rollmodel.plan.deployment.routers.weights import first_pods
from rollmodel.plan.deployment.state import RolloutState

__all__ = ["requeue_after"]

#: Pods are not watched; while some are missing they are looked at this often, in seconds.
_PODS_SECONDS = 5.0
_SOONEST = 0.5


def requeue_after(state: RolloutState, context: Context) -> float | None:
    """Seconds until something is due; None at rest."""
    due = [*_draining(state, context), *_missing(state, context)]
    if state.candidate is not None and state.stable is not None and context.spec.scale.replicas > 0:
        due += _candidate(context, state.candidate)
    return max(_SOONEST, min(due)) if due else None


def _draining(state: RolloutState, context: Context) -> Iterator[float]:
    for arm in state.retiring:
        if arm.weight == 0 and arm.weight_since is not None and not drained(arm, context):
            yield context.spec.rollout.drain_seconds - context.seconds_since(arm.weight_since)


def _missing(state: RolloutState, context: Context) -> Iterator[float]:
    """Why pods are missing shows in the pods alone."""
    full = context.spec.scale.replicas
    if state.stable is not None and state.stable.ready_replicas < full:
        yield _PODS_SECONDS
    if state.candidate is not None and state.candidate.ready_replicas < min(full, first_pods(context.spec)):
        yield _PODS_SECONDS


def _candidate(context: Context, candidate: ArmStatus) -> Iterator[float]:
    """Ends of waits of the current step, and the judge's next tick."""
    rollout, interval = context.spec.rollout, context.spec.analysis.interval_seconds
    waited = context.seconds_since(candidate.since)
    if candidate.ready_since is None:
        yield rollout.deadline_seconds - waited
        yield _PODS_SECONDS
    elif candidate.step is not None and candidate.step < 0:
        warming = rollout.warm_up_seconds - context.seconds_since(candidate.ready_since)
        yield warming if warming > 0 else interval
    if candidate.step is not None and candidate.step >= 0:
        yield _until_tick(context, interval)
    if context.traffic.status != "True":
        yield interval


def _until_tick(context: Context, interval: int) -> float:
    """Seconds until the samples of the next window have arrived."""
    moment = context.now.timestamp() - context.observed.defaults.prometheus_delay_seconds
    return (math.floor(moment / interval) + 1) * interval - moment
