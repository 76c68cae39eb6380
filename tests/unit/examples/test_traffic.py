"""The examples of routers ask for the router that the page says, and it can do what they want."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.plan import naming
from rollmodel.plan.deployment.objects.meta import Owner
from rollmodel.plan.deployment.routers.route_rule import unusable
from rollmodel.plan.deployment.routers.router import router_for
from rollmodel.plan.deployment.strategies.requirements import unmet

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("swap.yaml", "HTTPRoute"),
        ("grpc.yaml", "GRPCRoute"),
        ("own-route.yaml", "Service"),
        ("pool.yaml", "InferencePool"),
    ],
)
def test_an_example_has_its_router(name: str, kind: str) -> None:
    documents = yaml.safe_load_all((EXAMPLES / name).read_text(encoding="utf-8"))
    (body,) = [one for one in documents if one["kind"] == "ModelDeployment"]
    spec = ModelDeploymentSpec.model_validate(body["spec"])
    assert kind in router_for(spec).kinds
    assert unmet(spec) is None


def test_the_rule_of_the_example_is_given_to_its_model() -> None:
    route, body = yaml.safe_load_all((EXAMPLES / "own-route.yaml").read_text(encoding="utf-8"))
    ref = ModelDeploymentSpec.model_validate(body["spec"]).traffic
    assert ref is not None
    assert ref.route_ref is not None
    owner = Owner("prod", body["metadata"]["name"], "uid")
    assert ref.route_ref.name == route["metadata"]["name"]
    assert route["metadata"]["labels"] == {naming.MANAGED_BY: naming.FIELD_MANAGER}
    assert unusable(route, ref.route_ref, owner) is None
