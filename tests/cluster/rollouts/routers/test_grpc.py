"""A model whose clients speak gRPC, on a real control plane with a real gateway: promoted, and taken back by evidence.

Its server speaks HTTP/2, which is what gRPC is to a gateway; that it speaks gRPC itself is not shown.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcluster import Cluster
from tests.cluster.rollouts.conftest import ACCOUNT, Rollout
from tests.support.eventually import eventually
from tests.support.live.extended import right_granted
from tests.support.live.light_models import LightRegistry
from tests.support.live.operator_process import OperatorProcess
from tests.support.live.rollout import at_rest, light_spec, tried_at, verdict
from tests.support.live.servers.grpc_server import PROGRAM
from tests.support.live.servers.light_server import Behaviour

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

BY_HAND = {"steps": [{"weight": 50}, {"pause": "Manual"}], "warmUpSeconds": 0, "drainSeconds": 1}
RUNTIME = {"preset": "Triton", "image": "python", "command": ["python", "-c", PROGRAM, "/mnt/models/model"]}
#: What the chart adds to the operator's role with ``features.grpcRoutes``.
RIGHTS = {
    "apiGroups": ["gateway.networking.k8s.io"],
    "resources": ["grpcroutes"],
    "verbs": ["get", "list", "watch", "create", "patch", "delete"],
}


@pytest.fixture
def grpc(stack: Cluster, operator_kubeconfig: Path) -> Iterator[None]:
    """The operator has the right."""
    with right_granted(stack, ACCOUNT, "rollmodel-grpc", RIGHTS):
        yield


async def test_methods_are_promoted_and_taken_back(
    grpc: None, stack: Cluster, registry: LightRegistry, rollout: Rollout, operator: OperatorProcess
) -> None:
    operator.ensure(GRPC_ROUTES="On")
    await operator.ready()
    model = await registry.model(Behaviour("one"), Behaviour("two"), Behaviour("three", errors=0.5))
    signs = rollout("signs")
    traffic = {"protocol": "GRPC", "parentRefs": [{"name": "public"}], "hostnames": [signs.host]}
    await signs.create(light_spec(model.name, "1", runtime=RUNTIME, rollout=BY_HAND, traffic=traffic), routed=False)
    await signs.until(at_rest("1"))
    url, answers = f"{stack.gateway_url}/inference.GRPCInferenceService", Counter[str]()

    async def ask(method: str = "ModelInfer") -> str:
        command = ["curl", "-s", "--max-time", "10", "--http2-prior-knowledge", "-H", f"Host: {signs.host}"]
        asked = await asyncio.create_subprocess_exec(
            *command, "-d", "x", f"{url}/{method}", stdout=asyncio.subprocess.PIPE
        )
        text = (await asked.communicate())[0].decode()
        answers[text] += 1
        return text

    async def send() -> None:
        while True:
            await ask()

    await eventually(ask, lambda text: text == "one", "the model answers")
    assert "one" not in await ask("RepositoryModelUnload")
    answers.clear()
    senders = [asyncio.create_task(send()) for _ in range(3)]
    try:
        await signs.version("2")
        await signs.until(tried_at("2", 50))
        answers.clear()
        await eventually(lambda: asyncio.sleep(0, answers.keys()), lambda seen: seen == {"one", "two"}, "both answer")
        await signs.command("promote")
        await signs.until(at_rest("2"))
        await signs.version("3")
        await signs.until(verdict("3", "RolledBack"))
        await signs.until(at_rest("2"))
        assert answers.keys() == {"one", "two", "three"}, "no request was left without an answer"
    finally:
        for one in senders:
            one.cancel()
        await asyncio.gather(*senders, return_exceptions=True)
    assert {await ask() for _ in range(20)} == {"two"}
