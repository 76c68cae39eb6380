"""What status says: conditions for programs (kstatus), in words for people.

``Reconciling`` is True while something moves, ``Stalled`` only where a person is needed. ``Ready`` is True when what is
wanted serves, Unknown while a rollout finds out whether it should, False when something is not as it should be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rollmodel.api.conditions import Condition, find
from rollmodel.api.modeldeployment import ArmStatus, ModelDeploymentStatus
from rollmodel.plan import naming
from rollmodel.plan.conditions import ConditionDraft, merge_conditions
from rollmodel.plan.decision import Event
from rollmodel.plan.deployment.analysis.result import AnalysisResult
from rollmodel.plan.deployment.context import Context
from rollmodel.plan.deployment.state import RolloutState
from rollmodel.plan.deployment.status.pod_diagnostics import diagnose
from rollmodel.plan.deployment.status.summary import Summary, pods, summary
from rollmodel.plan.deployment.strategies.canary import pause_reason

__all__ = ["build_status", "condition_events"]

#: Ways of being blind that no waiting heals.
_WRONG_QUERY = {
    "CannotMeasure",
    "Invalid",
    "InvalidAnalysis",
    "InvalidMetric",
    "InvalidQuery",
    "MetricRemoved",
    "UnexpectedAnswer",
}


def build_status(state: RolloutState, context: Context, analysis: AnalysisResult) -> ModelDeploymentStatus:
    """The whole new status."""
    conditions = merge_conditions(
        context.observed.status.conditions,
        _lines(state, context, analysis),
        generation=context.observed.generation,
        now=context.now,
    )
    serving = state.stable or state.candidate
    fields = {
        "observed_generation": context.observed.generation,
        "conditions": conditions,
        "stable": state.stable,
        "candidate": state.candidate,
        "retiring": state.retiring,
        "replicas": serving.replicas if serving else 0,
        "selector": _selector(context, serving.revision) if serving else None,
        "evidence": state.evidence,
        "judge": state.judge,
        "rejected": state.rejected,
        "paused": state.paused,
        "history": state.history,
        "last_command": state.last_command,
        "outbox": state.outbox,
    }
    return ModelDeploymentStatus.model_validate(fields)


def condition_events(before: Sequence[Condition], after: Sequence[Condition]) -> Iterator[Event]:
    """Events for conditions that turned bad or well; what the rollout itself does is told where it is done."""
    for kind, bad in {
        "ModelResolved": "False",
        "MetricsAvailable": "False",
        "Stalled": "True",
        "Available": "False",
    }.items():
        old, new = find(before, kind), find(after, kind)
        if new is None or (kind == "Available" and old is None) or new.reason == "RolledBack":
            continue
        was_bad = old is not None and old.status == bad
        if new.status == bad and not was_bad:
            yield Event("Warning", new.reason, new.message)
        elif was_bad and new.status == "True":
            yield Event("Normal", kind, new.message)


def _selector(context: Context, revision: str) -> str:
    return naming.selector_text(naming.revision_selector(context.observed.name, revision))


def _lines(state: RolloutState, context: Context, analysis: AnalysisResult) -> dict[str, ConditionDraft]:
    doing = summary(state, context, analysis)
    stalled = next(_stalled(state, context, analysis), None)
    ready = _ready(state, context, stalled, doing)
    return {
        "Ready": ready,
        "Reconciling": _reconciling(state, ready, stalled, doing),
        "Stalled": stalled or ConditionDraft("False", "NothingWrong", ""),
        "Available": _available(state, context),
        "Progressing": _progressing(state, doing),
        "Paused": _paused(state),
        "RolledBack": _rolled_back(state, context),
        "ModelResolved": _model_resolved(context),
        "TrafficProgrammed": ConditionDraft(context.traffic.status, context.traffic.reason, context.traffic.message),
        "MetricsAvailable": ConditionDraft(analysis.status, analysis.reason, analysis.message),
    }


def _stalled(state: RolloutState, context: Context, analysis: AnalysisResult) -> Iterator[ConditionDraft]:
    """What needs a person, most urgent first."""
    if context.observed.problems:
        yield ConditionDraft("True", "Refused", "; ".join(context.observed.problems))
    yield from _broken_pods(state, context)
    if context.problem is not None and not context.problem.transient:
        yield ConditionDraft("True", context.problem.reason, context.problem.message)
    if context.traffic.needs_person:
        yield ConditionDraft("True", context.traffic.reason, context.traffic.message)
    if state.candidate is not None and analysis.status == "False" and analysis.reason in _WRONG_QUERY:
        yield ConditionDraft("True", analysis.reason, analysis.message)
    if pause_reason(state) in {"Failure", "Undecided"}:
        yield ConditionDraft("True", "Paused", str(state.paused))
    if state.rejected is not None:
        yield ConditionDraft("True", "RolledBack", _rolled_back(state, context).message)


def _broken_pods(state: RolloutState, context: Context) -> Iterator[ConditionDraft]:
    """The serving, or first, revision has pods that no waiting makes ready, and no candidate is on its way."""
    arm = state.stable or state.candidate
    if arm is None or arm.ready_replicas >= context.spec.scale.replicas:
        return
    trouble = diagnose(context, arm.revision)
    hopeless = (trouble is not None and trouble.fatal) or _deadline_exceeded(context, arm.revision)
    alone = state.stable is None or state.candidate is None
    if (hopeless and alone) or _waited(state, context, arm) >= context.spec.rollout.deadline_seconds:
        yield ConditionDraft(
            "True",
            trouble.reason if trouble is not None else "DeadlineExceeded",
            pods(context, arm, context.spec.scale.replicas),
        )


def _waited(state: RolloutState, context: Context, arm: ArmStatus) -> float:
    """Seconds without a single pod: of the first revision since its start, of a stable one since the last was lost."""
    if state.stable is None:
        return context.seconds_since(arm.since)
    before = find(context.observed.status.conditions, "Available")
    lost = before is not None and before.status == "False" and arm.ready_replicas == 0
    return context.seconds_since(before.last_transition_time) if lost and before is not None else 0.0


def _deadline_exceeded(context: Context, revision: str) -> bool:
    status = context.live.deployments.get(revision, {}).get("status") or {}
    return any(condition.get("reason") == "ProgressDeadlineExceeded" for condition in status.get("conditions") or ())


def _ready(
    state: RolloutState, context: Context, stalled: ConditionDraft | None, doing: Summary | None
) -> ConditionDraft:
    """The first of these that holds."""
    if stalled is not None:
        return ConditionDraft("False", stalled.reason, stalled.message)
    if context.problem is not None and not _was_ready(context):
        return ConditionDraft("Unknown", context.problem.reason, context.problem.message)
    return _not_serving(state, context, doing) or _rolling_out(state, context, doing) or _serving(state, context)


def _not_serving(state: RolloutState, context: Context, doing: Summary | None) -> ConditionDraft | None:
    if state.stable is None:
        return (
            ConditionDraft("False", doing.reason, doing.message)
            if doing
            else ConditionDraft("False", "Installing", "nothing serves yet")
        )
    if state.stable.ready_replicas < context.spec.scale.replicas:
        return ConditionDraft("False", "PodsNotReady", pods(context, state.stable, context.spec.scale.replicas))
    return None


def _rolling_out(state: RolloutState, context: Context, doing: Summary | None) -> ConditionDraft | None:
    if state.candidate is not None and doing is not None:
        return ConditionDraft("Unknown", "RollingOut", doing.message)
    if state.stable is not None and context.wanted is not None and context.wanted.id != state.stable.revision:
        return ConditionDraft("Unknown", "RollingOut", f"{context.wanted.label} begins when nothing else has traffic")
    return None


def _serving(state: RolloutState, context: Context) -> ConditionDraft:
    if context.traffic.status != "True":
        return ConditionDraft("False", context.traffic.reason, context.traffic.message)
    serving = context.label(state.stable.revision) if state.stable is not None else "nothing"
    return ConditionDraft("True", "Serving", f"{serving} serves")


def _was_ready(context: Context) -> bool:
    """Ready stays what it was while the registry is away: nothing else was asked for since."""
    before = find(context.observed.status.conditions, "Ready")
    same = context.observed.status.observed_generation == context.observed.generation
    return same and before is not None and before.status == "True"


def _reconciling(
    state: RolloutState, ready: ConditionDraft, stalled: ConditionDraft | None, doing: Summary | None
) -> ConditionDraft:
    if stalled is not None or (ready.status == "True" and not state.retiring):
        return ConditionDraft("False", "Idle" if stalled is None else "WaitingForPerson", "")
    return (
        ConditionDraft("True", doing.reason, doing.message)
        if doing is not None
        else ConditionDraft("True", ready.reason, ready.message)
    )


def _available(state: RolloutState, context: Context) -> ConditionDraft:
    if state.stable is None:
        return ConditionDraft("False", "NothingServes", "no revision has been ready yet")
    if context.spec.scale.replicas == 0:
        return ConditionDraft("False", "ScaledToZero", "`scale.replicas` is 0")
    line = pods(context, state.stable, context.spec.scale.replicas)
    return (
        ConditionDraft("True", "Serving", line)
        if state.stable.ready_replicas > 0
        else ConditionDraft("False", "NoPodReady", line)
    )


def _progressing(state: RolloutState, doing: Summary | None) -> ConditionDraft:
    if state.candidate is None or doing is None:
        return ConditionDraft("False", "Idle", "no rollout is in progress")
    return ConditionDraft("False" if state.paused else "True", doing.reason, doing.message)


def _paused(state: RolloutState) -> ConditionDraft:
    reason = pause_reason(state)
    return ConditionDraft("True", reason, str(state.paused)) if reason else ConditionDraft("False", "NotPaused", "")


def _rolled_back(state: RolloutState, context: Context) -> ConditionDraft:
    lost = state.rejected
    if lost is None:
        return ConditionDraft("False", "NotRolledBack", "")
    message = (
        f"{context.label(lost.revision)} was taken back and is not tried again by itself: {lost.reason}: {lost.message}"
    )
    return ConditionDraft("True", lost.reason, message)


def _model_resolved(context: Context) -> ConditionDraft:
    if context.wanted is None:
        problem = context.problem
        return ConditionDraft("False", problem.reason if problem else "Unknown", problem.message if problem else "")
    name = context.wanted.model_name or "the model"
    return ConditionDraft("True", "Pinned", f"{name} is {context.wanted.label}, {context.wanted.digest[:19]}")
