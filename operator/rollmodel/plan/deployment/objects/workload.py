"""One Deployment per revision. Its template never changes, so it never rolls: promotion moves weight, not pods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rollmodel.api.base import GROUP
from rollmodel.plan import naming
from rollmodel.plan.deployment.objects.baseline import BASELINE_OF
from rollmodel.plan.deployment.objects.meta import Owner, metadata

__all__ = ["deployment"]


def deployment(
    owner: Owner,
    revision: str,
    template: Mapping[str, Any],
    *,
    replicas: int,
    deadline_seconds: int,
    model_name: str | None = None,
    baseline_of: str | None = None,
) -> dict[str, Any]:
    """The Deployment of a revision; ``template`` is its finished PodTemplateSpec.

    ``baseline_of``: the revision of which it runs fresh pods.
    """
    notes = {f"{GROUP}/model": model_name, BASELINE_OF: baseline_of}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(
            owner,
            naming.child(owner.name, revision),
            revision=revision,
            annotations={key: note for key, note in notes.items() if note},
        ),
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": naming.revision_selector(owner.name, revision)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "progressDeadlineSeconds": deadline_seconds,
            "revisionHistoryLimit": 1,
            "template": template,
        },
    }
