"""Two operators that share a Lease."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from localcluster import Cluster
from tests.support.eventually import eventually
from tests.support.live.operator_process import OperatorProcess

__all__ = ["Pair", "elected", "leads"]

#: One that leads at first, and one that stands by.
Pair = tuple[OperatorProcess, OperatorProcess]


@asynccontextmanager
async def elected(
    cluster: Cluster, kubeconfig: Path, folder: Path, lease_namespace: str, settings: Mapping[str, str]
) -> AsyncIterator[Pair]:
    """Both of them, until the block ends; their logs are in ``folder``."""
    election = {"LEADER_ELECTION": "On", "LEASE_NAMESPACE": lease_namespace, **settings}
    first, second = (
        OperatorProcess(cluster, kubeconfig, folder / f"{name}.log", election) for name in ("first", "second")
    )
    try:
        for one in (first, second):
            one.ensure()
            await one.ready()
            await leads(first)
        yield first, second
    finally:
        for one in (first, second):
            one.stop()


async def leads(operator: OperatorProcess) -> None:
    """Wait until it leads, by its own metrics."""
    await eventually(lambda: operator.count("rollmodel_leader"), lambda leads: leads == 1, "it leads")
