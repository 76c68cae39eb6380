"""A ScaledObject as KEDA's own schema takes it, on a real API server; the test does what KEDA's controller would do.

The schema is that of ``tests/support/live/others/keda.py``. KEDA itself does not run.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rollmodel.api.modeldeployment.scale import Scale
from rollmodel.plan.deployment.objects.meta import Owner
from rollmodel.plan.deployment.objects.scaling import scaling_objects

from localcluster import Cluster
from tests.cluster.rollouts.conftest import ACCOUNT, Rollout
from tests.support.eventually import eventually
from tests.support.live.asleep import Caller
from tests.support.live.extended import kind_served, right_granted
from tests.support.live.light_models import LightRegistry
from tests.support.live.operator_process import OperatorProcess
from tests.support.live.others.keda import RIGHTS, VERSION, scaled_object_definition
from tests.support.live.rollout import LiveRollout, at_rest, light_spec
from tests.support.live.servers.light_server import Behaviour

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

PROMETHEUS = "http://prometheus.monitoring:9090"
FINALIZER = "finalizer.keda.sh"
QUERY = {"query": 'sum(rate(requests_total{model="churn"}[1m]))', "threshold": "50", "activationThreshold": "0.5"}
OFFICE = {"timeZone": "Europe/Berlin", "start": "0 8 * * 1-5", "end": "0 18 * * 1-5", "replicas": 3}
#: Each field that we have.
AUTOSCALING: dict[str, Any] = {
    "minReplicas": 2,
    "maxReplicas": 9,
    "scaleDownSeconds": 60,
    "keda": {
        "triggers": [{"prometheus": QUERY}, {"cron": OFFICE}],
        "toZero": "WhenIdle",
        "idleSeconds": 600,
        "pollSeconds": 10,
        "authenticationRef": {"name": "prometheus"},
    },
}


@pytest.fixture
def keda(stack: Cluster, operator_kubeconfig: Path, tmp_path: Path) -> Iterator[str]:
    """The kind is served, and the operator has the right; its version."""
    definition = scaled_object_definition(tmp_path)
    if definition is None:
        pytest.skip(f"there is no KEDA {VERSION} in Go's module cache, and it cannot be fetched")
    with kind_served(stack, definition), right_granted(stack, ACCOUNT, "rollmodel-keda", RIGHTS):
        yield VERSION


async def _scaled(churn: LiveRollout) -> dict[str, Any]:
    """The ScaledObject, once it is there."""
    found = await eventually(lambda: churn.get("ScaledObject", churn.name), bool, "there is a ScaledObject")
    assert found is not None
    return found


async def _has_pods(churn: LiveRollout, count: int) -> None:
    async def asked() -> list[int]:
        return [one["spec"]["replicas"] for one in await churn.children("Deployment")]

    await eventually(asked, lambda now: now == [count], f"{count} pods are asked for")


async def test_a_scaled_object_is_taken_as_it_is_written_and_is_left_to_keda(
    keda: str, stack: Cluster, registry: LightRegistry, rollout: Rollout, operator: OperatorProcess
) -> None:
    operator.ensure(KEDA="On", KEDA_PROMETHEUS_URL=PROMETHEUS)
    await operator.ready()
    model = await registry.model(Behaviour())
    churn = rollout("churn")
    scale = {"replicas": 1, "autoscaling": AUTOSCALING}
    await churn.create(light_spec(model.name, "1", scale=scale))
    await churn.until(at_rest("1"))

    made = await _scaled(churn)
    owner = Owner(churn.namespace, churn.name, "uid")
    (wanted,) = scaling_objects(owner, Scale.model_validate(scale), prometheus_url=PROMETHEUS)
    assert made["spec"] == wanted["spec"], "a field that the schema does not know is dropped without a word"
    (reference,) = made["metadata"]["ownerReferences"]
    assert (reference["kind"], reference["name"], reference["controller"]) == ("ModelDeployment", "churn", True)
    assert await churn.children("HorizontalPodAutoscaler") == []

    # What KEDA's controller does to it: a finalizer, a label and a status.
    name = {"scaledobject.keda.sh/name": churn.name}
    await churn.patch("ScaledObject", churn.name, {"metadata": {"finalizers": [FINALIZER], "labels": name}})
    ready = [{"type": "Ready", "status": "True", "reason": "ScaledObjectReady", "message": "as in KEDA"}]
    await churn.patch("ScaledObject", f"{churn.name}/status", {"status": {"conditions": ready}})
    touched = (await _scaled(churn))["metadata"]["resourceVersion"]
    for pods in (3, 2):
        await churn.patch("ModelDeployment", f"{churn.name}/scale", {"spec": {"replicas": pods}})
        await _has_pods(churn, pods)
    body = await churn.get("ModelDeployment", churn.name)
    assert body is not None
    assert body["spec"]["scale"]["replicas"] == 2, "who scales is KEDA"
    assert (await _scaled(churn))["metadata"]["resourceVersion"] == touched, "and its object is left alone"

    await churn.change({"scale": {"autoscaling": None}})
    gone = await eventually(
        lambda: _scaled(churn), lambda now: "deletionTimestamp" in now["metadata"], "the ScaledObject is deleted"
    )
    assert gone["metadata"]["finalizers"] == [FINALIZER], "KEDA lets go of it, and nobody else"
    await churn.patch("ScaledObject", churn.name, {"metadata": {"finalizers": None}})
    await churn.until_absent("ScaledObject", churn.name)
    await _has_pods(churn, 2)


async def test_keda_takes_the_last_pods_and_brings_them_back(
    keda: str, stack: Cluster, registry: LightRegistry, rollout: Rollout, operator: OperatorProcess
) -> None:
    """KEDA writes 0 and 2 to the scale subresource, whatever serves meanwhile: the order is the operator's."""
    operator.ensure(KEDA="On", KEDA_PROMETHEUS_URL=PROMETHEUS)
    await operator.ready()
    model = await registry.model(Behaviour())
    churn = rollout("churn")
    scale = {"replicas": 2, "autoscaling": AUTOSCALING, "holdingPage": {"retryAfterSeconds": 7}}
    spec = light_spec(model.name, "1", scale=scale)
    spec["rollout"]["drainSeconds"] = 1
    await churn.create(spec)
    await churn.until(at_rest("1"))
    await _scaled(churn)
    caller = Caller(stack.gateway_url, churn, 7)
    await caller.until_served()
    for _ in range(2):
        await churn.patch("ModelDeployment", f"{churn.name}/scale", {"spec": {"replicas": 0}})
        await caller.until_asleep()
        seen = await churn.get("ModelDeployment", f"{churn.name}/scale")
        assert seen is not None
        assert (seen["spec"].get("replicas", 0), seen["status"]["replicas"]) == (0, 0), "as KEDA reads it"
        await churn.patch("ModelDeployment", f"{churn.name}/scale", {"spec": {"replicas": 2}})
        await caller.until_awake()
        await churn.until(lambda now: now.replicas == 2)
    body = await churn.get("ModelDeployment", churn.name)
    assert body is not None
    assert body["spec"]["scale"]["replicas"] == 2


async def test_what_our_schema_lets_through_keda_takes(keda: str, stack: Cluster, namespace: str) -> None:
    """Values at the edges of our fields, and only one trigger; with fields that KEDA does not know refused."""
    cases: list[dict[str, Any]] = [
        {"maxReplicas": 1, "keda": {"triggers": [{"cron": {**OFFICE, "replicas": 1}}]}},
        {"maxReplicas": 1000, "scaleDownSeconds": 0, "keda": {"triggers": [{"prometheus": QUERY}] * 10}},
        {"maxReplicas": 2, "keda": {**AUTOSCALING["keda"], "idleSeconds": 0, "pollSeconds": 1}},
        {"maxReplicas": 2, "keda": {**AUTOSCALING["keda"], "idleSeconds": 604800, "pollSeconds": 3600}},
    ]
    made = [
        one
        for index, case in enumerate(cases)
        for one in scaling_objects(
            Owner(namespace, f"case-{index}", "00000000-0000-0000-0000-000000000000"),
            Scale.model_validate({"autoscaling": case}),
            prometheus_url=PROMETHEUS,
        )
    ]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": made})
    said = await asyncio.to_thread(
        stack.kubectl, "create", "--dry-run=server", "--validate=strict", "-n", namespace, "-f", "-", stdin=text
    )
    assert said.count("created (server dry run)") == len(cases)
