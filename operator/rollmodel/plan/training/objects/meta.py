"""What all children of a TrainingJob share."""

from __future__ import annotations

from typing import Any

from rollmodel.plan import naming
from rollmodel.plan.pods.spec import owner_reference
from rollmodel.plan.training.observed import Observed

__all__ = ["metadata"]


def metadata(observed: Observed, attempt: int) -> dict[str, Any]:
    """Metadata of what an attempt owns."""
    template = observed.spec.template
    return {
        "name": naming.job(observed.name, attempt),
        "namespace": observed.namespace,
        "labels": {**(template.labels or {}), **naming.training_labels(observed.name, attempt)},
        **({"annotations": dict(template.annotations)} if template.annotations else {}),
        "ownerReferences": [owner_reference("TrainingJob", observed.name, observed.uid)],
    }
