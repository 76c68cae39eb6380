"""A simulated deployment as most stories find it: it serves, and stable has a past."""

from __future__ import annotations

from tests.support.simulation.rollouts import Cluster

__all__ = ["let_serve"]


def let_serve(cluster: Cluster, *, ticks: int = 0) -> None:
    """Its first version becomes Ready within ten minutes, and then serves for so many ticks of the analysis."""
    assert cluster.run(600, lambda: cluster.condition("Ready")["status"] == "True")
    for _ in range(ticks):
        cluster.advance()
