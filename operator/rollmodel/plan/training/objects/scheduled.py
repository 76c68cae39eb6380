"""The TrainingJob of one scheduled run: what its parent asks for, once, and immediately."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from rollmodel.api.base import GROUP, VERSION
from rollmodel.plan import naming
from rollmodel.plan.pods.spec import owner_reference
from rollmodel.plan.times import stamp
from rollmodel.plan.training.names import experiment
from rollmodel.plan.training.observed import Observed

__all__ = ["SCHEDULED_AT", "due_of", "run_name", "scheduled_run"]

#: Annotation of a scheduled run: when it was due.
SCHEDULED_AT = f"{GROUP}/scheduled-at"

_PARENTS_OWN = {"schedule", "suspend"}


def run_name(parent: str, due: datetime) -> str:
    """``<parent>-<unix minute>``: one name, so at most one run, per due time."""
    return naming.child(parent, str(int(due.timestamp()) // 60))


def due_of(name: str) -> datetime | None:
    """When the run of this name was due; None where the name is not one of ours."""
    minute = name.rpartition("-")[2]
    return datetime.fromtimestamp(int(minute) * 60, UTC) if minute.isdecimal() and len(minute) == 8 else None


def scheduled_run(observed: Observed, due: datetime) -> dict[str, Any]:
    """The manifest of a run. All runs of a schedule share the experiment of the parent."""
    spec = {key: value for key, value in observed.spec.to_wire().items() if key not in _PARENTS_OWN}
    template = observed.spec.template
    name = experiment(observed.namespace, observed.name, observed.spec)
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "TrainingJob",
        "metadata": {
            "name": run_name(observed.name, due),
            "namespace": observed.namespace,
            "labels": {**(template.labels or {}), **naming.training_labels(observed.name)},
            "annotations": {**(template.annotations or {}), SCHEDULED_AT: stamp(due)},
            "ownerReferences": [owner_reference("TrainingJob", observed.name, observed.uid)],
        },
        "spec": {**spec, "tracking": {**spec.get("tracking", {}), "experiment": name}},
    }
