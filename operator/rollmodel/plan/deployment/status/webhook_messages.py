"""What a webhook is told about a ModelDeployment: what Events tell about its rollouts, and where a person is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rollmodel.plan.decision import Decision
from rollmodel.plan.deployment.observed import Observed
from rollmodel.plan.notifications import About, with_notifications

__all__ = ["NOT_TOLD", "with_webhook_messages"]

#: Reasons of Events about the operator's own housekeeping: a chat need not know.
NOT_TOLD = frozenset(
    {"BaselineStarted", "Restored", "SizeHeld", "CommandIgnored", "ConnectionChanged", "JudgeRestarted"}
)


def with_webhook_messages(observed: Observed, decision: Decision) -> Decision:
    """What was decided, and its news. Last, when all is decided."""
    about = About.of("ModelDeployment", observed)
    data = {name: _arm(decision.status.get(name)) for name in ("stable", "candidate")}
    return with_notifications(
        decision, about, now=observed.now, data=data, told=lambda event: event.reason not in NOT_TOLD
    )


def _arm(arm: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """A revision after this pass."""
    if arm is None:
        return None
    return {key: arm[key] for key in ("revision", "modelVersion") if key in arm}
