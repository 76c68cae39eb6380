"""GPU time, added to the counts when pods stop running."""

from __future__ import annotations

from datetime import datetime

from rollmodel.api.trainingjob import Attempts
from rollmodel.plan.training.builder import Draft
from rollmodel.plan.training.context import Live, Look
from rollmodel.plan.training.lifecycle.attempts import running_since, spent

__all__ = ["accounted"]


def accounted(look: Look, draft: Draft, until: datetime, job: Live | None = None) -> Draft:
    """With the time since the pods began to run; ``job`` has ended, and may have been too quick to be seen running."""
    counts = draft.status.attempts or Attempts()
    seconds = spent(look.spec, counts, running_since(look.status, job), until)
    return draft.noting(attempts=counts.model_copy(update={"gpu_seconds": seconds}))
