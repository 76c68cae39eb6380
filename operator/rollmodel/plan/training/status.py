"""What status says: conditions for programs (kstatus), in words for people, and Events on their transitions.

``Succeeded`` is Unknown until the one outcome is known, and never changes again. ``Reconciling`` is True while
something moves, also while a run that has ended is closed in MLflow; ``Stalled`` only where a person is needed.
"""

from __future__ import annotations

from collections.abc import Iterator

from rollmodel.api.conditions import find
from rollmodel.api.trainingjob import Attempts, TrainingJobStatus
from rollmodel.plan.conditions import ConditionDraft, merge_conditions
from rollmodel.plan.decision import Event
from rollmodel.plan.pods.refusals import with_remedy
from rollmodel.plan.times import stamp
from rollmodel.plan.training.builder import DecisionBuilder
from rollmodel.plan.training.context import TRAINED, Context, outcome_known
from rollmodel.plan.training.gates.evaluate import held

__all__ = ["build_status", "condition_events"]


def build_status(context: Context, builder: DecisionBuilder) -> TrainingJobStatus:
    """The whole new status."""
    over = builder.outcome is not None or outcome_known(context.status)
    lines = _lines(context, builder, over=over)
    conditions = merge_conditions(
        context.status.conditions, lines, generation=context.observed.generation, now=context.now
    )
    fields = dict(builder.status)
    fields["observed_generation"] = context.observed.generation
    fields["conditions"] = conditions
    if over:
        fields["completion_time"] = builder.status.completion_time or stamp(context.now)
        fields["claim"] = fields["queue"] = None
    return TrainingJobStatus.model_validate(fields)


def condition_events(before: TrainingJobStatus, after: TrainingJobStatus) -> Iterator[Event]:
    """Events for the conditions that changed."""
    was, is_ = before.attempts or Attempts(), after.attempts or Attempts()
    if is_.failures > was.failures:
        yield Event("Warning", "AttemptFailed", is_.last_failure or "")
    if is_.disruptions > was.disruptions:
        yield Event("Warning", "AttemptDisrupted", is_.last_failure or "")
    for kind in ("Running", "Suspended", "GatesPassed", "ModelRegistered", "Stalled"):
        old, new = find(before.conditions, kind), find(after.conditions, kind)
        if new is not None and new.status == "True" and (old is None or old.status != "True"):
            yield Event("Warning" if kind == "Stalled" else "Normal", new.reason, new.message)
    if outcome_known(after) and not outcome_known(before):
        last = find(after.conditions, "Succeeded")
        if last is not None:
            yield Event("Normal" if last.status == "True" else "Warning", last.reason, last.message)


def _lines(context: Context, builder: DecisionBuilder, *, over: bool) -> dict[str, ConditionDraft]:
    succeeded = _known(context, "Succeeded") if outcome_known(context.status) else builder.outcome or builder.doing
    stalled = builder.stalled
    if context.observed.problems and not over:
        stalled = ConditionDraft(
            "True", "Refused", "; ".join(with_remedy(problem, "template") for problem in context.observed.problems)
        )
    lines = {
        "Succeeded": succeeded or builder.doing,
        "Reconciling": _reconciling(builder, stalled, over=over),
        "Stalled": stalled or ConditionDraft("False", "NothingWrong"),
        "Suspended": _suspended(context, over=over),
        "Running": _running(context, builder, over=over),
    }
    if context.spec.gates is not None:
        lines["GatesPassed"] = _gates(builder)
    if context.spec.registration is not None:
        lines["ModelRegistered"] = _registered(context, builder, over=over)
    return lines


def _known(context: Context, kind: str) -> ConditionDraft | None:
    """A condition as it was."""
    old = find(context.status.conditions, kind)
    return ConditionDraft(old.status, old.reason, old.message) if old is not None else None


def _reconciling(builder: DecisionBuilder, stalled: ConditionDraft | None, *, over: bool) -> ConditionDraft:
    if over:
        return (
            ConditionDraft("True", "ClosingRun", builder.open_run)
            if builder.open_run
            else ConditionDraft("False", "Ended")
        )
    if stalled is not None:
        return ConditionDraft("False", "WaitingForPerson")
    if builder.doing.reason == "Suspended":
        return ConditionDraft("False", "Suspended")
    return ConditionDraft("True", builder.doing.reason, builder.doing.message)


def _suspended(context: Context, *, over: bool) -> ConditionDraft:
    if context.suspended and not over:
        return ConditionDraft("True", "Suspended", "`suspend` is set")
    return ConditionDraft("False", "NotSuspended")


def _running(context: Context, builder: DecisionBuilder, *, over: bool) -> ConditionDraft:
    line = (
        builder.running
        or _known(context, "Running")
        or ConditionDraft("False", "NotStarted", "no pod has been created")
    )
    return ConditionDraft("False", "Ended", line.message) if over and line.status != "False" else line


def _gates(builder: DecisionBuilder) -> ConditionDraft:
    gates = builder.status.gates
    if not gates:
        return ConditionDraft("Unknown", "NotEvaluated", "gates are evaluated when the pods have succeeded")
    failed = [f"{gate.name} {gate.check}" for gate in gates if gate.verdict != "Passed"]
    if held(gates):
        return ConditionDraft("True", "GatesPassed", f"all {len(gates)} gates hold")
    return ConditionDraft("False", "GatesFailed", f"{len(failed)} of {len(gates)} failed: {', '.join(failed)}")


def _registered(context: Context, builder: DecisionBuilder, *, over: bool) -> ConditionDraft:
    registration, version = context.spec.registration, builder.status.model_version
    if version is not None and registration is not None:
        return ConditionDraft("True", "ModelRegistered", f"version {version} of {registration.model}")
    if over:
        line = builder.outcome or _known(context, "Succeeded") or builder.doing
        return ConditionDraft("False", line.reason, "no version was registered")
    reason = "Registering" if builder.running is not None and builder.running.reason == TRAINED else "NotYet"
    return ConditionDraft("Unknown", reason, "a version is registered when the gates hold")
