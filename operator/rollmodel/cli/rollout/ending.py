"""How the rollout of one version ended, as far as a status tells: what ``rollmodel wait`` and ``watch`` wait for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rollmodel.api.conditions import find
from rollmodel.api.modeldeployment import ArmStatus, HistoryEntry, ModelDeploymentStatus, RejectedRevision
from rollmodel.cli.common.printing.rows import status_of
from rollmodel.plan.deployment.strategies.commands import refresh_asked

__all__ = ["GOALS", "Ending", "Expectation", "Goal", "is_fresh", "now_doing"]

Goal = Literal["promoted", "rolled-back", "serving"]
GOALS: tuple[Goal, ...] = ("promoted", "rolled-back", "serving")


@dataclass(frozen=True, slots=True)
class Ending:
    """``good``: it ended as one waited for. ``text`` names the version and the reason."""

    good: bool
    text: str


def is_fresh(manifest: Mapping[str, Any], status: ModelDeploymentStatus) -> bool:
    """Whether status speaks of this spec, and of the registry as it was read after the last wish for that."""
    wish = refresh_asked(manifest["metadata"].get("annotations") or {})
    return status.observed_generation == manifest["metadata"].get("generation") and wish in {"", status.refreshed}


def now_doing(manifest: Mapping[str, Any]) -> str:
    """One line: what goes on. Raises Invalid."""
    status = status_of(ModelDeploymentStatus, manifest)
    if not is_fresh(manifest, status):
        resolved = find(status.conditions, "ModelResolved")
        why = f": {resolved.message}" if resolved is not None and resolved.status != "True" else ""
        return f"waits until the operator has read the registry{why}"
    ready = find(status.conditions, "Ready")
    return ready.message if ready is not None else "the operator has not seen it yet"


@dataclass(slots=True)
class Expectation:
    """What is waited for. Without a version it is the one that is wanted at the first fresh look.

    Goal ``None``: whatever becomes of it. Versions are those of the model; a model without versions goes by revisions.
    """

    version: str | None = None
    goal: Goal | None = None
    tried: bool = False
    """Whether the version was seen as candidate: from then on its newest entry in the history is about this time."""

    def ending(self, manifest: Mapping[str, Any]) -> Ending | None:
        """How it ended; None while that is open. Raises Invalid."""
        status = status_of(ModelDeploymentStatus, manifest)
        if not is_fresh(manifest, status):
            return None
        self.version = self.version or _wanted(status)
        self.tried = self.tried or self._is(status.candidate)
        if self.version is None or self._is(status.candidate):
            return self._stuck(status)
        if self._is(status.stable):
            return self._serves(status) if status.candidate is None else self._won(status)
        if status.rejected is not None and self._is(status.rejected):
            return self._lost(status.rejected)
        return self._gone(status) if self.tried else None

    def _is(self, arm: ArmStatus | RejectedRevision | None) -> bool:
        return arm is not None and self.version in {arm.model_version, arm.revision}

    def _serves(self, status: ModelDeploymentStatus) -> Ending | None:
        """It is stable, and nothing else is tried."""
        ready = find(status.conditions, "Ready")
        if self.goal in {"promoted", "rolled-back"}:
            return self._won(status)
        if ready is not None and ready.status == "True":
            return Ending(good=True, text=f"{ready.message}; {self._won(status).text}")
        if status.rejected is not None and _at_full_size(status.stable):  # Ready is about the version that lost
            return Ending(good=True, text=f"{self._name} serves; {self._won(status).text}")
        return self._stuck(status)

    def _won(self, status: ModelDeploymentStatus) -> Ending:
        entry = self._entry(status)
        how = f"{entry.verdict}: {entry.reason}" if entry is not None else "it is stable"
        return Ending(self.goal != "rolled-back", f"{self._name}: {how}")

    def _lost(self, lost: RejectedRevision) -> Ending:
        again = f"; it is tried again at {lost.retry_at}" if lost.retry_at else ""
        return Ending(self.goal == "rolled-back", f"{self._name} was taken back: {lost.reason}: {lost.message}{again}")

    def _gone(self, status: ModelDeploymentStatus) -> Ending | None:
        """It was tried, and is no more: aborted, or something else was wanted."""
        entry = self._entry(status)
        if entry is None:
            return None
        return Ending(self.goal == "rolled-back", f"{self._name}: {entry.verdict}: {entry.reason}")

    def _stuck(self, status: ModelDeploymentStatus) -> Ending | None:
        """Nothing moves before a person does something."""
        stalled = find(status.conditions, "Stalled")
        if stalled is None or stalled.status != "True":
            return None
        return Ending(good=False, text=f"{self._name} needs a person: {stalled.reason}: {stalled.message}")

    def _entry(self, status: ModelDeploymentStatus) -> HistoryEntry | None:
        mine = (e for e in reversed(status.history) if self.version in {e.to_version, e.to_revision})
        return next(mine, None)

    @property
    def _name(self) -> str:
        if self.version is None:
            return "it"
        return f"v{self.version}" if self.version.isdecimal() else f"revision {self.version}"


def _at_full_size(arm: ArmStatus | None) -> bool:
    return arm is not None and arm.weight == 100 and arm.ready_replicas == arm.replicas > 0


def _wanted(status: ModelDeploymentStatus) -> str | None:
    """The version that is wanted now; None where that is not known, or it has not begun for another's traffic."""
    ready, resolved = (find(status.conditions, kind) for kind in ("Ready", "ModelResolved"))
    if resolved is None or resolved.status != "True":
        return None
    waits = ready is not None and ready.status == "Unknown" and status.candidate is None
    arm = status.candidate or status.rejected or (None if waits else status.stable)
    return None if arm is None else arm.model_version or arm.revision
