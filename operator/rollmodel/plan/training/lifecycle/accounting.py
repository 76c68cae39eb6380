"""GPU time, added to the counts when pods stop running."""

from __future__ import annotations

from datetime import datetime

from rollmodel.api.trainingjob import Attempts
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.training.builder import DecisionBuilder
from rollmodel.plan.training.context import Context
from rollmodel.plan.training.lifecycle.attempts import running_since, spent

__all__ = ["accounted"]


def accounted(
    context: Context, builder: DecisionBuilder, until: datetime, job: Manifest | None = None
) -> DecisionBuilder:
    """With the time since the pods began to run; ``job`` has ended, and may have been too quick to be seen running."""
    counts = builder.status.attempts or Attempts()
    seconds = spent(context.spec, counts, running_since(context.status, job), until)
    return builder.set(attempts=counts.model_copy(update={"gpu_seconds": seconds}))
