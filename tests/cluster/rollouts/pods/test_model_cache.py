"""Pods of a model with a cache, on a real claim: the registry is asked by one of them, and all are verified."""

from __future__ import annotations

import asyncio

import pytest
from rollmodel.serving.digest import folder_digest

from localcluster import Cluster
from tests.cluster.rollouts.conftest import Rollout
from tests.support.eventually import eventually
from tests.support.live.light_models import LightRegistry
from tests.support.live.others.claims import claim
from tests.support.live.rollout import LiveRollout, at_rest, light_spec
from tests.support.live.servers.light_server import Behaviour

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

_KEPT, _TAKEN, _REFUSED = "kept in the cache", "from the cache", "the cache is not used"


async def _said(cluster: Cluster, churn: LiveRollout) -> list[str]:
    """What fetched the model in each pod has written."""
    names = [pod["metadata"]["name"] for pod in await churn.children("Pod")]
    logs = [
        asyncio.to_thread(cluster.kubectl, "logs", "-n", churn.namespace, name, "-c", "fetch-model") for name in names
    ]
    return list(await asyncio.gather(*logs))


async def test_pods_share_what_one_has_fetched(
    stack: Cluster, registry: LightRegistry, rollout: Rollout, namespace: str
) -> None:
    disk = stack.directory / "volumes" / namespace
    await asyncio.to_thread(disk.mkdir, parents=True)
    await asyncio.to_thread(claim, stack, namespace, disk)
    model, churn = await registry.model(Behaviour(), Behaviour()), rollout("churn")
    spec = light_spec(model.name, "1", scale={"replicas": 2})
    spec["model"]["cache"] = {"claimName": "data", "maxSize": "100Mi"}
    await churn.create(spec)
    await churn.until(lambda now: at_rest("1")(now) and now.stable is not None and now.stable.ready_replicas == 2)
    first = await _said(stack, churn)
    assert [sum(word in log for log in first) for word in (_KEPT, _TAKEN, _REFUSED)] == [1, 1, 0], first

    (kept,) = (disk / "rollmodel-models").glob("sha256-*")
    digest = kept.name.replace("-", ":", 1)
    assert folder_digest(kept) == digest

    # Somebody writes to the claim: the next pod serves what it should all the same.
    next(path for path in kept.rglob("*") if path.is_file()).write_bytes(b"evil")
    await churn.change({"scale": {"replicas": 3}})
    await churn.until(lambda now: now.stable is not None and now.stable.ready_replicas == 3)
    logs = await eventually(lambda: _said(stack, churn), lambda logs: len(logs) == 3, "three pods have fetched")
    assert sum("does not hold what it should" in log for log in logs) == 1, logs
    assert folder_digest(kept) == digest, "and it is right again"
