"""Builds the decision: each stage of a pass returns the builder with its part added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rollmodel.api.trainingjob import TrainingJobStatus
from rollmodel.plan.conditions import ConditionDraft
from rollmodel.plan.decision import ApplyObject, Effect, Ref, TrackingWrite

__all__ = ["DecisionBuilder"]

_PENDING = ConditionDraft("Unknown", "Pending")


@dataclass(frozen=True, slots=True)
class DecisionBuilder:
    """The new status so far, its conditions before they are dated, and what will be done.

    ``doing`` is what ``Succeeded=Unknown`` says; ``outcome`` is its final value. Once ``halted``, no later step is
    made in this pass. ``due`` are seconds until the next pass.
    """

    status: TrainingJobStatus
    doing: ConditionDraft = _PENDING
    outcome: ConditionDraft | None = None
    running: ConditionDraft | None = None
    stalled: ConditionDraft | None = None
    gates: ConditionDraft | None = None
    registered: ConditionDraft | None = None
    open_run: str | None = None
    """What MLflow has yet to be told about a run that has ended."""
    awaits_tracking: bool = False
    """Whether the next step waits for the tracking server."""
    halted: bool = False
    effects: tuple[Effect, ...] = ()
    due: tuple[float, ...] = ()

    def set(self, **fields: Any) -> DecisionBuilder:
        """With these fields of the status changed."""
        return replace(self, status=self.status.model_copy(update=fields))

    def phase(self, reason: str, message: str = "") -> DecisionBuilder:
        """With this as the current phase."""
        return replace(self, doing=ConditionDraft("Unknown", reason, message))

    def wait(self, reason: str, message: str, *, seconds: float | None = None) -> DecisionBuilder:
        """Halted; the next pass in ``seconds``."""
        builder = replace(self.phase(reason, message), halted=True)
        return builder if seconds is None else builder.requeue(seconds)

    def await_tracking(self, reason: str, message: str, *, seconds: float) -> DecisionBuilder:
        """Halted until the tracking server has answered, or taken what is written."""
        return replace(self.wait(reason, message, seconds=seconds), awaits_tracking=True)

    def leave_open(self, message: str, *, seconds: float) -> DecisionBuilder:
        """The run has ended, and the tracking server has yet to be told so."""
        return replace(self, open_run=self.open_run or message, awaits_tracking=True).requeue(seconds)

    def stall(self, reason: str, message: str, *, seconds: float | None = None) -> DecisionBuilder:
        """Halted until a person changes something."""
        builder = self.wait(reason, message, seconds=seconds)
        return replace(builder, stalled=ConditionDraft("True", reason, message))

    def finish(self, outcome: ConditionDraft) -> DecisionBuilder:
        """Halted with the outcome."""
        return replace(self, outcome=outcome, halted=True)

    def requeue(self, seconds: float) -> DecisionBuilder:
        """With the next pass after so many seconds."""
        return replace(self, due=(*self.due, seconds))

    def effect(self, *effects: Effect) -> DecisionBuilder:
        """With these effects too."""
        return replace(self, effects=(*self.effects, *effects))

    def apply_objects(self, *manifests: Mapping[str, Any], needs: Sequence[Mapping[str, Any]] = ()) -> DecisionBuilder:
        """With these manifests to apply, if none of those that they need fails."""
        refs = frozenset(map(Ref.of, needs))
        return self.effect(*(ApplyObject(manifest, refs) for manifest in manifests))

    @property
    def tracks(self) -> bool:
        """Whether something is written to the tracking server."""
        return any(isinstance(effect, TrackingWrite) for effect in self.effects)
