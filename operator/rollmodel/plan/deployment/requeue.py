"""When to look again although nothing happens: the next tick, the end of a wait, a deadline."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rollmodel.api.modeldeployment import ArmStatus
from rollmodel.plan.deployment.advance import drained
from rollmodel.plan.deployment.context import Look
from rollmodel.plan.deployment.routers.weights import first_pods
from rollmodel.plan.deployment.state import Memory

__all__ = ["next_look"]

#: Pods are not watched; while some are missing they are looked at this often, in seconds.
_PODS_SECONDS = 5.0
_SOONEST = 0.5


def next_look(memory: Memory, look: Look) -> float | None:
    """Seconds until something is due; None at rest."""
    due = [*_draining(memory, look), *_missing(memory, look)]
    if memory.candidate is not None and memory.stable is not None and look.spec.scale.replicas > 0:
        due += _candidate(look, memory.candidate)
    return max(_SOONEST, min(due)) if due else None


def _draining(memory: Memory, look: Look) -> Iterator[float]:
    for arm in memory.retiring:
        if arm.weight == 0 and arm.weight_since is not None and not drained(arm, look):
            yield look.spec.rollout.drain_seconds - look.seconds_since(arm.weight_since)


def _missing(memory: Memory, look: Look) -> Iterator[float]:
    """Why pods are missing shows in the pods alone."""
    full = look.spec.scale.replicas
    if memory.stable is not None and memory.stable.ready_replicas < full:
        yield _PODS_SECONDS
    if memory.candidate is not None and memory.candidate.ready_replicas < min(full, first_pods(look.spec)):
        yield _PODS_SECONDS


def _candidate(look: Look, candidate: ArmStatus) -> Iterator[float]:
    """Ends of waits of the current step, and the judge's next tick."""
    rollout, interval = look.spec.rollout, look.spec.analysis.interval_seconds
    waited = look.seconds_since(candidate.since)
    if candidate.ready_since is None:
        yield rollout.deadline_seconds - waited
        yield _PODS_SECONDS
    elif candidate.step is not None and candidate.step < 0:
        warming = rollout.warm_up_seconds - look.seconds_since(candidate.ready_since)
        yield warming if warming > 0 else interval
    if candidate.step is not None and candidate.step >= 0:
        yield _until_tick(look, interval)
    if look.traffic.status != "True":
        yield interval


def _until_tick(look: Look, interval: int) -> float:
    """Seconds until the samples of the next window have arrived."""
    moment = look.now.timestamp() - look.observed.defaults.prometheus_delay_seconds
    return (math.floor(moment / interval) + 1) * interval - moment
