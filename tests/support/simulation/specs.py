"""Specs and versions of the model ``churn`` that simulated rollouts begin with."""

from __future__ import annotations

from typing import Any

from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.plan.deployment.observed import Defaults, PinnedModel

__all__ = ["DEFAULTS", "model", "spec"]

DEFAULTS = Defaults(operator_image="rollmodel/operator:1", server_image="rollmodel/server:1")


def model(version: str = "1") -> PinnedModel:
    """A pinned version of the model ``churn``."""
    return PinnedModel(
        uri=f"models:/churn/{version}",
        digest=f"sha256:{version.zfill(64)}",
        name="churn",
        version=version,
        registry_url="http://mlflow",
    )


def spec(**changes: Any) -> ModelDeploymentSpec:
    """A spec that is quick to roll out; ``changes`` are whole top-level fields as a user writes them."""
    fields: dict[str, Any] = {
        "model": {"registry": {"name": "churn", "alias": "challenger", "championAlias": "champion"}},
        "scale": {"replicas": 2},
        "traffic": {"parentRefs": [{"name": "public"}]},
        "rollout": {"steps": [{"weight": 10}, {"weight": 50}], "warmUpSeconds": 20, "drainSeconds": 20},
        "analysis": {"metrics": [{"name": "errors", "preset": "Errors"}]},
    }
    return ModelDeploymentSpec.model_validate({**fields, **changes})
