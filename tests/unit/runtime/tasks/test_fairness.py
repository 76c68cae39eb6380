"""One tenant does all the work that it can; another one's objects are looked at as if they were alone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from rollmodel.plan.decision import Ref
from rollmodel.plan.manifest import Manifest
from rollmodel.reconcile.result import Result
from rollmodel.runtime.metrics.operator import Instruments
from rollmodel.runtime.tasks.controller import Controller, Limits
from rollmodel.runtime.tasks.trigger import Triggers
from rollmodel.runtime.watchdog import Watchdog
from rollmodel.slots import waiting_for_neighbour

from tests.support import virtual_time
from tests.support.contracts.kube import model_deployment
from tests.support.inmemory.kube import InMemoryKube

TICK = 10.0
TICKS = 12


@dataclass
class Honest:
    """Looks once a tick."""

    began: list[float] = field(default_factory=list)

    async def reconcile(self, body: Manifest) -> Result:
        self.began.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.05)
        return Result(body, requeue_after=TICK)

    def forget(self, uid: str) -> None:
        """Nothing is remembered."""


@dataclass
class Greedy:
    """Holds its slot, as for an API server that a slow webhook holds up, and has always more to do."""

    neighbours: int = 0

    async def reconcile(self, body: Manifest) -> Result:
        for _ in range(self.neighbours):
            async with waiting_for_neighbour():
                await asyncio.sleep(0.01)
        await asyncio.sleep(5)
        return Result(body, requeue_after=0.0)

    def forget(self, uid: str) -> None:
        """Nothing is remembered."""


async def _play(greedy: Greedy, number: int) -> list[float]:
    """When passes over the one honest object begin, beside so many objects of another namespace."""
    kube = InMemoryKube()
    limits = Limits(concurrency=16, resync=3600, startup_spread=0.0)
    controller = Controller(kube, Triggers(), limits, Instruments(), Watchdog())

    def drive(reconciler: Greedy | Honest, namespace: str, name: str) -> asyncio.Task[None]:
        ref = Ref.of(kube.create(model_deployment(namespace, name)))
        return asyncio.create_task(controller.drive(reconciler, lambda: kube.objects[ref]))

    tasks = [drive(greedy, "greedy", f"object-{one}") for one in range(number)]
    await asyncio.sleep(7)
    honest = Honest()
    tasks.append(drive(honest, "modest", "churn"))
    await asyncio.sleep(TICK * TICKS)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return honest.began


@pytest.mark.parametrize("neighbours", [0, 3], ids=["at work all the time", "back from neighbours all the time"])
def test_a_pass_of_another_begins_within_one_tick_more_than_alone(neighbours: int) -> None:
    alone = virtual_time.run(_play(Greedy(), 0))
    beside = virtual_time.run(_play(Greedy(neighbours), 200))
    assert len(alone) == TICKS
    assert len(beside) >= TICKS - 1
    assert max(other - one for one, other in zip(alone, beside, strict=False)) < TICK
