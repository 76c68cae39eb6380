"""What a rollout keeps between two passes: the part of status that is not merely observed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from rollmodel.api.modeldeployment import (
    ArmStatus,
    CommandStatus,
    EvidenceStatus,
    HeldSize,
    HistoryEntry,
    ModelDeploymentStatus,
    RejectedRevision,
    RoutedRule,
)
from rollmodel.plan.decision import Event

__all__ = ["RolloutState", "change"]

_HISTORY = 10


def change(arm: ArmStatus, **updates: Any) -> ArmStatus:
    """The arm with these fields changed."""
    return arm.model_copy(update=updates)


@dataclass(frozen=True, slots=True)
class RolloutState:
    """The state at one moment of a pass; functions return the next one.

    ``events`` are those that this pass will post; status does not hold them.
    """

    stable: ArmStatus | None = None
    candidate: ArmStatus | None = None
    baseline: ArmStatus | None = None
    retiring: tuple[ArmStatus, ...] = ()
    rejected: RejectedRevision | None = None
    paused: str | None = None
    judge: str | None = None
    evidence: tuple[EvidenceStatus, ...] = ()
    history: tuple[HistoryEntry, ...] = ()
    last_command: CommandStatus | None = None
    outbox: tuple[dict[str, Any], ...] = ()
    held_size: HeldSize | None = None
    routed_rule: RoutedRule | None = None
    events: tuple[Event, ...] = ()

    @classmethod
    def from_status(cls, status: ModelDeploymentStatus) -> RolloutState:
        """The state as status holds it."""
        return cls(
            stable=status.stable,
            candidate=status.candidate,
            baseline=status.baseline,
            retiring=tuple(status.retiring),
            rejected=status.rejected,
            paused=status.paused,
            judge=status.judge,
            evidence=tuple(status.evidence),
            history=tuple(status.history),
            last_command=status.last_command,
            outbox=tuple(status.outbox),
            held_size=status.held_size,
            routed_rule=status.routed_rule,
        )

    def arms(self) -> Iterator[ArmStatus]:
        """All revisions that have, or may still have, pods."""
        yield from (arm for arm in (self.stable, self.candidate, self.baseline) if arm is not None)
        yield from self.retiring

    def with_event(self, kind: Literal["Normal", "Warning"], reason: str, message: str) -> RolloutState:
        """With one more Event to post."""
        return replace(self, events=(*self.events, Event(kind, reason, message)))

    def with_history(self, entry: HistoryEntry) -> RolloutState:
        """With one more decision in the history, the oldest forgotten."""
        return replace(self, history=(*self.history, entry)[-_HISTORY:])
