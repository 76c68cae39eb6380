"""The machine: what is wanted, what is tried, what is given up. Pure functions from memory to memory.

A pass runs :func:`settle` until nothing moves any more, so a second pass over the same world decides the same.
"""

from __future__ import annotations

from dataclasses import replace

from rollmodel.api.modeldeployment import ArmStatus
from rollmodel.plan.deployment.analysis.result import Sight
from rollmodel.plan.deployment.context import Look
from rollmodel.plan.deployment.state import Memory, change
from rollmodel.plan.deployment.strategies import canary, transitions
from rollmodel.plan.times import stamp

__all__ = ["drained", "refresh", "settle"]

_MOST_MOVES = 32


def refresh(memory: Memory, look: Look) -> Memory:
    """The memory with what is observed now: weights, pods."""
    return replace(
        memory,
        stable=_seen(memory.stable, look) if memory.stable is not None else None,
        candidate=_seen(memory.candidate, look) if memory.candidate is not None else None,
        retiring=tuple(_seen(arm, look) for arm in memory.retiring),
    )


def settle(memory: Memory, look: Look, sight: Sight) -> Memory:
    """Move until nothing moves."""
    for _ in range(_MOST_MOVES):
        moved = memory
        for move in (_adopt, _forget_lost, _collect, _follow):
            moved = move(moved, look)
        moved = canary.go_on(moved, look, sight)
        if moved == memory:
            return memory
        memory = moved
    raise RuntimeError("the rollout does not settle")


def drained(arm: ArmStatus, look: Look) -> bool:
    """Whether a retired revision may lose its pods: no traffic observed, and the time to finish requests is over."""
    if look.traffic.weights is None or arm.weight > 0:
        return False
    started_draining = arm.weight_since
    return started_draining is None or look.seconds_since(started_draining) >= look.spec.rollout.drain_seconds


def _seen(arm: ArmStatus, look: Look) -> ArmStatus:
    arm = change(arm, replicas=look.world.replicas(arm.revision), ready_replicas=look.world.ready(arm.revision))
    if look.traffic.weights is None:
        return arm
    weight = look.traffic.weights.get(arm.revision, 0)
    return arm if weight == arm.weight else change(arm, weight=weight, weight_since=stamp(look.now))


def _adopt(memory: Memory, look: Look) -> Memory:
    """Children without a place in the memory (a status that was lost): what serves is stable, the rest is retired."""
    known = {arm.revision for arm in memory.arms()}
    strangers = [revision for revision in look.world.deployments if revision not in known]
    strangers += [revision for revision in look.world.services if revision not in {*known, *strangers}]
    if not strangers:
        return memory
    if memory.stable is None and memory.candidate is None:
        weights = look.traffic.weights or {}
        serving = max(strangers, key=lambda revision: (weights.get(revision, 0), look.world.ready(revision), revision))
        if weights.get(serving) or look.world.ready(serving):
            return replace(memory, stable=_stranger(serving, look))
    retired = (change(_stranger(revision, look), retiring="Superseded", reason="unknown") for revision in strangers)
    return replace(memory, retiring=(*memory.retiring, *retired))


def _stranger(revision: str, look: Look) -> ArmStatus:
    known = look.revision(revision)
    arm = ArmStatus(
        revision=revision,
        model_version=known.model_version if known else None,
        digest=known.digest if known else None,
        since=stamp(look.now),
    )
    return _seen(arm, look)


def _forget_lost(memory: Memory, look: Look) -> Memory:
    """A stable revision of which neither record nor Deployment is left cannot come back."""
    if memory.stable is None or look.revision(memory.stable.revision) is not None:
        return memory
    message = f"revision {memory.stable.revision} was deleted with its record; whatever is wanted takes its place"
    return replace(memory, stable=None).saying("Warning", "StableLost", message)


def _collect(memory: Memory, look: Look) -> Memory:
    """Retired revisions are forgotten once nothing of them is left."""
    left = tuple(
        arm
        for arm in memory.retiring
        if arm.revision in look.world.deployments or arm.revision in look.world.services or not drained(arm, look)
    )
    return memory if left == memory.retiring else replace(memory, retiring=left)


def _follow(memory: Memory, look: Look) -> Memory:
    """Compare what is wanted with what is there; a revision that is not known (registry down) changes nothing."""
    if look.wanted is None:
        return memory
    wanted, stable, tried = look.wanted.id, memory.stable, memory.candidate
    if memory.rejected is not None and memory.rejected.revision != wanted:
        memory = replace(memory, rejected=None)
    if tried is not None and tried.revision != wanted:
        back = stable is not None and stable.revision == wanted
        reason = "the stable revision is wanted again" if back else f"{look.wanted.label} is wanted instead"
        return transitions.supersede(memory, look, reason)
    if tried is not None or (stable is not None and (stable.revision == wanted or memory.rejected is not None)):
        return memory
    others_quiet = all(arm.weight == 0 for arm in memory.retiring if arm.revision != wanted)
    clear = stable is None or (others_quiet and look.traffic.weights is not None)
    return transitions.begin(memory, look, wanted) if clear else memory
