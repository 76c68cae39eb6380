"""The decision in the making: each stage of a pass returns the next draft."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from rollmodel.api.trainingjob import TrainingJobStatus
from rollmodel.plan.conditions import Line
from rollmodel.plan.decision import Delete, RegistryWrite, TrackingWrite

__all__ = ["Draft"]

_PENDING = Line("Unknown", "Pending")


@dataclass(frozen=True, slots=True)
class Draft:
    """The new status so far, its conditions before they are dated, and what will be done.

    ``doing`` is what ``Succeeded=Unknown`` says; ``outcome`` is its last word. Once ``halted``, no later arrow can be
    made in this pass. ``due`` are seconds until something should be looked at again.
    """

    status: TrainingJobStatus
    doing: Line = _PENDING
    outcome: Line | None = None
    running: Line | None = None
    stalled: Line | None = None
    gates: Line | None = None
    registered: Line | None = None
    open_run: str | None = None
    """What MLflow has yet to be told about a run that has ended."""
    halted: bool = False
    apply: tuple[Mapping[str, Any], ...] = ()
    delete: tuple[Delete, ...] = ()
    registry: tuple[RegistryWrite, ...] = ()
    tracking: tuple[TrackingWrite, ...] = ()
    due: tuple[float, ...] = ()

    def noting(self, **fields: Any) -> Draft:
        """With these fields of the status changed."""
        return replace(self, status=self.status.model_copy(update=fields))

    def saying(self, reason: str, message: str = "") -> Draft:
        """With this as what goes on."""
        return replace(self, doing=Line("Unknown", reason, message))

    def waiting(self, reason: str, message: str, *, seconds: float | None = None) -> Draft:
        """Halted; ``seconds`` until it is worth another look."""
        draft = replace(self.saying(reason, message), halted=True)
        return draft if seconds is None else draft.looking_again(seconds)

    def needing_person(self, reason: str, message: str, *, seconds: float | None = None) -> Draft:
        """Halted, and no waiting helps."""
        draft = self.waiting(reason, message, seconds=seconds)
        return replace(draft, stalled=Line("True", reason, message))

    def ending(self, outcome: Line) -> Draft:
        """Halted with the last word."""
        return replace(self, outcome=outcome, halted=True)

    def looking_again(self, seconds: float) -> Draft:
        """With another look after so many seconds."""
        return replace(self, due=(*self.due, seconds))

    def telling(self, *writes: TrackingWrite) -> Draft:
        """With these writes to MLflow."""
        return replace(self, tracking=(*self.tracking, *writes))

    def applying(self, *manifests: Mapping[str, Any]) -> Draft:
        """With these manifests to apply."""
        return replace(self, apply=(*self.apply, *manifests))

    def deleting(self, *deletes: Delete) -> Draft:
        """With these objects to delete."""
        return replace(self, delete=(*self.delete, *deletes))
