"""``rollmodel doctor`` on the real stack: API server, Gateway, Prometheus, MLflow, and an operator that runs."""

import asyncio
import json
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import pytest
from rollmodel.__main__ import main
from rollmodel.adapters.kubernetes.apiserver import ApiServer

from localcluster import Cluster
from tests.cluster.rollouts.conftest import Rollout, Send
from tests.support.eventually import eventually
from tests.support.live.light_models import LightRegistry
from tests.support.live.rollout import at_rest, light_spec
from tests.support.live.servers.light_server import Behaviour

pytestmark = pytest.mark.slow


def _doctor(stack: Cluster, namespace: str, *options: str) -> dict[str, dict[str, Any]]:
    """The checks by what they are about."""
    with redirect_stdout(StringIO()) as out:
        main(["doctor", "-n", namespace, "--kubeconfig", str(stack.kubeconfig), *options, "-o", "json"])
    return {check["subject"]: check for check in json.loads(out.getvalue())}


async def test_a_model_that_serves_is_sound_and_one_with_a_wrong_gateway_is_not(
    stack: Cluster, api: ApiServer, registry: LightRegistry, rollout: Rollout, send: Send
) -> None:
    model = (await registry.model(Behaviour())).name
    one, astray = rollout("churn"), rollout("astray")
    await one.create(light_spec(model, "1"))
    await one.until(at_rest("1"))
    await send(one)
    await astray.create({**light_spec(model, "1"), "traffic": {"parentRefs": [{"name": "nowhere"}]}}, routed=False)
    options = ("--prometheus", stack.prometheus_url, "--mlflow-url", stack.mlflow_url)

    checks = await eventually(
        lambda: asyncio.to_thread(_doctor, stack, one.namespace, *options),
        lambda found: found["churn: metric errors"]["level"] == "ok" and found["churn: scrapes"]["level"] == "ok",
        "series of the model that serves",
    )
    sound = {
        "CRD modeldeployments.rollmodel.dev",
        f"rights in {one.namespace}",
        f"churn: Gateway {one.namespace}/public",
        "Prometheus",
        "churn: scrapes",
        "churn: metric errors",
        "MLflow",
    }
    assert {name: checks[name]["message"] for name in sound if checks[name]["level"] == "bad"} == {}
    assert checks[f"astray: Gateway {one.namespace}/nowhere"]["level"] == "bad"
    assert checks["Lease rollmodel in rollmodel-system"]["level"] == "bad", "this operator elects no leader"
