"""TrainingJobs for tests, and what a pass sees of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from rollmodel.api.trainingjob import TrainingJobSpec, TrainingJobStatus
from rollmodel.plan import naming
from rollmodel.plan.training.observed import MetricPoint, Observed, TrackedRun, TrainingDefaults

__all__ = ["DEFAULTS", "DIGEST", "NAME", "RUN_ID", "START", "UID", "job", "manifest", "observed", "pod", "run", "spec"]

START = datetime(2026, 1, 1, tzinfo=UTC)
DEFAULTS = TrainingDefaults(operator_image="rollmodel/operator:1", registry_url="http://mlflow")
DIGEST = f"sha256:{'a' * 64}"
NAME, UID, RUN_ID = "churn", "uid-0", "run-1"


def manifest(name: str = NAME, namespace: str = "ml", **changes: Any) -> dict[str, Any]:
    """A TrainingJob as a user writes it; ``changes`` are whole top-level fields of its spec."""
    fields: dict[str, Any] = {
        "template": {"image": "registry.example.com/churn:1", "command": ["python", "train.py"]},
        "parameters": [{"name": "depth", "value": "3"}],
        "seed": 7,
        "gates": {"metrics": [{"name": "auc", "min": "0.8"}]},
        "register": {"model": "churn"},
        "retry": {"maxFailures": 1, "maxDisruptions": 2, "backoffSeconds": 20},
    }
    wished = {key: value for key, value in {**fields, **changes}.items() if value is not None}
    return {
        "apiVersion": "rollmodel.dev/v1alpha1",
        "kind": "TrainingJob",
        "metadata": {"name": name, "namespace": namespace},
        "spec": wished,
    }


def spec(**changes: Any) -> TrainingJobSpec:
    """The spec of :func:`manifest`; None removes a field."""
    return TrainingJobSpec.model_validate(manifest(**changes)["spec"])


def observed(wished: TrainingJobSpec | None = None, status: dict[str, Any] | None = None, **facts: Any) -> Observed:
    """A look at this spec and status (as the API server holds it); ``facts`` are fields of Observed."""
    fields: dict[str, Any] = {
        "namespace": "ml",
        "name": NAME,
        "uid": UID,
        "generation": 1,
        "created": START,
        "labels": {},
        "children": (),
        "defaults": DEFAULTS,
        "now": START,
    }
    return Observed(
        spec=wished or spec(),
        status=TrainingJobStatus.model_validate(status or {}),
        **{**fields, **facts},
    )


def run(status: Any = "RUNNING", *, tags: dict[str, str] | None = None, **metrics: float) -> TrackedRun:
    """The run in MLflow, with these metrics at step 1."""
    points = {name: MetricPoint(value, 1, START.timestamp() + 60) for name, value in metrics.items()}
    return TrackedRun(RUN_ID, "exp-1", status, START.timestamp(), tags=tags or {}, metrics=points)


def job(attempt: int = 1, *, suspend: bool = False, **status: Any) -> dict[str, Any]:
    """A live Job of an attempt; ``Complete`` and ``Failed`` are conditions, given as {reason, message} ."""
    name = naming.job(NAME, attempt)
    conditions = [
        {"type": kind, "status": "True", "lastTransitionTime": "2026-01-01T00:05:00Z", **status.pop(kind)}
        for kind in ("Complete", "Failed")
        if kind in status
    ]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": "ml", "uid": f"uid-{name}", "labels": {}},
        "spec": {"suspend": suspend, "backoffLimit": 0, "template": {"spec": {"containers": []}}},
        "status": {**({} if suspend else {"startTime": "2026-01-01T00:00:00Z"}), **status, "conditions": conditions},
    }


def pod(name: str = "churn-1-x", **status: Any) -> dict[str, Any]:
    """A pod of a Job."""
    return {"metadata": {"name": name, "ownerReferences": [{"kind": "Job", "uid": "u"}]}, "status": status}
