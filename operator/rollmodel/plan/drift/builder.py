"""Builds the decision: each stage of a pass returns the builder with its part added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from rollmodel.api.conditions import find
from rollmodel.api.driftpolicy import DriftPolicyStatus
from rollmodel.plan.conditions import ConditionDraft, merge_conditions
from rollmodel.plan.decision import ApplyObject, Decision, Effect, EmitEvent, Event, Reading
from rollmodel.plan.drift.observed import Observed
from rollmodel.plan.drift.status.size import bounded
from rollmodel.plan.times import stamp

__all__ = ["DecisionBuilder"]

Truth = Literal["True", "False", "Unknown"]


@dataclass(frozen=True, slots=True)
class DecisionBuilder:
    """The new status so far, its conditions before they are dated, and what will be done."""

    observed: Observed
    status: DriftPolicyStatus
    lines: Mapping[str, ConditionDraft] = field(default_factory=dict)
    effects: tuple[Effect, ...] = ()
    due: tuple[float, ...] = ()
    readings: tuple[Reading, ...] | None = None

    @classmethod
    def of(cls, observed: Observed) -> DecisionBuilder:
        """Nothing is decided yet."""
        return cls(observed, observed.status)

    @property
    def now(self) -> str:
        """The time of this pass, as status has it."""
        return stamp(self.observed.now)

    @property
    def alarmed(self) -> bool:
        """Whether an alarm is on."""
        return self.status.episode is not None and self.status.episode.end_time is None

    @property
    def state(self) -> str:
        """What it found, in one word: the reason of ``Ready``, of this pass or of the one before."""
        line = self.lines.get("Ready") or find(self.observed.status.conditions, "Ready")
        return line.reason if line is not None else ""

    def set(self, **fields: Any) -> DecisionBuilder:
        """With these fields of the status changed."""
        return replace(self, status=self.status.model_copy(update=fields))

    def condition(self, kind: str, status: Truth, reason: str, message: str = "") -> DecisionBuilder:
        """With this condition."""
        return replace(self, lines={**self.lines, kind: ConditionDraft(status, reason, message)})

    def event(self, type_: Literal["Normal", "Warning"], reason: str, message: str) -> DecisionBuilder:
        """With this Event."""
        return replace(self, effects=(*self.effects, EmitEvent(Event(type_, reason, message))))

    def apply(self, manifest: Mapping[str, Any]) -> DecisionBuilder:
        """With this object to apply."""
        return replace(self, effects=(*self.effects, ApplyObject(manifest)))

    def read(self, readings: tuple[Reading, ...]) -> DecisionBuilder:
        """With these numbers for the metrics."""
        return replace(self, readings=readings)

    def requeue(self, seconds: float) -> DecisionBuilder:
        """With the next pass after so many seconds."""
        return replace(self, due=(*self.due, seconds))

    def decision(self) -> Decision:
        """All of it."""
        observed = self.observed
        fields = dict(self.status)
        fields["observed_generation"] = observed.generation
        fields["conditions"] = merge_conditions(
            observed.status.conditions, self.lines, generation=observed.generation, now=observed.now
        )
        status = bounded(DriftPolicyStatus.model_validate(fields))
        return Decision(
            status.to_wire(),
            self.effects,
            requeue_after=max(0.5, min(self.due)) if self.due else None,
            readings=self.readings,
        )
