"""InferencePools and their pickers are taken by a real API server, change nothing of the traffic, and go again.

No picker runs: what happens once one is ready is played in simulation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcluster import Cluster
from tests.cluster.rollouts.conftest import ACCOUNT, Rollout
from tests.support.eventually import eventually
from tests.support.live.extended import kind_served, right_granted
from tests.support.live.light_models import LightRegistry
from tests.support.live.operator_process import OperatorProcess
from tests.support.live.others.inference_pools import RIGHTS, definition
from tests.support.live.rollout import Change, LiveRollout, at_rest, light_spec
from tests.support.live.servers.light_server import Behaviour

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

POOL = {"endpointPicker": {"image": "registry.example.com/epp:1", "serviceAccountName": "nobody-made-it"}}


@pytest.fixture
def pools(stack: Cluster, operator_kubeconfig: Path) -> Iterator[None]:
    """The kind is served, and the operator has the right."""
    with kind_served(stack, json.dumps(definition())), right_granted(stack, ACCOUNT, "rollmodel-pools", RIGHTS):
        yield


async def test_pools_are_taken_as_written_and_go_with_their_field(
    pools: None, registry: LightRegistry, rollout: Rollout, operator: OperatorProcess
) -> None:
    operator.ensure(INFERENCE_POOLS="On")
    await operator.ready()
    model, churn = await registry.model(Behaviour()), rollout("churn")
    await churn.create(light_spec(model.name, "1"))
    await churn.until(at_rest("1"))
    stable = (await churn.status()).stable
    assert stable is not None
    name = f"churn-{stable.revision}"

    await churn.change({"traffic": {"inferencePool": POOL}})
    pool = await _made(churn, name)
    await churn.until(at_rest("1"))

    await churn.change({"scale": {"maxUnavailable": 1}})  # a pass that writes something else
    await eventually(lambda: churn.get("PodDisruptionBudget", "churn"), bool, "the budget is there")
    again = await churn.get("InferencePool", name)
    assert again is not None
    assert again["metadata"]["resourceVersion"] == pool["metadata"]["resourceVersion"], "it is written once"

    await churn.change({"traffic": {"inferencePool": None}})
    for kind, called in (("InferencePool", name), ("Deployment", f"{name}-epp"), ("Service", f"{name}-epp")):
        await churn.until_absent(kind, called)
    await churn.until(at_rest("1"))


async def _made(churn: LiveRollout, name: str) -> Change:
    """The pool of a revision, as it should be; so are its picker, and the route while no picker is ready."""
    pool = await eventually(lambda: churn.get("InferencePool", name), bool, "there is a pool")
    picker = await eventually(lambda: churn.get("Deployment", f"{name}-epp"), bool, "there is a picker")
    service = await eventually(lambda: churn.get("Service", f"{name}-epp"), bool, "it has a Service")
    assert pool is not None
    assert picker is not None
    assert service is not None
    deployment = await churn.get("Deployment", name)
    assert deployment is not None
    assert pool["spec"]["selector"]["matchLabels"] == deployment["spec"]["selector"]["matchLabels"]
    assert pool["spec"]["endpointPickerRef"] == {
        "group": "",
        "kind": "Service",
        "name": f"{name}-epp",
        "port": {"number": 9002},
        "failureMode": "FailOpen",
    }
    for made in (pool, picker, service):
        (reference,) = made["metadata"]["ownerReferences"]
        assert (reference["kind"], reference["name"]) == ("ModelDeployment", "churn")
    route = await churn.get("HTTPRoute", "churn")
    assert route is not None
    backends = [ref["kind"] for rule in route["spec"]["rules"] for ref in rule["backendRefs"]]
    assert set(backends) == {"Service"}, "no picker is ready"
    return pool
