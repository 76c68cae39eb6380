"""Stages that all strategies share: the first revision, start and warm-up, a new step, a pause, taking over.

Each takes a rollout and returns the next one; the same rollout means: nothing to do but wait. Every wait has an end:
a deadline for pods, a time budget for steps, a policy for blindness, or a person (a pause).
"""

from __future__ import annotations

from typing import Literal

from rollmodel.api.modeldeployment import ArmStatus
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.status.pod_diagnostics import Diagnosis, diagnose
from rollmodel.plan.deployment.status.restarts import restarts_per_second
from rollmodel.plan.deployment.strategies.baseline.pods import baseline_is_missing
from rollmodel.plan.deployment.strategies.ends import transitions
from rollmodel.plan.deployment.strategies.outages.outage import is_outage
from rollmodel.plan.deployment.strategies.split import least_are_ready, pods_for_all
from rollmodel.plan.deployment.strategies.steps.bake import bakes_until, has_all_traffic
from rollmodel.plan.times import stamp

__all__ = [
    "BASELINE_MISSING",
    "BROUGHT_BACK",
    "FORCED",
    "candidate_of",
    "enter",
    "forced",
    "goes_back",
    "install",
    "pause",
    "pause_reason",
    "restart",
    "start",
    "step_of",
    "take_back",
    "take_over",
    "wait_for_pods",
]

#: Begins the reason of a candidate whom a person promoted; the name of the field manager follows.
FORCED = "promoted by "
#: Pods of the baseline did not come, so nothing could be compared.
BASELINE_MISSING = "BaselineMissing"
#: Restarts of the candidate that one restart of the stable revision excuses.
_EXCUSED_BY = 2
#: The same of one that was stable before, and becomes so again because a person undid what came after it.
BROUGHT_BACK = "brought back by "


def candidate_of(rollout: Rollout) -> ArmStatus:
    """The candidate, where there must be one."""
    assert rollout.candidate is not None  # noqa: S101 - stages are reached with a candidate
    return rollout.candidate


def step_of(rollout: Rollout) -> int:
    """The candidate's step; -1 before the first."""
    step = candidate_of(rollout).step
    return -1 if step is None else step


def forced(candidate: ArmStatus) -> bool:
    """Whether a person promoted it or brought it back, whatever the evidence says."""
    return candidate.reason is not None and candidate.reason.startswith((FORCED, BROUGHT_BACK))


def goes_back(candidate: ArmStatus) -> bool:
    """Whether it was stable before, and a person wants it back."""
    return candidate.reason is not None and candidate.reason.startswith(BROUGHT_BACK)


def pause_reason(rollout: Rollout) -> str | None:
    """The first word of why the rollout is paused: Command, ManualStep, Failure or Undecided."""
    return rollout.paused.partition(":")[0] if rollout.paused else None


def pause(rollout: Rollout, why: str, kind: Literal["Normal", "Warning"] = "Normal") -> Rollout:
    """Wait for a person; ``why`` begins with a word and a colon."""
    return rollout.with_state(paused=why).with_event(kind, "Paused", why)


def install(rollout: Rollout) -> Rollout:
    """Nothing serves yet: one pod that answers is better than none."""
    ready = rollout.live.ready(candidate_of(rollout).revision)
    return transitions.install(rollout) if ready >= min(1, rollout.full_size) else rollout


def restart(rollout: Rollout) -> Rollout:
    """Scaled to zero: there is no traffic to judge by, so the candidate begins anew when there are pods again."""
    return rollout.with_candidate(step=-1, since=None, ready_since=None, reason=None)


def start(rollout: Rollout) -> Rollout:
    """Pods come up, warm up, and the judge learns what normal is, before the first step."""
    candidate = candidate_of(rollout)
    waiting = wait_for_pods(rollout, enough=least_are_ready(rollout))
    if waiting is not None:
        return waiting
    warm = rollout.seconds_since(candidate.ready_since) >= rollout.spec.rollout.warm_up_seconds
    return enter(rollout, 0, "Ready") if warm and not rollout.paused and _may_begin(rollout) else rollout


def enter(rollout: Rollout, step: int, why: str | None = None) -> Rollout:
    """The next step begins; ``why`` it has earned it is kept for taking over, which comes after the last step.

    Without a reason nothing is taken over: steps that were cut short meanwhile are no proof.
    """
    entered = rollout.with_candidate(step=step, since=stamp(rollout.now), ready_since=None)
    if step < rollout.strategy.step_count(rollout.spec):
        return rollout.strategy.entered(entered.with_candidate(requests=0), step)
    message = f"{rollout.label(candidate_of(rollout).revision)} has earned all traffic and grows to full size"
    return entered.with_candidate(reason=why).with_event("Normal", "Promoting", message)


def take_over(rollout: Rollout, why: str) -> Rollout:
    """The candidate grows to full size, takes everything, bakes, and only then becomes stable."""
    candidate = candidate_of(rollout)
    if rollout.paused:
        return rollout
    if has_all_traffic(rollout):
        if goes_back(candidate):
            return transitions.bring_back(rollout, by=why.removeprefix(BROUGHT_BACK))
        if bakes_until(rollout) is not None:
            return rollout
        if forced(candidate):
            return transitions.promote(rollout, reason="Command", by=why.removeprefix(FORCED))
        resumed_by = rollout.state.last_command.by if rollout.state.last_command is not None else None
        by = {"StepsDone": "steps", "Resumed": resumed_by or "unknown", "Ready": "readiness"}.get(why, "evidence")
        return transitions.promote(rollout, reason=why, by=by)
    enough = rollout.live.ready(candidate.revision) >= pods_for_all(rollout)
    return wait_for_pods(rollout, enough=enough) or rollout


def wait_for_pods(rollout: Rollout, *, enough: bool) -> Rollout | None:
    """While pods are missing the clock of the step starts anew and runs until the deadline. None once all are ready."""
    candidate, deadline = candidate_of(rollout), rollout.spec.rollout.deadline_seconds
    if enough:
        return None if candidate.ready_since else rollout.with_candidate(ready_since=stamp(rollout.now))
    if candidate.ready_since or candidate.since is None:
        return rollout.with_candidate(since=stamp(rollout.now), ready_since=None)
    if not rollout.strategy.needs.surge and _has_grown(rollout):  # places are freed and taken one after the other
        return rollout.with_candidate(since=stamp(rollout.now))
    return rollout if rollout.seconds_since(candidate.since) < deadline else _without_pods(rollout)


def _without_pods(rollout: Rollout) -> Rollout:
    """The end of a candidate whose pods, or those of its baseline, did not come in time."""
    message = f"pods were not ready within {rollout.spec.rollout.deadline_seconds} s"
    if baseline_is_missing(rollout):
        why = _no_baseline(rollout)
        return transitions.roll_back(
            rollout, reason=BASELINE_MISSING, message=why, by="deadline", blamed=False, again=True
        )
    trouble = diagnose(rollout.context, candidate_of(rollout).revision)
    if trouble is None:
        return transitions.roll_back(rollout, reason="DeadlineExceeded", message=message, by="deadline", blamed=False)
    return take_back(rollout, trouble, f"{message}: {trouble.message}", by="deadline")


def _no_baseline(rollout: Rollout) -> str:
    """Which pods did not come, why, and what a person may do."""
    assert rollout.baseline is not None  # noqa: S101 - it is what is missing
    trouble = diagnose(rollout.context, rollout.baseline.revision)
    why = f": {trouble.message}" if trouble is not None else ""
    return (
        f"pods of {rollout.label(rollout.baseline.revision)} were not ready within"
        f" {rollout.spec.rollout.deadline_seconds} s{why}; without `rollout.baseline` a candidate is compared with the"
        " pods that serve"
    )


def _has_grown(rollout: Rollout) -> bool:
    """Whether the candidate has more ready pods than at the last pass."""
    before, candidate = rollout.observed.status.candidate, candidate_of(rollout)
    same = before is not None and before.revision == candidate.revision
    return same and before is not None and candidate.ready_replicas > before.ready_replicas


def take_back(rollout: Rollout, trouble: Diagnosis, message: str, *, by: str) -> Rollout:
    """The end of a candidate with such pods. It is tried again by itself where neither model nor spec is to blame."""
    blamed = trouble.of_model and not _stable_crashes_too(rollout)
    again = not blamed and (trouble.of_model or not trouble.fatal)
    return transitions.roll_back(rollout, reason=trouble.reason, message=message, by=by, blamed=blamed, again=again)


def _stable_crashes_too(rollout: Rollout) -> bool:
    """Whether the stable revision crashes as well: then it is not the new model that makes pods crash.

    It does where it keeps crashing, and where it has restarted at least half as often since the candidate began: one
    restart is no excuse for many.
    """
    if rollout.stable is None:
        return False
    trouble = diagnose(rollout.context, rollout.stable.revision)
    if trouble is None or not trouble.of_model:
        return False
    rates = [restarts_per_second(rollout.context, arm.revision) for arm in (candidate_of(rollout), rollout.stable)]
    return trouble.fatal or _EXCUSED_BY * rates[1] >= rates[0]


def _may_begin(rollout: Rollout) -> bool:
    """The first step needs a judge, a split that is in force, and nobody else who still drains from the same pods.

    Where the stable revision cannot answer, there is nothing to judge by, and one that answers is better than none.
    """
    judge_is_ready = rollout.state.judge is not None or not rollout.spec.analysis.metrics
    alone = not rollout.router.capabilities.others_must_drain or not rollout.retiring
    readable = rollout.analysis.blind_since is None
    judged = (judge_is_ready and readable) or is_outage(rollout)
    return judged and rollout.traffic.status == "True" and alone
