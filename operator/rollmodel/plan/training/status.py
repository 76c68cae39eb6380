"""What status says: conditions for programs (kstatus), in words for people, and Events on their transitions.

``Succeeded`` is Unknown until the one outcome is known, and never changes again. ``Reconciling`` is True while
something moves, also while a run that has ended is closed in MLflow; ``Stalled`` only where a person is needed.
"""

from __future__ import annotations

from collections.abc import Iterator

from rollmodel.api.conditions import find
from rollmodel.api.trainingjob import Attempts, TrainingJobStatus
from rollmodel.plan.conditions import Line, dated
from rollmodel.plan.decision import Event
from rollmodel.plan.times import stamp
from rollmodel.plan.training.builder import Draft
from rollmodel.plan.training.context import TRAINED, Look, outcome_known
from rollmodel.plan.training.gates.evaluate import held

__all__ = ["announcements", "written"]


def written(look: Look, draft: Draft) -> TrainingJobStatus:
    """The whole new status."""
    over = draft.outcome is not None or outcome_known(look.status)
    lines = _lines(look, draft, over=over)
    conditions = dated(look.status.conditions, lines, generation=look.observed.generation, now=look.now)
    fields = dict(draft.status)
    fields["observed_generation"] = look.observed.generation
    fields["conditions"] = conditions
    if over:
        fields["completion_time"] = draft.status.completion_time or stamp(look.now)
        fields["claim"] = fields["queue"] = None
    return TrainingJobStatus.model_validate(fields)


def announcements(before: TrainingJobStatus, after: TrainingJobStatus) -> Iterator[Event]:
    """What changed, for those who watch."""
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


def _lines(look: Look, draft: Draft, *, over: bool) -> dict[str, Line]:
    succeeded = _known(look, "Succeeded") if outcome_known(look.status) else draft.outcome or draft.doing
    stalled = draft.stalled
    if look.observed.problems and not over:
        stalled = Line("True", "Refused", "; ".join(look.observed.problems))
    lines = {
        "Succeeded": succeeded or draft.doing,
        "Reconciling": _reconciling(draft, stalled, over=over),
        "Stalled": stalled or Line("False", "NothingWrong"),
        "Suspended": _suspended(look, over=over),
        "Running": _running(look, draft, over=over),
    }
    if look.spec.gates is not None:
        lines["GatesPassed"] = _gates(draft)
    if look.spec.registration is not None:
        lines["ModelRegistered"] = _registered(look, draft, over=over)
    return lines


def _known(look: Look, kind: str) -> Line | None:
    """A condition as it was."""
    old = find(look.status.conditions, kind)
    return Line(old.status, old.reason, old.message) if old is not None else None


def _reconciling(draft: Draft, stalled: Line | None, *, over: bool) -> Line:
    if over:
        return Line("True", "ClosingRun", draft.open_run) if draft.open_run else Line("False", "Ended")
    if stalled is not None:
        return Line("False", "WaitingForPerson")
    if draft.doing.reason == "Suspended":
        return Line("False", "Suspended")
    return Line("True", draft.doing.reason, draft.doing.message)


def _suspended(look: Look, *, over: bool) -> Line:
    if look.suspended and not over:
        return Line("True", "Suspended", "`suspend` is set")
    return Line("False", "NotSuspended")


def _running(look: Look, draft: Draft, *, over: bool) -> Line:
    line = draft.running or _known(look, "Running") or Line("False", "NotStarted", "no pod has been created")
    return Line("False", "Ended", line.message) if over and line.status != "False" else line


def _gates(draft: Draft) -> Line:
    gates = draft.status.gates
    if not gates:
        return Line("Unknown", "NotEvaluated", "gates are evaluated when the pods have succeeded")
    failed = [f"{gate.name} {gate.check}" for gate in gates if gate.verdict != "Passed"]
    if held(gates):
        return Line("True", "GatesPassed", f"all {len(gates)} gates hold")
    return Line("False", "GatesFailed", f"{len(failed)} of {len(gates)} failed: {', '.join(failed)}")


def _registered(look: Look, draft: Draft, *, over: bool) -> Line:
    registration, version = look.spec.registration, draft.status.model_version
    if version is not None and registration is not None:
        return Line("True", "ModelRegistered", f"version {version} of {registration.model}")
    if over:
        line = draft.outcome or _known(look, "Succeeded") or draft.doing
        return Line("False", line.reason, "no version was registered")
    reason = "Registering" if draft.running is not None and draft.running.reason == TRAINED else "NotYet"
    return Line("Unknown", reason, "a version is registered when the gates hold")
