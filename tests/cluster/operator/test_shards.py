"""Two shards on a real control plane: a namespace is worked in by one of them, and goes from one to the other."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from rollmodel.adapters.kubernetes.apiserver import ApiServer
from rollmodel.plan.operators.sharding import CLAIMED, LABEL

from localcluster import Cluster
from tests.support.eventually import eventually
from tests.support.live.operator_process import OperatorProcess
from tests.support.live.rollout import LiveRollout

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

SPEC = {"model": {"uri": "https://models.invalid/none", "digest": f"sha256:{'0' * 64}"}, "scale": {"replicas": 0}}


@dataclass
class Pair:
    """Two operators with a shard each; the namespace ``lease`` has their Leases."""

    cluster: Cluster
    lease: str
    first: OperatorProcess
    second: OperatorProcess
    names: tuple[str, str]

    def label(self, namespace: str, shard: str) -> None:
        """Give a namespace to a shard."""
        self.cluster.kubectl("label", "namespace", namespace, f"{LABEL}={shard}", "--overwrite")

    async def claims(self, shard: str) -> set[str]:
        """What the Lease of a shard names."""
        text = await asyncio.to_thread(self.cluster.kubectl, "get", "lease", shard, "-n", self.lease, "-o", "json")
        lease = json.loads(text)
        return set(lease["metadata"]["annotations"][CLAIMED].split(",")) - {""}


@pytest.fixture
async def pair(cluster: Cluster, crds: Path, namespace: str, tmp_path: Path) -> AsyncIterator[Pair]:
    names = (f"a-{secrets.token_hex(3)}", f"b-{secrets.token_hex(3)}")
    made = []
    for name in names:
        election = {"LEADER_ELECTION": "On", "LEASE_NAMESPACE": namespace, "LEASE_NAME": name, "LEASE_SECONDS": "5"}
        settings = {"SHARD": name, "LOG_FORMAT": "text", **election}
        made.append(OperatorProcess(cluster, cluster.kubeconfig, tmp_path / f"{name}.log", settings))
        made[-1].ensure()
    for one in made:
        await one.ready()
    yield Pair(cluster, namespace, made[0], made[1], names)
    for one in made:
        one.stop()


@pytest.fixture
async def team(cluster: Cluster, crds: Path) -> AsyncIterator[LiveRollout]:
    """A ModelDeployment without pods, in a namespace of its own that belongs to nobody yet."""
    api = await ApiServer.connect(str(cluster.kubeconfig))
    churn = LiveRollout(api, f"test-{secrets.token_hex(4)}", "churn")
    cluster.kubectl("create", "namespace", churn.namespace)
    await churn.create(SPEC, routed=False)
    yield churn
    await churn.delete()
    await churn.until_absent()
    cluster.kubectl("delete", "namespace", churn.namespace, "--wait=false")
    await api.close()


async def seen(churn: LiveRollout, seconds: int) -> None:
    """Change something, and wait until somebody has looked at it."""
    generation = (await churn.change({"rollout": {"drainSeconds": seconds}}))["metadata"]["generation"]
    await churn.until(lambda status: status.observed_generation == generation, "is looked at")


async def test_a_namespace_is_handed_over_and_a_dead_shard_holds_nothing_for_long(
    pair: Pair, team: LiveRollout
) -> None:
    first, second = pair.names
    assert (await team.status()).observed_generation == -1  # it is nobody's
    pair.label(team.namespace, first)
    await team.until(lambda status: status.observed_generation == 1)
    assert await pair.claims(first) == {team.namespace}
    assert await pair.claims(second) == set()

    pair.label(team.namespace, second)
    await eventually(lambda: pair.claims(second), lambda names: names == {team.namespace}, "it is handed over")
    await seen(team, 7)
    assert await pair.claims(first) == set()
    assert "Traceback" not in pair.first.log() + pair.second.log()

    pair.second.kill()
    pair.label(team.namespace, first)
    await seen(team, 8)
    assert await pair.claims(first) == {team.namespace}
    assert "waits for namespaces that another one works in" in pair.first.log()
    assert "Traceback" not in pair.first.log()
