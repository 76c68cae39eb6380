"""The namespaces of a shard, as they come, go, and are given from one operator to another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry
from rollmodel.adapters.kubernetes.watches.namespaces import Labels
from rollmodel.plan.operators.sharding import LABEL, ShardLease
from rollmodel.runtime.metrics.shards import ShardMetrics
from rollmodel.runtime.operators.shards import JOIN_SECONDS, Shard

from tests.support import virtual_time

A, B = {LABEL: "a"}, {LABEL: "b"}


@dataclass
class Cluster:
    """Namespaces with labels, and who says to work in them."""

    labels: dict[str, Mapping[str, str]] = field(default_factory=dict)
    claims: dict[str, ShardLease] = field(default_factory=dict)
    stirred: asyncio.Event = field(default_factory=asyncio.Event)

    def label(self, **labels: Mapping[str, str]) -> None:
        self.labels |= labels
        self.stirred.set()

    async def states(self) -> AsyncIterator[Labels]:
        while True:
            yield dict(self.labels)
            await self.stirred.wait()
            self.stirred.clear()


def now() -> float:
    return asyncio.get_running_loop().time()


@dataclass
class Operator:
    """What the process does with its shard: claims, waits until they are free, works until something changes."""

    cluster: Cluster
    name: str
    works: frozenset[str] = frozenset()
    turns: int = 0

    async def run(self) -> None:
        shard, last = Shard(self.name, clock=now), None
        following = asyncio.create_task(shard.follow(self.cluster.states()))
        await shard.listed.wait()
        while not following.done():
            last = await shard.begin(last=last)
            self.turns += 1
            self.claim(*last)
            free = await shard.free(last, self.others)
            held = set(last) - set(free)
            waiting = asyncio.create_task(shard.until_freed(held, self.others)) if held else None
            self.works = frozenset(free)
            await shard.changed.wait()
            await asyncio.sleep(3)  # passes end
            self.works = frozenset()
            self.claim()
            if waiting is not None:
                waiting.cancel()

    def claim(self, *names: str) -> None:
        holder = "pod" if names else ""
        self.cluster.claims[self.name] = ShardLease(self.name, f"{now()}", holder, 10.0, frozenset(names))

    async def others(self) -> list[ShardLease]:
        # A living holder writes its Lease again and again.
        found = [one for one in self.cluster.claims.values() if one.name != self.name]
        return [ShardLease(one.name, f"{now()}", one.holder, one.duration, one.namespaces) for one in found]


def test_a_namespace_goes_from_one_shard_to_the_other_and_two_never_work_in_it() -> None:
    virtual_time.run(_handed_over())


async def _handed_over() -> None:
    cluster = Cluster()
    cluster.label(x=A, y=B, z={})
    operators = [Operator(cluster, name) for name in ("a", "b", "default")]
    tasks = [asyncio.create_task(one.run()) for one in operators]
    first, second, rest = operators
    both = 0

    async def seconds(number: int) -> None:
        nonlocal both
        for _ in range(number * 10):
            await asyncio.sleep(0.1)
            both += bool(first.works & second.works or first.works & rest.works or second.works & rest.works)

    await seconds(1)
    assert [one.works for one in operators] == [{"x"}, {"y"}, {"z"}]
    cluster.label(x=B)
    await seconds(30)
    assert [one.works for one in operators] == [set(), {"x", "y"}, {"z"}]
    cluster.label(x={}, z=A)
    await seconds(30)
    assert [one.works for one in operators] == [{"z"}, {"y"}, {"x"}]
    turns = [one.turns for one in operators]
    await seconds(600)
    assert [one.turns for one in operators] == turns  # at rest nothing happens
    assert both == 0
    for task in tasks:
        task.cancel()


def test_namespaces_that_come_in_a_burst_are_taken_at_once_and_one_that_goes_without_waiting() -> None:
    virtual_time.run(_in_a_burst())


async def _in_a_burst() -> None:
    cluster = Cluster()
    cluster.label(x=A)
    operator = Operator(cluster, "a")
    task = asyncio.create_task(operator.run())
    await asyncio.sleep(1)
    for number in range(20):
        cluster.label(**{f"new-{number}": A})
        await asyncio.sleep(0.1)
    await asyncio.sleep(JOIN_SECONDS + 10)
    assert len(operator.works) == 21
    assert operator.turns <= 3
    cluster.label(x=B)
    await asyncio.sleep(3.5)
    assert operator.works == {f"new-{number}" for number in range(20)}
    task.cancel()


def test_it_counts_the_namespaces_of_all_shards_and_says_whose_it_leads() -> None:
    virtual_time.run(_counted())


async def _counted() -> None:
    cluster, shard, registry = Cluster(), Shard("a", clock=now), CollectorRegistry()
    cluster.label(x=A, y=B, z={}, w=B)
    following = asyncio.create_task(shard.follow(cluster.states()))
    leads = True
    ShardMetrics(shard.name, registry, leads=lambda: leads, namespaces=lambda: shard.namespaces)

    def namespaces(name: str) -> float | None:
        return registry.get_sample_value("rollmodel_shard_namespaces", {"shard": name})

    await shard.listed.wait()
    assert [namespaces(name) for name in ("a", "b", "default", "c")] == [1, 2, 1, None]
    cluster.label(y=A)
    await asyncio.sleep(0.1)
    assert [namespaces(name) for name in ("a", "b", "default")] == [2, 1, 1]
    assert registry.get_sample_value("rollmodel_shard_leader", {"shard": "a"}) == 1
    leads = False
    assert registry.get_sample_value("rollmodel_shard_leader", {"shard": "a"}) == 0
    following.cancel()
