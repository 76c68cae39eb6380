"""A leader that stands still for too long: another one leads, and it ends by itself when it wakes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from localcluster import Cluster
from tests.support.eventually import eventually
from tests.support.live.operator_process import OperatorProcess

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


@pytest.fixture
async def pair(
    cluster: Cluster, crds: Path, namespace: str, tmp_path: Path
) -> AsyncIterator[tuple[OperatorProcess, OperatorProcess]]:
    """The first leads, the second stands by; they work in the test's namespace only."""
    election = {"LEADER_ELECTION": "On", "LEASE_NAMESPACE": namespace, "LEASE_SECONDS": "5"}
    settings = {"NAMESPACES": namespace, "LOG_FORMAT": "text", **election}
    first, second = (
        OperatorProcess(cluster, cluster.kubeconfig, tmp_path / f"{name}.log", settings) for name in ("first", "second")
    )
    for one in (first, second):
        one.ensure()
        await one.ready()
        await leads(first)
    yield first, second
    for one in (first, second):
        one.stop()


async def leads(operator: OperatorProcess) -> None:
    """Wait until it leads, by its own metrics."""
    await eventually(lambda: operator.count("rollmodel_leader"), lambda leads: leads == 1, "it leads")


async def test_one_that_stood_still_ends_and_the_other_leads(pair: tuple[OperatorProcess, OperatorProcess]) -> None:
    first, second = pair
    process = first._process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    await leads(second)
    process.send_signal(signal.SIGCONT)
    assert await asyncio.to_thread(process.wait, 60) == 1
    assert "the Lease is lost" in first.log()
    assert "Traceback" not in first.log()
    first.ensure()  # as the kubelet does
    await first.ready()
    assert await first.count("rollmodel_leader") == 0
    assert await second.count("rollmodel_leader") == 1
    assert "standby" in first.log()
