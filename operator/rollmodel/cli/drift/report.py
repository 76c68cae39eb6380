"""What ``rollmodel explain`` says about a DriftPolicy, as data: for the terminal and for the HTML page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from rollmodel.api.conditions import find
from rollmodel.api.driftpolicy import DriftPolicySpec, DriftPolicyStatus, SignalStatus
from rollmodel.cli.common.printing.rows import status_of
from rollmodel.errors import Invalid
from rollmodel.plan.drift.evaluation.watches import limit_of

__all__ = ["Bin", "Distribution", "PolicyReport", "WindowView", "allowed", "of_manifest", "seconds_of"]


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin: its shares of the rows in the profile and in the window."""

    label: str
    before: float
    now: float


@dataclass(frozen=True, slots=True)
class Distribution:
    """A column side by side: the profile's rows and those of one window."""

    column: str
    window_seconds: int
    rows: int
    bins: Sequence[Bin]
    nulls: tuple[float, float]
    """Share of missing values before and now."""
    unseen: tuple[float, float]
    """Share of values that the training hardly saw."""
    psi: float
    drifted: bool


@dataclass(frozen=True, slots=True)
class WindowView:
    """What one window can see. ``visible`` is a PSI, infinite where it cannot look; ``whole_at`` in unix seconds."""

    width: int
    rows: int
    enough: bool
    visible: float
    whole_at: float

    @property
    def shift(self) -> float:
        """The same as a shift of a normal mean, in standard deviations: PSI is about its square."""
        return math.sqrt(self.visible)


@dataclass(frozen=True, slots=True)
class PolicyReport:
    """Everything that is shown. Windows and distributions are there where Prometheus was asked."""

    namespace: str
    name: str
    target: str
    state: str
    message: str
    spec: DriftPolicySpec
    status: DriftPolicyStatus
    windows: Sequence[WindowView] = ()
    distributions: Sequence[Distribution] = ()
    spent: float | None = None
    """Share of the period's budget."""


def of_manifest(manifest: Mapping[str, Any]) -> PolicyReport:
    """The report of a policy as the API server gives it. Raises Invalid."""
    meta, status = manifest["metadata"], status_of(DriftPolicyStatus, manifest)
    try:
        spec = DriftPolicySpec.model_validate(manifest.get("spec") or {})
    except ValidationError as error:
        first = error.errors()[0]
        raise Invalid(f"spec.{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from error
    ready = find(status.conditions, "Ready")
    return PolicyReport(
        namespace=str(meta.get("namespace", "default")),
        name=str(meta.get("name", "")),
        target=spec.model_deployment_ref.name,
        state=ready.reason if ready is not None else "Pending",
        message=ready.message if ready is not None else "the operator has not looked at it yet",
        spec=spec,
        status=status,
        spent=_spent(status),
    )


def allowed(report: PolicyReport, signal: SignalStatus) -> float | None:
    """The PSI from which on a change of this signal matters; None for signals of another measure."""
    entry = next((one for one in report.spec.signals if one.name == signal.name.partition("/")[0]), None)
    return limit_of(entry) if entry is not None and signal.corrected_psi is not None else None


def seconds_of(moment: str | None) -> float | None:
    """Unix seconds of a time in status."""
    return datetime.fromisoformat(moment).astimezone(UTC).timestamp() if moment else None


def _spent(status: DriftPolicyStatus) -> float | None:
    if status.budget is None:
        return None
    spent, remaining = float(status.budget.spent), float(status.budget.remaining)
    return spent / (spent + remaining) if spent + remaining > 0.0 else 0.0
