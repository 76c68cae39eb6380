"""A rollout at one moment of a pass: what status holds, what was gathered, what the metrics say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from rollmodel.api.conditions import find
from rollmodel.api.modeldeployment import ArmStatus, HistoryEntry, ModelDeploymentSpec
from rollmodel.plan.deployment.analysis.result import NOT_ASKED, AnalysisResult
from rollmodel.plan.deployment.context import Context
from rollmodel.plan.deployment.full_size import full_size
from rollmodel.plan.deployment.objects.baseline import baseline_revision
from rollmodel.plan.deployment.objects.live import LiveObjects
from rollmodel.plan.deployment.objects.meta import Owner
from rollmodel.plan.deployment.objects.revision import Revision
from rollmodel.plan.deployment.observed import Observed
from rollmodel.plan.deployment.routers.router import Router
from rollmodel.plan.deployment.routers.traffic import ObservedTraffic
from rollmodel.plan.deployment.state import RolloutState, change
from rollmodel.plan.deployment.strategies.strategy import Strategy

__all__ = ["Rollout"]


@dataclass(frozen=True, slots=True)
class Rollout:
    """What the functions of a pass take and return. ``context`` and ``strategy`` are the same throughout a pass."""

    state: RolloutState
    context: Context
    strategy: Strategy[Rollout]
    analysis: AnalysisResult = NOT_ASKED

    def with_state(self, **changes: Any) -> Rollout:
        """With these fields of the state changed."""
        return replace(self, state=replace(self.state, **changes))

    def with_candidate(self, **changes: Any) -> Rollout:
        """With these fields of the candidate changed; there must be one."""
        assert self.candidate is not None  # noqa: S101 - callers have seen it
        return self.with_state(candidate=change(self.candidate, **changes))

    def with_event(self, kind: Literal["Normal", "Warning"], reason: str, message: str) -> Rollout:
        """With one more Event to post."""
        return replace(self, state=self.state.with_event(kind, reason, message))

    def with_history(self, entry: HistoryEntry) -> Rollout:
        """With one more decision in the history, the oldest forgotten."""
        return replace(self, state=self.state.with_history(entry))

    @property
    def stable(self) -> ArmStatus | None:
        """The revision that serves."""
        return self.state.stable

    @property
    def candidate(self) -> ArmStatus | None:
        """The revision that is tried."""
        return self.state.candidate

    @property
    def baseline(self) -> ArmStatus | None:
        """Fresh pods of the stable revision, which the candidate is compared with, where the spec asks for them."""
        return self.state.baseline

    @property
    def retiring(self) -> tuple[ArmStatus, ...]:
        """Revisions that lose their pods."""
        return self.state.retiring

    @property
    def paused(self) -> str | None:
        """Why the rollout is paused, if it is."""
        return self.state.paused

    @property
    def observed(self) -> Observed:
        """What was gathered for this pass."""
        return self.context.observed

    @property
    def spec(self) -> ModelDeploymentSpec:
        """The desired state."""
        return self.context.spec

    @property
    def full_size(self) -> int:
        """Pods that take all traffic now."""
        return full_size(self.spec, self.state.held_size)

    @property
    def now(self) -> datetime:
        """The time of this pass."""
        return self.context.now

    @property
    def owner(self) -> Owner:
        """Whom children belong to."""
        return self.context.owner

    @property
    def live(self) -> LiveObjects:
        """The children as they are."""
        return self.context.live

    @property
    def router(self) -> Router:
        """Who splits the traffic."""
        return self.context.router

    @property
    def traffic(self) -> ObservedTraffic:
        """The split that is observed."""
        return self.context.traffic

    @property
    def unanswered_seconds(self) -> float:
        """Seconds for which the split has not been in force; 0 while it is."""
        before = find(self.observed.status.conditions, "TrafficProgrammed")
        return 0.0 if before is None or before.status != "False" else self.seconds_since(before.last_transition_time)

    @property
    def wanted(self) -> Revision | None:
        """The revision that the spec asks for; None where the model could not be pinned."""
        return self.context.wanted

    def revision(self, identity: str) -> Revision | None:
        """A revision as it was recorded, or as the spec describes it; None where neither knows it."""
        if self.baseline is None or self.stable is None or identity != self.baseline.revision:
            return self.context.revision(identity)
        stable = self.context.revision(self.stable.revision)
        return None if stable is None else baseline_revision(stable, identity)

    def label(self, identity: str) -> str:
        """How people call a revision."""
        if self.baseline is None or self.stable is None or identity != self.baseline.revision:
            return self.context.label(identity)
        return f"the baseline of {self.context.label(self.stable.revision)}"

    def seconds_since(self, moment: str | None) -> float:
        """Seconds since a time of status; 0 for a clock that does not run, and where the clock went back."""
        return self.context.seconds_since(moment)
