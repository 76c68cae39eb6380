"""A leader that stands still for too long: another one leads, and it ends by itself when it wakes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from localcluster import Cluster
from tests.support.live.operator_process import Pair, elected, leads

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


@pytest.fixture
async def pair(cluster: Cluster, crds: Path, namespace: str, tmp_path: Path) -> AsyncIterator[Pair]:
    """The first leads, the second stands by; they work in the test's namespace only."""
    settings = {"NAMESPACES": namespace, "LOG_FORMAT": "text", "LEASE_SECONDS": "5"}
    async with elected(cluster, cluster.kubeconfig, tmp_path, namespace, settings) as both:
        yield both


async def test_one_that_stood_still_ends_and_the_other_leads(pair: Pair) -> None:
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
