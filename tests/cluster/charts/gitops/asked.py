"""What a team and a platform ask of the cluster: when something was made, what is left, what the object says."""

from __future__ import annotations

import asyncio
from datetime import datetime

from localcluster import Cluster
from tests.cluster.charts.releases.test_release import NAMESPACE
from tests.support.live.rollout import LiveRollout

__all__ = ["available", "born", "created", "drain_seconds", "exists", "generation", "is_available", "left"]


async def generation(churn: LiveRollout) -> int:
    """The generation of the team's object: how often its spec was changed."""
    body = await churn.get("ModelDeployment", churn.name)
    assert body is not None
    number: int = body["metadata"]["generation"]
    return number


async def exists(cluster: Cluster, *what: str) -> bool:
    """Whether this is there, as kubectl names it."""
    return bool(await asyncio.to_thread(cluster.kubectl, "get", *what, "--ignore-not-found", "-o", "name"))


async def is_available(cluster: Cluster) -> bool:
    """Whether the operator has been there since it was made."""
    deployment = ("deployment", "rollmodel", "-n", NAMESPACE)
    if not await exists(cluster, *deployment):
        return False
    path = "jsonpath={.status.conditions[?(@.type=='Available')].status}"
    return await asyncio.to_thread(cluster.kubectl, "get", *deployment, "-o", path) == "True"


async def created(cluster: Cluster, *what: str) -> datetime:
    """When an object was made."""
    text = await asyncio.to_thread(cluster.kubectl, "get", *what, "-o", "jsonpath={.metadata.creationTimestamp}")
    return datetime.fromisoformat(text)


async def available(cluster: Cluster) -> datetime:
    """Since when the operator has been there."""
    path = "jsonpath={.status.conditions[?(@.type=='Available')].lastTransitionTime}"
    asked = ("get", "deployment", "rollmodel", "-n", NAMESPACE, "-o", path)
    return datetime.fromisoformat(await asyncio.to_thread(cluster.kubectl, *asked))


async def born(churn: LiveRollout) -> datetime:
    """When the team's object was made."""
    body = await churn.get("ModelDeployment", churn.name)
    assert body is not None
    return datetime.fromisoformat(body["metadata"]["creationTimestamp"])


async def drain_seconds(churn: LiveRollout) -> int:
    """What the team's object says of draining."""
    body = await churn.get("ModelDeployment", churn.name)
    assert body is not None
    seconds: int = body["spec"]["rollout"]["drainSeconds"]
    return seconds


async def left(cluster: Cluster) -> str:
    """What is left of the chart."""
    kinds = "deployments,serviceaccounts,clusterroles,clusterrolebindings,crds"
    asked = ("get", kinds, "-A", "-l", "app.kubernetes.io/name=rollmodel", "-o", "name")
    return (await asyncio.to_thread(cluster.kubectl, *asked)).strip()
