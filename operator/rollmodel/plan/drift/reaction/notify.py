"""What a webhook is told about a DriftPolicy: the same news as in Events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollmodel.plan.decision import Decision
from rollmodel.plan.notifications import About, with_notifications

if TYPE_CHECKING:
    from rollmodel.plan.drift.builder import DecisionBuilder

__all__ = ["TOLD", "with_webhook_messages"]

#: Reasons of Events that a webhook is told.
TOLD = frozenset(
    {
        "Blind",
        "DriftDetected",
        "DriftCleared",
        "RetrainSuggested",
        "RetrainAwaitsApproval",
        "RetrainStarted",
        "RetrainFailed",
        "RetrainPromoted",
    }
)


def with_webhook_messages(builder: DecisionBuilder) -> Decision:
    """What was decided, and its news. Last, when all is decided."""
    observed, status = builder.observed, builder.status
    about = About.of("DriftPolicy", observed)
    data = {
        "modelDeployment": observed.spec.model_deployment_ref.name,
        "revision": status.profile.revision if status.profile is not None else None,
        "episode": status.episode.number if status.episode is not None else None,
    }
    return with_notifications(
        builder.decision(), about, now=observed.now, data=data, told=lambda event: event.reason in TOLD
    )
