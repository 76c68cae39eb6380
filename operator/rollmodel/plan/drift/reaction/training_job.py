"""The TrainingJob that an alarm starts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from rollmodel.api.base import GROUP, VERSION
from rollmodel.api.driftpolicy import RetrainStatus
from rollmodel.plan import naming
from rollmodel.plan.drift.evaluation.queries import step_of
from rollmodel.plan.drift.observed import Observed
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.pods.spec import owner_reference
from rollmodel.plan.times import parse, stamp

__all__ = ["changed_since", "training_job", "training_name"]

_TEMPLATES_OWN = {"schedule", "suspend"}


def training_name(observed: Observed, revision: str, episode: int) -> str:
    """One name, so at most one training, for an alarm of a revision."""
    return naming.child(observed.name, naming.short_hash(f"{observed.uid}/{revision}/{episode}"))


def training_job(observed: Observed, entry: RetrainStatus) -> dict[str, Any] | None:
    """The template's spec, once; annotations say what for. None where there is no template."""
    template = observed.template
    if template is None:
        return None
    spec = {key: value for key, value in template["spec"].items() if key not in _TEMPLATES_OWN}
    pods: Manifest = spec.get("template") or {}
    since = {"since": entry.data_since} if entry.data_since is not None else {}
    spec["dataWindow"] = {**since, "until": entry.time}
    notes = {
        f"{GROUP}/drift-episode": entry.episode,
        f"{GROUP}/drift-revision": entry.revision or "",
        f"{GROUP}/drift-trigger": entry.trigger,
        f"{GROUP}/data-until": entry.time,
    }
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "TrainingJob",
        "metadata": {
            "name": entry.training_job,
            "namespace": observed.namespace,
            "labels": {**(pods.get("labels") or {}), **naming.training_labels(template["metadata"]["name"])},
            "annotations": {**(pods.get("annotations") or {}), **notes},
            "ownerReferences": [owner_reference("DriftPolicy", observed.name, observed.uid)],
        },
        "spec": spec,
    }


def changed_since(observed: Observed, trigger: str, begun: str) -> str:
    """When the window began that raised the alarm at ``begun``, by the signal ``trigger``."""
    widths = [one.window_seconds for one in observed.status.signals if one.name == trigger]
    looks = observed.spec.hysteresis.raise_after_looks - 1
    width = (widths or [min(observed.spec.windows)])[0] + looks * step_of(observed.spec)
    return stamp(parse(begun) - timedelta(seconds=width))
