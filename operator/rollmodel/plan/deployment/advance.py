"""The machine: what is wanted, what is tried, what is given up. Pure functions from memory to memory.

A pass runs :func:`run_to_fixpoint` until nothing moves any more, so a second pass over the same world decides the same.
"""

from __future__ import annotations

from dataclasses import replace

from rollmodel.api.modeldeployment import ArmStatus
from rollmodel.plan.deployment.analysis.result import AnalysisResult
from rollmodel.plan.deployment.context import Context
from rollmodel.plan.deployment.state import RolloutState, change
from rollmodel.plan.deployment.strategies import canary, transitions
from rollmodel.plan.times import stamp

__all__ = ["drained", "observe_arms", "run_to_fixpoint"]

_MOST_MOVES = 32


def observe_arms(state: RolloutState, context: Context) -> RolloutState:
    """The memory with what is observed now: weights, pods."""
    return replace(
        state,
        stable=_seen(state.stable, context) if state.stable is not None else None,
        candidate=_seen(state.candidate, context) if state.candidate is not None else None,
        retiring=tuple(_seen(arm, context) for arm in state.retiring),
    )


def run_to_fixpoint(state: RolloutState, context: Context, analysis: AnalysisResult) -> RolloutState:
    """Move until nothing moves."""
    for _ in range(_MOST_MOVES):
        moved = state
        for move in (_adopt, _forget_lost, _collect, _follow):
            moved = move(moved, context)
        moved = canary.advance(moved, context, analysis)
        if moved == state:
            return state
        state = moved
    raise RuntimeError("the rollout does not settle")


def drained(arm: ArmStatus, context: Context) -> bool:
    """Whether a retired revision may lose its pods: no traffic observed, and the time to finish requests is over."""
    if context.traffic.weights is None or arm.weight > 0:
        return False
    started_draining = arm.weight_since
    return started_draining is None or context.seconds_since(started_draining) >= context.spec.rollout.drain_seconds


def _seen(arm: ArmStatus, context: Context) -> ArmStatus:
    arm = change(arm, replicas=context.live.replicas(arm.revision), ready_replicas=context.live.ready(arm.revision))
    if context.traffic.weights is None:
        return arm
    weight = context.traffic.weights.get(arm.revision, 0)
    return arm if weight == arm.weight else change(arm, weight=weight, weight_since=stamp(context.now))


def _adopt(state: RolloutState, context: Context) -> RolloutState:
    """Children without a place in the memory (a status that was lost): what serves is stable, the rest is retired."""
    known = {arm.revision for arm in state.arms()}
    strangers = [revision for revision in context.live.deployments if revision not in known]
    strangers += [revision for revision in context.live.services if revision not in {*known, *strangers}]
    if not strangers:
        return state
    if state.stable is None and state.candidate is None:
        weights = context.traffic.weights or {}
        serving = max(
            strangers, key=lambda revision: (weights.get(revision, 0), context.live.ready(revision), revision)
        )
        if weights.get(serving) or context.live.ready(serving):
            return replace(state, stable=_stranger(serving, context))
    retired = (change(_stranger(revision, context), retiring="Superseded", reason="unknown") for revision in strangers)
    return replace(state, retiring=(*state.retiring, *retired))


def _stranger(revision: str, context: Context) -> ArmStatus:
    known = context.revision(revision)
    arm = ArmStatus(
        revision=revision,
        model_version=known.model_version if known else None,
        digest=known.digest if known else None,
        since=stamp(context.now),
    )
    return _seen(arm, context)


def _forget_lost(state: RolloutState, context: Context) -> RolloutState:
    """A stable revision of which neither record nor Deployment is left cannot come back."""
    if state.stable is None or context.revision(state.stable.revision) is not None:
        return state
    message = f"revision {state.stable.revision} was deleted with its record; whatever is wanted takes its place"
    return replace(state, stable=None).with_event("Warning", "StableLost", message)


def _collect(state: RolloutState, context: Context) -> RolloutState:
    """Retired revisions are forgotten once nothing of them is left."""
    left = tuple(
        arm
        for arm in state.retiring
        if arm.revision in context.live.deployments
        or arm.revision in context.live.services
        or not drained(arm, context)
    )
    return state if left == state.retiring else replace(state, retiring=left)


def _follow(state: RolloutState, context: Context) -> RolloutState:
    """Compare what is wanted with what is there; a revision that is not known (registry down) changes nothing."""
    if context.wanted is None:
        return state
    wanted, stable, tried = context.wanted.id, state.stable, state.candidate
    if state.rejected is not None and state.rejected.revision != wanted:
        state = replace(state, rejected=None)
    if tried is not None and tried.revision != wanted:
        back = stable is not None and stable.revision == wanted
        reason = "the stable revision is wanted again" if back else f"{context.wanted.label} is wanted instead"
        return transitions.supersede(state, context, reason)
    if tried is not None or (stable is not None and (stable.revision == wanted or state.rejected is not None)):
        return state
    others_quiet = all(arm.weight == 0 for arm in state.retiring if arm.revision != wanted)
    clear = stable is None or (others_quiet and context.traffic.weights is not None)
    return transitions.begin(state, context, wanted) if clear else state
