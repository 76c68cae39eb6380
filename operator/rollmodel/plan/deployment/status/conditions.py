"""What status says: conditions for programs (kstatus), in words for people.

``Reconciling`` is True while something moves, ``Stalled`` only where a person is needed. ``Ready`` is True when what is
wanted serves, Unknown while a rollout finds out whether it should, False when something is not as it should be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rollmodel.api.conditions import Condition, find
from rollmodel.api.modeldeployment import ArmStatus, ModelDeploymentStatus
from rollmodel.plan import naming
from rollmodel.plan.conditions import Line, dated
from rollmodel.plan.decision import Event
from rollmodel.plan.deployment.analysis.result import Sight
from rollmodel.plan.deployment.context import Look
from rollmodel.plan.deployment.state import Memory
from rollmodel.plan.deployment.status.pod_diagnostics import diagnose
from rollmodel.plan.deployment.status.summary import Activity, activity, pods
from rollmodel.plan.deployment.strategies.canary import pause_reason

__all__ = ["announcements", "written"]

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


def written(memory: Memory, look: Look, sight: Sight) -> ModelDeploymentStatus:
    """The whole new status."""
    conditions = dated(
        look.observed.status.conditions,
        _lines(memory, look, sight),
        generation=look.observed.generation,
        now=look.now,
    )
    serving = memory.stable or memory.candidate
    fields = {
        "observed_generation": look.observed.generation,
        "conditions": conditions,
        "stable": memory.stable,
        "candidate": memory.candidate,
        "retiring": memory.retiring,
        "replicas": serving.replicas if serving else 0,
        "selector": _selector(look, serving.revision) if serving else None,
        "evidence": memory.evidence,
        "judge": memory.judge,
        "rejected": memory.rejected,
        "paused": memory.paused,
        "history": memory.history,
        "last_command": memory.last_command,
        "outbox": memory.outbox,
    }
    return ModelDeploymentStatus.model_validate(fields)


def announcements(before: Sequence[Condition], after: Sequence[Condition]) -> Iterator[Event]:
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


def _selector(look: Look, revision: str) -> str:
    return naming.selector_text(naming.revision_selector(look.observed.name, revision))


def _lines(memory: Memory, look: Look, sight: Sight) -> dict[str, Line]:
    doing = activity(memory, look, sight)
    stalled = next(_stalled(memory, look, sight), None)
    ready = _ready(memory, look, stalled, doing)
    return {
        "Ready": ready,
        "Reconciling": _reconciling(memory, ready, stalled, doing),
        "Stalled": stalled or Line("False", "NothingWrong", ""),
        "Available": _available(memory, look),
        "Progressing": _progressing(memory, doing),
        "Paused": _paused(memory),
        "RolledBack": _rolled_back(memory, look),
        "ModelResolved": _model_resolved(look),
        "TrafficProgrammed": Line(look.traffic.status, look.traffic.reason, look.traffic.message),
        "MetricsAvailable": Line(sight.status, sight.reason, sight.message),
    }


def _stalled(memory: Memory, look: Look, sight: Sight) -> Iterator[Line]:
    """What needs a person, most urgent first."""
    if look.observed.problems:
        yield Line("True", "Refused", "; ".join(look.observed.problems))
    yield from _broken_pods(memory, look)
    if look.problem is not None and not look.problem.transient:
        yield Line("True", look.problem.reason, look.problem.message)
    if look.traffic.needs_person:
        yield Line("True", look.traffic.reason, look.traffic.message)
    if memory.candidate is not None and sight.status == "False" and sight.reason in _WRONG_QUERY:
        yield Line("True", sight.reason, sight.message)
    if pause_reason(memory) in {"Failure", "Undecided"}:
        yield Line("True", "Paused", str(memory.paused))
    if memory.rejected is not None:
        yield Line("True", "RolledBack", _rolled_back(memory, look).message)


def _broken_pods(memory: Memory, look: Look) -> Iterator[Line]:
    """The serving, or first, revision has pods that no waiting makes ready, and no candidate is on its way."""
    arm = memory.stable or memory.candidate
    if arm is None or arm.ready_replicas >= look.spec.scale.replicas:
        return
    trouble = diagnose(look, arm.revision)
    hopeless = (trouble is not None and trouble.fatal) or _deadline_exceeded(look, arm.revision)
    alone = memory.stable is None or memory.candidate is None
    if (hopeless and alone) or _waited(memory, look, arm) >= look.spec.rollout.deadline_seconds:
        yield Line(
            "True",
            trouble.reason if trouble is not None else "DeadlineExceeded",
            pods(look, arm, look.spec.scale.replicas),
        )


def _waited(memory: Memory, look: Look, arm: ArmStatus) -> float:
    """Seconds without a single pod: of the first revision since its start, of a stable one since the last was lost."""
    if memory.stable is None:
        return look.seconds_since(arm.since)
    before = find(look.observed.status.conditions, "Available")
    lost = before is not None and before.status == "False" and arm.ready_replicas == 0
    return look.seconds_since(before.last_transition_time) if lost and before is not None else 0.0


def _deadline_exceeded(look: Look, revision: str) -> bool:
    status = look.world.deployments.get(revision, {}).get("status") or {}
    return any(condition.get("reason") == "ProgressDeadlineExceeded" for condition in status.get("conditions") or ())


def _ready(memory: Memory, look: Look, stalled: Line | None, doing: Activity | None) -> Line:
    """The first of these that holds."""
    if stalled is not None:
        return Line("False", stalled.reason, stalled.message)
    if look.problem is not None and not _was_ready(look):
        return Line("Unknown", look.problem.reason, look.problem.message)
    return _not_serving(memory, look, doing) or _rolling_out(memory, look, doing) or _serving(memory, look)


def _not_serving(memory: Memory, look: Look, doing: Activity | None) -> Line | None:
    if memory.stable is None:
        return (
            Line("False", doing.reason, doing.message) if doing else Line("False", "Installing", "nothing serves yet")
        )
    if memory.stable.ready_replicas < look.spec.scale.replicas:
        return Line("False", "PodsNotReady", pods(look, memory.stable, look.spec.scale.replicas))
    return None


def _rolling_out(memory: Memory, look: Look, doing: Activity | None) -> Line | None:
    if memory.candidate is not None and doing is not None:
        return Line("Unknown", "RollingOut", doing.message)
    if memory.stable is not None and look.wanted is not None and look.wanted.id != memory.stable.revision:
        return Line("Unknown", "RollingOut", f"{look.wanted.label} begins when nothing else has traffic")
    return None


def _serving(memory: Memory, look: Look) -> Line:
    if look.traffic.status != "True":
        return Line("False", look.traffic.reason, look.traffic.message)
    serving = look.label(memory.stable.revision) if memory.stable is not None else "nothing"
    return Line("True", "Serving", f"{serving} serves")


def _was_ready(look: Look) -> bool:
    """Ready stays what it was while the registry is away: nothing else was asked for since."""
    before = find(look.observed.status.conditions, "Ready")
    same = look.observed.status.observed_generation == look.observed.generation
    return same and before is not None and before.status == "True"


def _reconciling(memory: Memory, ready: Line, stalled: Line | None, doing: Activity | None) -> Line:
    if stalled is not None or (ready.status == "True" and not memory.retiring):
        return Line("False", "Idle" if stalled is None else "WaitingForPerson", "")
    return Line("True", doing.reason, doing.message) if doing is not None else Line("True", ready.reason, ready.message)


def _available(memory: Memory, look: Look) -> Line:
    if memory.stable is None:
        return Line("False", "NothingServes", "no revision has been ready yet")
    if look.spec.scale.replicas == 0:
        return Line("False", "ScaledToZero", "`scale.replicas` is 0")
    line = pods(look, memory.stable, look.spec.scale.replicas)
    return Line("True", "Serving", line) if memory.stable.ready_replicas > 0 else Line("False", "NoPodReady", line)


def _progressing(memory: Memory, doing: Activity | None) -> Line:
    if memory.candidate is None or doing is None:
        return Line("False", "Idle", "no rollout is in progress")
    return Line("False" if memory.paused else "True", doing.reason, doing.message)


def _paused(memory: Memory) -> Line:
    reason = pause_reason(memory)
    return Line("True", reason, str(memory.paused)) if reason else Line("False", "NotPaused", "")


def _rolled_back(memory: Memory, look: Look) -> Line:
    lost = memory.rejected
    if lost is None:
        return Line("False", "NotRolledBack", "")
    message = (
        f"{look.label(lost.revision)} was taken back and is not tried again by itself: {lost.reason}: {lost.message}"
    )
    return Line("True", lost.reason, message)


def _model_resolved(look: Look) -> Line:
    if look.wanted is None:
        problem = look.problem
        return Line("False", problem.reason if problem else "Unknown", problem.message if problem else "")
    name = look.wanted.model_name or "the model"
    return Line("True", "Pinned", f"{name} is {look.wanted.label}, {look.wanted.digest[:19]}")
