"""The policy in a ModelDeployment manifest, for the commands that replay it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.errors import Invalid
from rollmodel.evidence.core.plans import PlanError, validated
from rollmodel.evidence.core.types import JudgePlan
from rollmodel.plan.deployment.analysis.policy import judge_plan

__all__ = ["counted", "read_manifest", "sound", "spec_of"]


def read_manifest(path: Path, *, kinds: Sequence[str] = ("ModelDeployment",)) -> dict[str, Any]:
    """The first object of these kinds in a YAML file. Raises Invalid."""
    try:
        documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise Invalid(f"cannot read {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} is not YAML: {error}") from error
    for document in documents:
        if isinstance(document, dict) and document.get("kind") in kinds:
            return document
    raise Invalid(f"{path} has no {' and no '.join(kinds)}")


def spec_of(manifest: Mapping[str, Any]) -> ModelDeploymentSpec:
    """The spec with its defaults. Only what a replay needs must be there: the model may be left out. Raises Invalid."""
    try:
        return ModelDeploymentSpec.model_validate({"model": {}, **(manifest.get("spec") or {})})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Invalid(f"spec.{where}: {first['msg']}") from error


def counted(spec: ModelDeploymentSpec, name: str | None) -> JudgePlan:
    """The judge's plan for one count metric alone, which then carries the whole risk. Raises Invalid.

    name: the metric; None for the first one that counts bad requests.
    """
    plan = judge_plan(spec)
    found = [metric for metric in plan.metrics if metric.kind == "count" and name in (None, metric.name)]
    if not found:
        wanted = f"metric '{name}' that counts" if name else "metric that counts"
        raise Invalid(f"the analysis has no {wanted} bad requests: `counts`, or preset Errors or SlowRequests")
    return sound(replace(plan, metrics=(found[0],)))


def sound(plan: JudgePlan) -> JudgePlan:
    """The plan, if it makes sense to a judge. Raises Invalid."""
    try:
        return validated(plan)
    except PlanError as error:
        raise Invalid(f"the analysis cannot be judged: {error}") from error
