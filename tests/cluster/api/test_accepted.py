"""What is right is accepted, and the defaults of the API server are the defaults of the models."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rollmodel.api.base import ApiModel
from rollmodel.api.crd import KINDS
from rollmodel.api.modeldeployment import ModelDeploymentSpec

from localcluster import Cluster
from tests.support.apiserver import Api, spec_of
from tests.support.yaml_text import all_from_yaml, from_yaml

pytestmark = pytest.mark.cluster

SPECS: dict[str, type[ApiModel]] = {kind.kind: kind.spec for kind in KINDS}
CASES = [
    pytest.param(kind, spec, id=f"{kind}-{name}")
    for kind, specs in from_yaml((Path(__file__).parent / "accepted.yaml").read_text()).items()
    for name, spec in specs.items()
]


SMALLEST = spec_of("ModelDeployment")


EXAMPLES = [
    pytest.param(body["kind"], body["spec"], id=f"{path.name}-{body['kind']}")
    for path in sorted((Path(__file__).parents[3] / "examples").glob("**/*.yaml"))
    for body in all_from_yaml(path.read_text())
    if body and body.get("apiVersion") == "rollmodel.dev/v1alpha1"
]


@pytest.mark.parametrize(("kind", "spec"), EXAMPLES)
def test_the_examples_are_accepted(dry_api: Api, kind: str, spec: dict[str, Any]) -> None:
    assert dry_api.try_out(kind, spec)["spec"] == SPECS[kind].model_validate(spec).to_wire()


@pytest.mark.parametrize(("kind", "spec"), CASES)
def test_defaults_are_those_of_the_models(dry_api: Api, kind: str, spec: dict[str, Any]) -> None:
    assert dry_api.try_out(kind, spec)["spec"] == SPECS[kind].model_validate(spec).to_wire()


def _parts() -> Iterator[tuple[str, str]]:
    """Every part of a spec that may be written without any field."""
    for kind, model in SPECS.items():
        for field in model.model_fields.values():
            if isinstance(field.default, ApiModel) and not field.default.model_fields_set:
                yield kind, str(field.alias)


@pytest.mark.parametrize(("kind", "part"), list(_parts()))
def test_an_empty_part_has_the_defaults_of_its_fields(dry_api: Api, kind: str, part: str) -> None:
    spec = spec_of(kind) | {part: {}}
    assert dry_api.try_out(kind, spec)["spec"] == SPECS[kind].model_validate(spec).to_wire()


def test_whole_numbers_may_be_quantities(dry_api: Api) -> None:
    resources = {"requests": {"cpu": 2}, "limits": {"cpu": 2, "nvidia.com/gpu": 1}}
    created = dry_api.try_out("ModelDeployment", spec_of("ModelDeployment", {"runtime": {"resources": resources}}))
    parsed = ModelDeploymentSpec.model_validate(created["spec"]).runtime.resources
    assert parsed is not None
    assert parsed.to_wire() == {"requests": {"cpu": "2"}, "limits": {"cpu": "2", "nvidia.com/gpu": "1"}}


def test_null_is_unset(dry_api: Api) -> None:
    spec = spec_of("ModelDeployment") | {"rollout": None, "traffic": None}
    assert dry_api.try_out("ModelDeployment", spec)["spec"] == ModelDeploymentSpec.model_validate(SMALLEST).to_wire()


def test_unknown_fields_are_dropped_where_nobody_asked_for_strictness(api: Api) -> None:
    created = api.create("ModelDeployment", SMALLEST | {"rolout": {}}, field_validation="Ignore")
    assert "rolout" not in created["spec"]


def test_an_object_of_a_newer_version_is_understood(cluster: Cluster, crds: Path, api: Api) -> None:
    """After a roll-back of the operator, objects still carry the fields of the newer CRDs."""
    newer = _with_a_new_field(from_yaml((crds / "modeldeployments.yaml").read_text()))
    cluster.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(newer))
    try:
        created = api.create("ModelDeployment", SMALLEST | {"novelty": "x"})
        while "novelty" not in created["spec"]:
            created = api.patch("ModelDeployment", {"spec": {"novelty": "x"}})
        assert ModelDeploymentSpec.model_validate(created["spec"]) == ModelDeploymentSpec.model_validate(SMALLEST)
    finally:
        cluster.kubectl("apply", "--server-side", "-f", str(crds))


def _with_a_new_field(definition: dict[str, Any]) -> dict[str, Any]:
    newer = copy.deepcopy(definition)
    root = newer["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    root["properties"]["spec"]["properties"]["novelty"] = {"type": "string", "maxLength": 10}
    return newer
