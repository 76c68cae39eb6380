"""Which alarm a training answers: it stays with the run in MLflow, where the objects of the cluster are gone."""

from __future__ import annotations

from rollmodel.api.base import GROUP
from rollmodel.plan.access.ownership import controller_of
from rollmodel.plan.manifest import Manifest

__all__ = ["NOTES", "POLICY_TAG", "alarm_of"]

#: Annotations of a TrainingJob that a DriftPolicy made, and tags of its run.
NOTES = tuple(f"{GROUP}/drift-{word}" for word in ("episode", "trigger", "revision"))
POLICY_TAG = f"{GROUP}/drift-policy"


def alarm_of(body: Manifest) -> dict[str, str]:
    """As tags; empty for a training that no DriftPolicy controls."""
    owner = controller_of(body)
    if owner is None or owner.kind != "DriftPolicy":
        return {}
    notes = body["metadata"].get("annotations") or {}
    return {POLICY_TAG: owner.name, **{key: str(notes[key]) for key in NOTES if key in notes}}
