"""Which shards namespaces name, and which of them somebody works for: between the two an alert finds those of nobody.

Only an operator with a shard has these series. They cost no request: it watches the labels of all namespaces anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

__all__ = ["ShardMetrics"]


class ShardMetrics(Collector):
    """Registers itself. ``leads``: whether this operator leads ``shard``; ``namespaces``: how many name which shard."""

    def __init__(
        self,
        shard: str,
        registry: CollectorRegistry,
        *,
        leads: Callable[[], bool],
        namespaces: Callable[[], Mapping[str, int]],
    ) -> None:
        self._shard = shard
        self._leads = leads
        self._namespaces = namespaces
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Called by prometheus_client at each scrape."""
        leader = GaugeMetricFamily(
            "rollmodel_shard_leader",
            "1 if this operator works for its shard, 0 if it stands by; absent without shards.",
            labels=["shard"],
        )
        leader.add_metric([self._shard], float(self._leads()))
        known = GaugeMetricFamily(
            "rollmodel_shard_namespaces",
            "Namespaces of the cluster, by the shard that their label names; absent without shards.",
            labels=["shard"],
        )
        for shard, number in self._namespaces().items():
            known.add_metric([shard], number)
        yield from (leader, known)
