"""The headless Service through which the pods of one attempt find each other."""

from __future__ import annotations

from typing import Any

from rollmodel.plan import naming
from rollmodel.plan.training.objects.meta import metadata
from rollmodel.plan.training.observed import Observed

__all__ = ["rendezvous_service"]


def rendezvous_service(observed: Observed, attempt: int) -> dict[str, Any]:
    """Gives ``<job>-<index>.<job>`` an address; before pods are ready too, since they get ready by meeting."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(observed, attempt),
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": naming.attempt_selector(observed.name, attempt),
        },
    }
