"""How a rollout moves within a pass: children are adopted, what is wanted begins, the candidate advances.

A pass runs :func:`run_to_fixpoint`, so that a second pass over the same objects decides the same.
"""

from __future__ import annotations

from rollmodel.api.modeldeployment import ArmStatus
from rollmodel.plan.deployment.beginning import held, is_rejected, next_revision
from rollmodel.plan.deployment.objects.revision import Revision
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.routers.router import leads_to
from rollmodel.plan.deployment.state import change
from rollmodel.plan.deployment.status.configuration import with_configuration
from rollmodel.plan.deployment.strategies.baseline.follow import follow_baseline
from rollmodel.plan.deployment.strategies.ends import outbox, transitions
from rollmodel.plan.deployment.strategies.ends.failures import failed
from rollmodel.plan.deployment.strategies.outages.stand_in import is_unjudged, stand_in, stands_in
from rollmodel.plan.deployment.strategies.steps import stages
from rollmodel.plan.times import stamp

__all__ = ["drained", "observe_arms", "run_to_fixpoint"]

_MOST_MOVES = 32
#: What the registry says where the wanted version, or its alias, is gone; not where it cannot be reached.
_LOST = {"AliasNotFound", "VersionNotFound", "ModelNotFound", "NotFound"}


def observe_arms(rollout: Rollout) -> Rollout:
    """The arms with what is observed now: weights, pods."""
    return rollout.with_state(
        stable=_observed(rollout.stable, rollout) if rollout.stable is not None else None,
        candidate=_observed(rollout.candidate, rollout) if rollout.candidate is not None else None,
        baseline=_observed(rollout.baseline, rollout) if rollout.baseline is not None else None,
        retiring=tuple(_observed(arm, rollout) for arm in rollout.retiring),
    )


def run_to_fixpoint(rollout: Rollout) -> Rollout:
    """Move until nothing moves any more."""
    for _ in range(_MOST_MOVES):
        moved = rollout
        for move in (_adopt, _forget_lost, follow_baseline, _collect, _follow, _advance_candidate):
            moved = move(moved)
        if moved.state == rollout.state:
            return rollout
        rollout = moved
    raise RuntimeError("the rollout does not settle")


def drained(arm: ArmStatus, rollout: Rollout) -> bool:
    """Whether a retired revision may lose its pods: no traffic observed, and the time to finish requests is over.

    Nor is any asked for by a route, be it one that has to go.
    """
    if rollout.traffic.weights is None or arm.weight > 0:
        return False
    if leads_to(arm.revision, rollout.router, rollout.live, rollout.owner):
        return False
    started_draining = arm.weight_since
    return started_draining is None or rollout.seconds_since(started_draining) >= rollout.spec.rollout.drain_seconds


def _observed(arm: ArmStatus, rollout: Rollout) -> ArmStatus:
    arm = change(arm, replicas=rollout.live.replicas(arm.revision), ready_replicas=rollout.live.ready(arm.revision))
    arm = with_configuration(arm, rollout)
    if rollout.traffic.weights is None:
        return arm
    weight = rollout.traffic.weights.get(arm.revision, 0)
    return arm if weight == arm.weight else change(arm, weight=weight, weight_since=stamp(rollout.now))


def _adopt(rollout: Rollout) -> Rollout:
    """Children that status does not know (a status that was lost): what serves is stable, the rest is retired."""
    known = {arm.revision for arm in rollout.state.arms()}
    unknown = [revision for revision in rollout.live.deployments if revision not in known]
    unknown += [revision for revision in rollout.live.services if revision not in {*known, *unknown}]
    if not unknown:
        return rollout
    if rollout.stable is None and rollout.candidate is None:
        weights = rollout.traffic.weights or {}
        serving = max(unknown, key=lambda one: (_is_version(one, rollout), weights.get(one, 0), _ready(one, rollout)))
        if weights.get(serving) or rollout.live.ready(serving):
            return rollout.with_state(stable=_unknown_arm(serving, rollout))
    retired = (change(_unknown_arm(revision, rollout), retiring="Superseded", reason="unknown") for revision in unknown)
    # First in the order, as the oldest: status may have had no place for them.
    return rollout.with_state(retiring=(*retired, *rollout.retiring))


def _is_version(revision: str, rollout: Rollout) -> bool:
    """Whether it is a version of its own; a baseline may have more traffic than the revision whose pods it has."""
    return rollout.live.baseline_of(revision) is None


def _ready(revision: str, rollout: Rollout) -> tuple[int, str]:
    return rollout.live.ready(revision), revision


def _unknown_arm(revision: str, rollout: Rollout) -> ArmStatus:
    known = rollout.revision(revision)
    arm = ArmStatus(
        revision=revision,
        model_version=known.model_version if known else None,
        digest=known.digest if known else None,
        since=stamp(rollout.now),
    )
    return _observed(arm, rollout)


def _forget_lost(rollout: Rollout) -> Rollout:
    """A stable revision of which neither record nor Deployment is left cannot come back."""
    if rollout.stable is None or rollout.revision(rollout.stable.revision) is not None:
        return rollout
    message = f"revision {rollout.stable.revision} was deleted with its record; whatever is wanted takes its place"
    return rollout.with_state(stable=None).with_event("Warning", "StableLost", message)


def _collect(rollout: Rollout) -> Rollout:
    """Retired revisions are forgotten once nothing of them is left."""
    left = tuple(
        arm
        for arm in rollout.retiring
        if arm.revision in rollout.live.deployments
        or arm.revision in rollout.live.services
        or not drained(arm, rollout)
    )
    return rollout if left == rollout.retiring else rollout.with_state(retiring=left)


def _follow(rollout: Rollout) -> Rollout:
    """Compare what is wanted with what is there; a revision that is not known (registry down) changes nothing."""
    revision = rollout.wanted
    if revision is None:
        return rollout
    wanted, stable, tried = revision.id, rollout.stable, rollout.candidate
    if rollout.state.rejected is not None and rollout.state.rejected.revision != wanted:
        rollout = rollout.with_state(rejected=None)
    if tried is not None and tried.revision != wanted:
        back = stable is not None and stable.revision == wanted
        if back and stages.goes_back(tried):  # what is wanted is what a person undoes
            return rollout
        reason = "the stable revision is wanted again" if back else f"{revision.label} is wanted instead"
        return transitions.supersede(rollout, reason)
    if next_revision(rollout) is None or held(rollout) is not None:
        return rollout
    return _begin(rollout, revision)


def _begin(rollout: Rollout, revision: Revision) -> Rollout:
    """It is tried, also where it lost here before; but it is not installed then, unless somebody asks for it."""
    wanted = revision.id
    earlier = outbox.earlier_verdict(rollout.context)
    if earlier is None:
        return transitions.begin(rollout, wanted)
    if rollout.stable is None and not _is_asked_for(rollout, wanted):
        return rollout if is_rejected(rollout) else transitions.refuse(rollout, wanted, earlier)
    message = f"{revision.label} is tried again, though it was taken back here before: {earlier}"
    return transitions.begin(rollout, wanted).with_event("Warning", "TriedAgain", message)


def _is_asked_for(rollout: Rollout, revision: str) -> bool:
    """Whether a person has said that this revision is to be tried all the same."""
    last = rollout.state.last_command
    words = last.text.split()[:2] if last is not None and last.result == "Done" else []
    return words in (["retry", revision], ["promote", revision])


def _advance_candidate(rollout: Rollout) -> Rollout:
    """One transition of the candidate: of the strategy where it is at a step, else of a stage that all share."""
    if rollout.candidate is None or rollout.candidate.step is None:
        return rollout
    if rollout.stable is None:
        return stages.install(rollout)
    if rollout.full_size == 0:
        return stages.restart(rollout)
    ended = failed(rollout)
    if ended is not None:
        return ended
    return rollout if _is_lost(rollout) and not stages.forced(rollout.candidate) else _next_stage(rollout)


def _is_lost(rollout: Rollout) -> bool:
    """Whether the registry says that there is no such version: its pods could never start again."""
    problem = rollout.context.problem
    return problem is not None and problem.reason in _LOST


def _next_stage(rollout: Rollout) -> Rollout:
    step, count = stages.step_of(rollout), rollout.strategy.step_count(rollout.spec)
    if step < 0:
        return stages.start(rollout)
    if stands_in(rollout):
        return stand_in(rollout)
    if step < count and is_unjudged(rollout):
        return stages.restart(rollout)
    if step < count:
        return rollout.strategy.advance(rollout, step)
    reason = stages.candidate_of(rollout).reason
    if reason is not None:
        return stages.take_over(rollout, reason)
    return stages.enter(rollout, count - 1) if count else stages.restart(rollout)
