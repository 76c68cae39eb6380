"""What is wrong and needs a person: the most urgent first, and what is wrong beside it in the same message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rollmodel.api.conditions import find
from rollmodel.api.modeldeployment import ArmStatus
from rollmodel.plan.conditions import ConditionDraft
from rollmodel.plan.deployment.analysis.missing.lateness import SAMPLES_LATE
from rollmodel.plan.deployment.analysis.missing.presence import NOT_SCRAPED
from rollmodel.plan.deployment.analysis.missing.silence import SILENT
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.status.overdue import overdue
from rollmodel.plan.deployment.status.pod_diagnostics import diagnose
from rollmodel.plan.deployment.status.summary import pods
from rollmodel.plan.deployment.strategies.split import pods_to_have
from rollmodel.plan.deployment.strategies.steps.stages import pause_reason
from rollmodel.plan.pods.refusals import with_remedy

__all__ = ["beside", "needs_person", "rolled_back", "troubled_pods"]

_LOOK_AT_GATEWAY = "nothing begins or is drained before it answers; does the controller run?"
#: Ways of being blind that no waiting heals.
_WRONG_QUERY = {
    SILENT,
    "CannotMeasure",
    "Invalid",
    "InvalidAnalysis",
    "InvalidMetric",
    "InvalidQuery",
    "MetricRemoved",
    NOT_SCRAPED,
    SAMPLES_LATE,
    "UnexpectedAnswer",
}


def needs_person(rollout: Rollout) -> ConditionDraft | None:
    """What needs a person: the most urgent fault, with the others behind it."""
    faults = list(_faults(rollout))
    return beside(faults[0], [fault.message for fault in faults[1:]]) if faults else next(_outcomes(rollout), None)


def beside(draft: ConditionDraft, others: Sequence[str]) -> ConditionDraft:
    """With what is wrong beside it, so that two faults take one look and not two."""
    told = [other for other in dict.fromkeys(others) if other not in draft.message]
    return replace(draft, message="; also: ".join([draft.message, *told]))


def _faults(rollout: Rollout) -> Iterator[ConditionDraft]:
    """What is wrong, most urgent first."""
    if rollout.observed.problems:
        problems = "; ".join(with_remedy(problem, "runtime") for problem in rollout.observed.problems)
        yield ConditionDraft("True", "Refused", f"{problems}; traffic: {_split(rollout)}")
    yield from _broken_pods(rollout)
    if rollout.context.problem is not None and not rollout.context.problem.transient:
        yield ConditionDraft("True", rollout.context.problem.reason, rollout.context.problem.message)
    if rollout.traffic.needs_person:
        yield ConditionDraft("True", rollout.traffic.reason, rollout.traffic.message)
    if rollout.traffic.waits and rollout.unanswered_seconds >= rollout.spec.rollout.deadline_seconds:
        yield ConditionDraft("True", "GatewaySilent", f"{rollout.traffic.message}; {_LOOK_AT_GATEWAY}")
    if rollout.candidate is not None and rollout.analysis.status == "False" and rollout.analysis.reason in _WRONG_QUERY:
        yield ConditionDraft("True", rollout.analysis.reason, rollout.analysis.message)


def _outcomes(rollout: Rollout) -> Iterator[ConditionDraft]:
    """Why a rollout stands still, or how it ended, where nothing is wrong beside it."""
    yield from overdue(rollout, _split(rollout))
    if pause_reason(rollout) in {"Failure", "Undecided"}:
        yield ConditionDraft("True", "Paused", str(rollout.paused))
    if rollout.state.rejected is not None:
        yield ConditionDraft("True", "RolledBack", rolled_back(rollout).message)


def _split(rollout: Rollout) -> str:
    """Who gets how much of the traffic now."""
    weights = rollout.traffic.weights
    if weights is None:
        return "not known, the Gateway is behind"
    parts = [f"{rollout.label(revision)} {weight} %" for revision, weight in sorted(weights.items())]
    return ", ".join(parts) or "nothing serves"


def _broken_pods(rollout: Rollout) -> Iterator[ConditionDraft]:
    """The serving, or first, revision has pods that no waiting makes ready, and no candidate is on its way."""
    arm = rollout.stable or rollout.candidate
    if arm is None or arm.ready_replicas >= pods_to_have(rollout):
        return
    trouble = diagnose(rollout.context, arm.revision)
    hopeless = (trouble is not None and trouble.fatal) or _deadline_exceeded(rollout, arm.revision)
    alone = rollout.stable is None or rollout.candidate is None
    if (hopeless and alone) or _waited(rollout, arm) >= rollout.spec.rollout.deadline_seconds:
        yield ConditionDraft(
            "True",
            trouble.reason if trouble is not None else "DeadlineExceeded",
            pods(rollout, arm, pods_to_have(rollout)),
        )


def troubled_pods(rollout: Rollout) -> Sequence[str]:
    """What is wrong with pods that may still get ready."""
    arm = rollout.stable or rollout.candidate
    if arm is None or arm.ready_replicas >= pods_to_have(rollout) or diagnose(rollout.context, arm.revision) is None:
        return ()
    return (pods(rollout, arm, pods_to_have(rollout)),)


def _waited(rollout: Rollout, arm: ArmStatus) -> float:
    """Seconds without a single pod: of the first revision since its start, of a stable one since the last was lost."""
    if rollout.stable is None:
        return rollout.seconds_since(arm.since)
    before = find(rollout.observed.status.conditions, "Available")
    lost = before is not None and before.status == "False" and arm.ready_replicas == 0
    return rollout.seconds_since(before.last_transition_time) if lost and before is not None else 0.0


def _deadline_exceeded(rollout: Rollout, revision: str) -> bool:
    status = rollout.live.deployments.get(revision, {}).get("status") or {}
    return any(condition.get("reason") == "ProgressDeadlineExceeded" for condition in status.get("conditions") or ())


def rolled_back(rollout: Rollout) -> ConditionDraft:
    """Who was taken back last, and why."""
    lost = rollout.state.rejected
    if lost is None:
        return ConditionDraft("False", "NotRolledBack", "")
    how = "is not tried again by itself" if lost.retry_at is None else f"is tried again at {lost.retry_at}"
    message = f"{rollout.label(lost.revision)} was taken back and {how}: {lost.reason}: {lost.message}"
    return ConditionDraft("True", lost.reason, message)
