"""The example NetworkPolicies select the pods that we make."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from rollmodel.plan.deployment.objects import revision as revisions
from rollmodel.plan.training.objects.job import attempt_job

from tests.support.simulation import rollouts
from tests.support.simulation.trainings import specs
from tests.support.yaml_text import all_from_yaml

EXAMPLE = Path(__file__).parents[3] / "config" / "examples" / "networkpolicy.yaml"
POLICIES = {policy["metadata"]["name"]: policy["spec"] for policy in all_from_yaml(EXAMPLE.read_text())}


def model_pod() -> Any:
    return revisions.wanted("churn", rollouts.spec(), rollouts.model("7"), rollouts.DEFAULTS).template


def training_pod() -> Any:
    run = specs.observed(specs.spec())
    return attempt_job(run, 1, run_id="r", experiment_id="1", seconds_left=60)["spec"]["template"]


@pytest.mark.parametrize(("name", "pod"), [("rollmodel-models", model_pod()), ("rollmodel-trainings", training_pod())])
def test_each_selects_its_pods(name: str, pod: Any) -> None:
    [expression] = POLICIES[name]["podSelector"]["matchExpressions"]
    assert (expression["operator"], expression["key"] in pod["metadata"]["labels"]) == ("Exists", True)


@pytest.mark.parametrize(
    ("address", "reached"),
    [("169.254.169.254", False), ("fd00:ec2::254", False), ("10.1.2.3", True), ("fd00::7", True)],
)
@pytest.mark.parametrize("name", sorted(POLICIES))
def test_the_clouds_own_addresses_are_out_of_reach(name: str, address: str, reached: bool) -> None:
    blocks = [peer["ipBlock"] for rule in POLICIES[name]["egress"] for peer in rule["to"]]
    host = ip_address(address)
    allowed = any(
        host in ip_network(block["cidr"]) and not any(host in ip_network(out) for out in block["except"])
        for block in blocks
    )
    assert allowed is reached
