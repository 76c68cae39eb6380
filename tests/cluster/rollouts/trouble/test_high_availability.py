"""Two operators and a Lease: the leader is killed in the middle of a rollout, and the next one ends gracefully."""

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from localcluster import Cluster
from localcluster.binaries import locate
from tests.cluster.rollouts.conftest import REPOSITORY, Rollout, Send
from tests.cluster.rollouts.trouble.test_interruptions import set_the_scene
from tests.support.live.light_models import LightRegistry
from tests.support.live.objects import NamespaceObjects
from tests.support.live.operator_process import OperatorProcess, Pair, elected, leads
from tests.support.live.rollout import LiveRollout, at_rest, verdict

pytestmark = pytest.mark.slow

HOUSE = "rollmodel-system"


@pytest.fixture
async def pair(
    stack: Cluster,
    operator: OperatorProcess,
    operator_kubeconfig: Path,
    operator_settings: dict[str, str],
    tmp_path: Path,
) -> AsyncIterator[Pair]:
    """One that leads and one that stands by, with the rights that the chart gives two replicas."""
    stack.kubectl("apply", "--server-side", "-f", "-", stdin=await asyncio.to_thread(_rights))
    operator.stop()
    async with elected(stack, operator_kubeconfig, tmp_path, HOUSE, operator_settings) as both:
        yield both
        for one in both:
            assert "Forbidden" not in one.log()
    stack.kubectl("delete", "lease", "rollmodel", "-n", HOUSE, "--ignore-not-found")


def _rights() -> str:
    """What the chart grants beyond the rights of one alone."""
    command = ["template", "rollmodel", "charts/rollmodel", "--namespace", HOUSE, "--set", "replicas=2"]
    helm = [str(locate(["helm"])["helm"]), *command, "--show-only", "templates/leaderelection.yaml"]
    return subprocess.run(helm, check=True, capture_output=True, text=True, cwd=REPOSITORY).stdout


async def elections(churn: LiveRollout) -> int:
    """How often an Event says that somebody became leader."""
    events = await NamespaceObjects(churn.api, HOUSE).list("Event")
    return sum(event["reason"] == "LeaderElection" for event in events)


async def test_a_rollout_goes_on_under_the_next_leader(
    pair: Pair, registry: LightRegistry, rollout: Rollout, send: Send
) -> None:
    first, second = pair
    churn = rollout("churn")
    model = await set_the_scene(registry, churn)
    before = await elections(churn)
    traffic = await send(churn)
    await model.point("challenger", "2")
    await churn.until(lambda status: status.candidate is not None and status.candidate.weight == 50)

    assert await second.count("rollmodel_leader") == 0
    assert await second.count("rollmodel_reconcile_total") == 0
    first.kill()
    killed = time.monotonic()
    await leads(second)
    print(f"taken over {time.monotonic() - killed:.1f} s after a kill")
    assert time.monotonic() - killed < 15
    await churn.until(lambda status: at_rest("2")(status) and verdict("2", "Promoted")(status))

    first.ensure()
    await first.ready()  # to stand by
    assert await first.count("rollmodel_leader") == 0
    await model.point("challenger", "3")
    await churn.until(lambda status: status.candidate is not None)
    await asyncio.to_thread(second.stop)
    ended = time.monotonic()
    await leads(first)
    print(f"taken over {time.monotonic() - ended:.1f} s after a graceful end")
    assert time.monotonic() - ended < 5
    await churn.until(lambda status: at_rest("2")(status) and verdict("3", "RolledBack")(status))

    status = await churn.until(lambda status: not status.outbox)
    found = [(entry.to_version, entry.verdict) for entry in status.history]
    assert found == [("1", "Installed"), ("2", "Promoted"), ("3", "RolledBack")]
    assert await model.aliased("champion") == "2"
    route = await churn.get("HTTPRoute", "churn")
    assert route is not None
    assert route["metadata"]["generation"] == 5  # one for each split: nothing was done twice
    assert await elections(churn) == before + 2
    assert set(traffic.codes) <= {"200", "500"}
