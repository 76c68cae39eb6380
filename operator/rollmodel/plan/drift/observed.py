"""What a pass knows about one DriftPolicy: gathered by ``reconcile``, read by ``plan``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rollmodel.api.driftpolicy import DriftPolicySpec, DriftPolicyStatus
from rollmodel.plan.drift.evaluation.history import History
from rollmodel.plan.drift.profile.layout import Layout
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.problem import Problem

__all__ = ["DriftDefaults", "Observed"]


@dataclass(frozen=True, slots=True)
class DriftDefaults:
    """What the operator's settings say."""

    prometheus_delay_seconds: float = 0.0
    prometheus_matchers: str = ""


@dataclass(frozen=True, slots=True)
class Observed:
    """One look at the world. ``layout`` and ``history`` are None where no look is due."""

    namespace: str
    name: str
    uid: str
    generation: int
    spec: DriftPolicySpec
    status: DriftPolicyStatus
    now: datetime
    annotations: Mapping[str, str] = field(default_factory=dict)
    defaults: DriftDefaults = DriftDefaults()
    deployment: Manifest | None = None
    """The ModelDeployment that is watched."""
    layout: Layout | Problem | None = None
    """The profile, as the server shows it."""
    history: History | Problem | None = None
    """The counts of each step."""
    stable: History | Problem | None = None
    """Those of the stable revision, where the candidate is watched."""
    template: Manifest | None = None
    """The TrainingJob that a new one copies; read only where one may be created."""
    others: Sequence[Manifest] | None = None
    """The DriftPolicies of the namespace; None where nothing starts."""
    children: Sequence[Manifest] = ()
    problems: Sequence[str] = ()

    @property
    def arm(self) -> Mapping[str, Any]:
        """The revision of the ModelDeployment that is watched, as its status has it; empty where there is none."""
        return self._arms.get("candidate" if self.watches_candidate else "stable") or {}

    @property
    def watches_candidate(self) -> bool:
        """Whether candidates are watched, instead of the stable revision."""
        return self.spec.track == "Candidate"

    @property
    def stable_revision(self) -> str | None:
        """The revision that a candidate is compared with."""
        found: str | None = (self._arms.get("stable") or {}).get("revision")
        return found

    @property
    def _arms(self) -> Mapping[str, Any]:
        return (self.deployment or {}).get("status") or {}

    @property
    def revision(self) -> str | None:
        """The revision that is watched."""
        found: str | None = self.arm.get("revision")
        return found
