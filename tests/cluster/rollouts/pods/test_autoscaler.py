"""The real HPA controller on our scale subresource: what a candidate hides never makes the fleet too small."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rollmodel.plan.naming import REVISION

from localcluster import Cluster
from tests.cluster.rollouts.conftest import Rollout
from tests.support.eventually import eventually
from tests.support.live.light_models import LightRegistry
from tests.support.live.others.pod_metrics import pod_metrics
from tests.support.live.rollout import LiveRollout, at_rest, light_spec, together, tried_at
from tests.support.live.servers.light_server import Behaviour

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

#: What a pod should use at most, in thousandths of a core, as the autoscaler is told.
TARGET = 100
PODS, MOST = 4, 8


@dataclass
class Load:
    """What all requests to a model cost, in thousandths of a core. Those that ``cheap`` answers cost nothing."""

    of: LiveRollout
    total: int = PODS * TARGET
    cheap: str = ""

    async def usage(self, selector: str) -> dict[str, int]:
        """The CPU of each ready pod: its share of the traffic of its revision, as the route splits it."""
        weights = await self.of.weights()
        ready = [pod for pod in await self.of.list("Pod", selector) if _is_ready(pod)]
        revisions = {pod["metadata"]["name"]: pod["metadata"]["labels"][REVISION] for pod in ready}
        shares = {name: weights.get(f"{self.of.name}-{rev}", 0) / 100 for name, rev in revisions.items()}
        pods = {rev: list(revisions.values()).count(rev) for rev in revisions.values()}
        return {
            name: 0 if rev == self.cheap else round(self.total * shares[name] / pods[rev])
            for name, rev in revisions.items()
        }


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


async def _autoscale(churn: LiveRollout) -> None:
    """By the operator's autoscaler."""
    metrics = [{"cpu": {"averageValue": f"{TARGET}m"}}]
    await churn.change({"scale": {"autoscaling": {"maxReplicas": MOST, "metrics": metrics, "scaleDownSeconds": 0}}})


async def _autoscale_by_hand(churn: LiveRollout) -> None:
    """By an autoscaler that somebody else made."""
    cpu = {"name": "cpu", "target": {"type": "AverageValue", "averageValue": f"{TARGET}m"}}
    eager = {"scaleDown": {"stabilizationWindowSeconds": 0}, "scaleUp": {"stabilizationWindowSeconds": 0}}
    spec = {
        "scaleTargetRef": {"apiVersion": "rollmodel.dev/v1alpha1", "kind": "ModelDeployment", "name": churn.name},
        "minReplicas": 1,
        "maxReplicas": MOST,
        "metrics": [{"type": "Resource", "resource": cpu}],
        "behavior": eager,
    }
    await churn.make("HorizontalPodAutoscaler", {"metadata": {"name": churn.name}, "spec": spec})


async def _asked(churn: LiveRollout) -> int:
    """What the autoscaler has written."""
    body = await churn.get("ModelDeployment", churn.name)
    assert body is not None
    return int(body["spec"]["scale"]["replicas"])


@asynccontextmanager
async def _never_too_small(load: Load) -> AsyncIterator[None]:
    """While this lasts, who has traffic has the pods for it: as many as all traffic takes, times the share."""
    short: list[str] = []

    async def watch() -> None:
        while True:
            weights, needed = await load.of.weights(), load.total / TARGET
            for deployment in await load.of.children("Deployment"):
                share = weights.get(deployment["metadata"]["name"], 0) / 100
                if (has := deployment["spec"]["replicas"]) < int(needed * share):
                    short.append(f"{deployment['metadata']['name']} has {has} pods for {share:.0%} of {needed}")
            await asyncio.sleep(0.2)

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching  # one that ended by itself has not seen everything
    assert short == []


async def _hides_load(churn: LiveRollout, load: Load, verb: str, version: str) -> None:
    """The candidate answers at no cost, so the autoscaler asks for fewer; whoever takes all traffic then has enough."""
    await _autoscale(churn)
    async with _never_too_small(load):
        await churn.version("2")
        candidate = (await churn.until(tried_at("2", 50))).candidate
        assert candidate is not None
        load.cheap = candidate.revision
        await eventually(lambda: _asked(churn), lambda asked: asked <= PODS // 2, "the autoscaler asks for fewer")
        status = await churn.until(lambda status: status.held_size, "holds its size")
        assert status.held_size is not None
        assert status.held_size.replicas == PODS
        load.cheap = ""
        await churn.command(verb)
        await churn.until(at_rest(version))
        # Within its tolerance an autoscaler repeats the number that it asked for, though more pods are there.
        [deployment] = await churn.children("Deployment")
        assert deployment["spec"]["replicas"] >= PODS


async def _grows(churn: LiveRollout, load: Load) -> None:
    """More load in the middle of a rollout: more pods, for both."""
    await churn.version("2")
    await churn.until(tried_at("2", 50))
    load.total = MOST * TARGET
    await _autoscale_by_hand(churn)
    await eventually(lambda: _asked(churn), lambda asked: asked == MOST, "the autoscaler asks for more")
    await churn.command("promote")
    await churn.until(at_rest("2"))
    [deployment] = await churn.children("Deployment")
    assert deployment["spec"]["replicas"] == MOST


async def test_what_a_candidate_hides(
    stack: Cluster, registry: LightRegistry, rollout: Rollout, tmp_path: Path
) -> None:
    """During and after a rollout that is won, one that is lost, and one in which the load grows."""
    model = await registry.model(Behaviour(), Behaviour())
    spec = light_spec(model.name, "1", scale={"replicas": PODS})
    spec["rollout"]["steps"] = [{"weight": 50}, {"pause": "Manual"}]
    loads = {name: Load(rollout(name)) for name in ("wins", "loses", "grows")}

    async def usage(selector: str) -> dict[str, int]:
        return await next(load for name, load in loads.items() if f"={name}" in selector).usage(selector)

    async with pod_metrics(stack, rollout("").namespace, tmp_path, usage):
        for load in loads.values():
            await load.of.create(spec)
        for load in loads.values():
            await load.of.until(at_rest("1"))
        won, lost, grown = loads.values()
        await together(
            [
                _hides_load(won.of, won, "promote", "2"),
                _hides_load(lost.of, lost, "abort", "1"),
                _grows(grown.of, grown),
            ]
        )
